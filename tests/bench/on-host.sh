# What runs on the lab's host: each contestant boots the same guest with the same virtual function, in turn. One line a measurement goes to
# $LAB_OUT/results: CONTESTANT METRIC VALUE. Arguments: ROUNDS SECONDS, the latter for each stream of the data path.
source "$LAB_LIB"
source "$LAB_FILES/conversation.sh"
set -u
rounds=$1 seconds=$2
results=$LAB_OUT/results
work=/tmp/bench
strait=$LAB_FILES/strait
patience=60 # seconds for a boot
mkdir -p $work
: >"$results"
# As in the lab's cases, without the kernel's tests of its own ciphers: more than a second of everybody's boot is those. Contestants named
# -selftests boot with them.
cmdline='console=ttyS0 quiet panic=-1 cryptomgr.notests'
export XDG_CACHE_HOME=$work/cache

# The guest's first deed after its marker is a reboot, which ends every contestant.
echo 'reboot -f' >$work/reboot
guest_initrd "$LAB_INITRD" $work/reboot $work/reboot.img
# The guest waits to be measured, then to be killed.
echo 'echo ready; sleep 1000' >$work/wait
guest_initrd "$LAB_INITRD" $work/wait $work/wait.img
{ talk_commands "$seconds" && echo 'sleep 1000'; } >$work/data
guest_initrd "$LAB_INITRD_NET" $work/data $work/data.img

# command_of CONTESTANT INITRD CMDLINE: its command line, in the array `command`.
command_of() {
	local kernel=$LAB_KERNEL cmdline=$3
	local vfio=(-device "vfio-pci,host=$LAB_VF0")
	local qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -serial stdio -no-reboot -accel kvm -cpu host -smp 1 -m 512M)
	case $1 in
	*-vmlinux) kernel=$work/vmlinux ;;
	*-selftests) cmdline=${cmdline/ cryptomgr.notests/} ;;
	esac
	local guest=(-kernel "$kernel" -initrd "$2" -append "$cmdline")
	local strait=("$strait" run --on-reboot exit --kernel "$kernel" --initrd "$2" --cmdline "$cmdline" --memory 512M --cpus 1 --device "$LAB_VF0")
	case $1 in
	strait-cold) command=("${strait[@]}" --no-kernel-cache) ;;
	strait*) command=("${strait[@]}") ;;
	microvm*) command=("${qemu[@]}" -machine microvm,pcie=on,rtc=on "${guest[@]}" "${vfio[@]}") ;;
	q35*) command=("${qemu[@]}" -machine q35 "${guest[@]}" "${vfio[@]}") ;;
	esac
}

say() { echo "$(date +%T) $*"; }

# Seconds from exec to the first line of the guest's init; the guest goes on to reboot.
boot_time() {
	local line start end=
	command_of "$1" $work/reboot.img "$cmdline"
	start=$EPOCHREALTIME
	while IFS= read -r line; do
		[[ $line != *strait-guest:\ init* ]] || end=$EPOCHREALTIME
	done < <(exec timeout -s KILL $patience "${command[@]}" 2>>$work/errors </dev/null)
	# The next contestant does not share the machine with the end of this one, which gives back half a gigabyte.
	wait $!
	[[ -z $end ]] || awk "BEGIN { printf \"%.3f\", $end - $start }"
}

# Exits over a whole boot and reboot, as the host's kernel counts them.
count_exits() {
	command_of "$1" $work/reboot.img "$cmdline"
	perf stat -a -x, -e kvm:kvm_exit,kvm:kvm_userspace_exit -o $work/perf timeout -s KILL $patience "${command[@]}" >/dev/null 2>>$work/errors </dev/null || true
	record "$1" exits "$(awk -F, '/kvm:kvm_exit/ { print $1 }' $work/perf)"
	record "$1" userspace_exits "$(awk -F, '/kvm:kvm_userspace_exit/ { print $1 }' $work/perf)"
}

# The monitor's own memory in KiB: its proportional set size without the guest's RAM and device mappings.
own_memory() {
	local pid
	command_of "$1" $work/wait.img "$cmdline"
	"${command[@]}" >$work/console 2>>$work/errors </dev/null &
	pid=$!
	wait_for_text $work/console ready 120 || fail "$1 did not come up"
	record "$1" own_kib "$(awk '
		/^[0-9a-f]+-[0-9a-f]+ / { device = /vfio-device/ }
		/^Size:/ { ram = $2 > 256 * 1024 }
		/^Pss:/ && !device && !ram { sum += $2 }
		END { print sum }' "/proc/$pid/smaps")"
	kill -KILL $pid
	wait $pid 2>/dev/null || true
}

# The guest talks to the host through the function.
data_path() {
	command_of "$1" $work/data.img "$cmdline strait.ip=10.9.0.2/24"
	conversation "${command[@]}"
	talk "$1"
	kill -KILL $monitor
	wait $monitor 2>/dev/null || true
}

say "filling the kernel cache"
boot_time strait >/dev/null
cp $work/cache/strait/kernels/*.elf $work/vmlinux

declare -A given_up
contestants=(strait strait-cold strait-vmlinux microvm microvm-vmlinux q35 q35-vmlinux strait-selftests microvm-selftests)
for contestant in "${contestants[@]}"; do
	command_of "$contestant" INITRD "$cmdline"
	printf '%s: %s\n' "$contestant" "$(printf '%q ' "${command[@]}")" >>"$LAB_OUT/commands"
done
for ((round = 1; round <= rounds; round++)); do
	for contestant in "${contestants[@]}"; do
		[[ ${given_up[$contestant]:-} ]] && continue
		taken=$(boot_time "$contestant")
		if [[ -z $taken ]]; then
			say "round $round: $contestant: no init within $patience s; given up"
			given_up[$contestant]=yes
			record "$contestant" boot_s "$patience"
			continue
		fi
		record "$contestant" boot_s "$taken"
		say "round $round: $contestant: $taken s"
	done
done
machines=(strait microvm q35)
for contestant in "${machines[@]}"; do
	count_exits "$contestant"
	own_memory "$contestant"
	say "$contestant: counted"
done
((seconds)) || exit 0
iperf3 -s -D >/dev/null
for ((round = 1; round <= (rounds + 1) / 2; round++)); do
	for contestant in "${machines[@]}"; do
		data_path "$contestant"
		say "round $round: $contestant: talked"
	done
done
