# Guest memory of huge pages that were set apart: the card reaches it, all of it comes from there, and where there are too few, nothing has been
# touched when strait says so.
source "$CASE_LIB"
pools=/sys/kernel/mm/hugepages
trap 'echo 0 >$pools/hugepages-2048kB/nr_hugepages; echo 0 >$pools/hugepages-1048576kB/nr_hugepages' EXIT

# set_apart KIB N: makes the pool of pages of that size have N.
set_apart() {
	echo "$2" >"$pools/hugepages-$1kB/nr_hugepages"
	(($(<"$pools/hugepages-$1kB/nr_hugepages") == $2)) || fail "this host cannot have $2 huge pages of $1 KiB"
}

# A guest that waits, so that one can look at the pool meanwhile.
cat >wait-for-it <<'END'
ping -q -A -c 20 10.9.0.1
awk '/MemTotal/ { print "memory:", int($2 / 1024), "MiB" }' /proc/meminfo
echo guest is up
sleep 1000
END
guest_initrd "$LAB_INITRD" wait-for-it initrd.img

# boot SIZE KIB PAGES MEMORY: a guest in that many pages of SIZE, which are KIB large. None is free meanwhile, and all are afterwards.
boot() {
	local free=$pools/hugepages-$2kB/free_hugepages
	rm -f console metrics
	GUEST_INITRD=initrd.img GUEST_MEMORY=$4 start_strait_on_vf run --hugepages "$1" --metrics metrics >console
	wait_for_guest console 'guest is up' "$GUEST_SECONDS"
	cat console
	echo "$(<"$free") pages of $1 are free while the guest runs"
	(($(<"$free") == 0)) || fail "the guest has not all of its memory from the pool"
	grep -q ' 0% packet loss' console || fail 'the card does not reach its memory'
	kill -TERM "$MONITOR" # its power button
	wait "$MONITOR" || fail "status $?"
	(($(<"$free") == $3)) || fail "$(<"$free") pages are free afterwards, not $3"
	[[ $(metric metrics guest.huge_pages) == "$1" ]] || fail "$(<metrics)"
}

set_apart 2048 255
refuses 1 'takes 256 huge pages of 2M' 'only 255' 'sysctl vm.nr_hugepages=256' -- \
	"$STRAIT" run --kernel "$LAB_KERNEL" --hugepages 2M --device "$LAB_VF0"
set_apart 2048 256
boot 2M 2048 256 512M
set_apart 2048 0

refuses 1 'takes 4 huge pages of 1G' 'hugepagesz=1G hugepages=4' -- "$STRAIT" run --kernel "$LAB_KERNEL" --memory 4G --hugepages 1G
set_apart 1048576 4
boot 1G 1048576 4 4G
[[ $(metric metrics dma.map_calls) == 2 ]] || fail 'memory is not in two pieces, below and above the hole'
(($(metric metrics guest.prefault_ns) > 0)) || fail 'memory was not made present before the guest started'
echo 0 >$pools/hugepages-1048576kB/nr_hugepages

# A signal ends what takes long, whether something is to be put back or not.
for device in "" ",managed=on"; do
	"$STRAIT" run --kernel "$LAB_KERNEL" --device "$LAB_VF0$device" --memory 8G --hugepages off --prefault on --prefault-threads 1 </dev/null &
	MONITOR=$!
	wait_until 30 awk '/^VmRSS:/ { exit $2 < 200000 }' "/proc/$MONITOR/status" || fail 'memory does not become present'
	start=$EPOCHREALTIME
	kill -TERM "$MONITOR"
	status=0
	wait "$MONITOR" || status=$?
	awk -v start="$start" -v now="$EPOCHREALTIME" -v status="$status" 'BEGIN {
		printf "ended with status %d within %.1f s\n", status, now - start; exit now - start > 5 || status != 143 }' || fail "device$device: not at once"
done
