# A stock kernel starts in each of the ways there are: unpacked by strait, from strait's cache, unpacking itself, and as vmlinux
# through its PVH entry.
source "$CASE_LIB"
export STRAIT_CACHE=$PWD/cache

# boots PROTOCOL OPTION...
boots() {
	local protocol=$1
	shift
	strait_on_vf test --timeout "$GUEST_SECONDS" --metrics metrics "$@" -- 'cat /proc/version && ping -q -A -c 5 10.9.0.1' ||
		fail "$*: status $?"
	[[ $(metric metrics guest.protocol) == "$protocol" ]] || fail "$*: started as $(metric metrics guest.protocol), not $protocol"
	awk -v how="$*" -v loaded="$(metric metrics phases_s.kernel_loaded)" -v ready="$(metric metrics phases_s.devices_ready)" \
		'BEGIN { printf "%s: the kernel was loaded in %.2f s\n", how, loaded - ready }'
}

boots linux-elf64 --kernel-entry auto
entry=$(stat -c '%n %i' cache/kernels/*.elf) || fail 'the unpacked kernel is not in the cache'
boots linux-elf64 --kernel-entry elf
[[ $(stat -c '%n %i' cache/kernels/*.elf) == "$entry" ]] || fail 'the second start did not take the kernel from the cache'
boots linux-bzimage64 --kernel-entry bzimage
LAB_KERNEL=${entry% *} boots pvh --kernel-entry auto
