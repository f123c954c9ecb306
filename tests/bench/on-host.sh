# What runs on the lab's host: each contestant boots the same guest with the same virtual function, in turn. One line a measurement goes to
# $LAB_OUT/results: CONTESTANT METRIC VALUE. Arguments: ROUNDS SECONDS, the latter for each stream of the data path.
source "$LAB_LIB"
set -u
rounds=$1 seconds=$2
results=$LAB_OUT/results
work=/tmp/bench
strait=$LAB_FILES/strait
patience=60 # seconds for a boot
mkdir -p $work
: >"$results"
cmdline='console=ttyS0 quiet panic=-1'
export XDG_CACHE_HOME=$work/cache

# The guest's first deed after its marker is a reboot, which ends every contestant.
echo 'reboot -f' >$work/reboot
guest_initrd "$LAB_INITRD" $work/reboot $work/reboot.img
# The guest waits to be measured, then to be killed.
echo 'echo ready; sleep 1000' >$work/wait
guest_initrd "$LAB_INITRD" $work/wait $work/wait.img
cat >$work/data <<COMMAND
echo ready
ping -c 1000 -A -q 10.9.0.1 >/dev/null; echo pinged
iperf3 -c 10.9.0.1 -t $seconds -f m --json | grep bits_per_second | tail -1
echo sent
iperf3 -c 10.9.0.1 -t $seconds -f m --json -R | grep bits_per_second | tail -1
echo received
COMMAND
guest_initrd "$LAB_INITRD_NET" $work/data $work/data.img

# command_of CONTESTANT INITRD CMDLINE: its command line, in the array `command`.
command_of() {
	local kernel=$LAB_KERNEL
	local vfio=(-device "vfio-pci,host=$LAB_VF0")
	local qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -serial stdio -no-reboot -accel kvm -cpu host -smp 1 -m 512M)
	case $1 in
	*-vmlinux) kernel=$work/vmlinux ;;
	esac
	local guest=(-kernel "$kernel" -initrd "$2" -append "$3")
	case $1 in
	strait) command=("$strait" run --on-reboot exit --kernel "$kernel" --initrd "$2" --cmdline "$3" --memory 512M --cpus 1 --device "$LAB_VF0") ;;
	strait-cold) command=("$strait" run --on-reboot exit --no-kernel-cache --kernel "$kernel" --initrd "$2" --cmdline "$3" --memory 512M --cpus 1 --device "$LAB_VF0") ;;
	strait-vmlinux) command=("$strait" run --on-reboot exit --kernel "$kernel" --initrd "$2" --cmdline "$3" --memory 512M --cpus 1 --device "$LAB_VF0") ;;
	microvm*) command=("${qemu[@]}" -machine microvm,pcie=on,rtc=on "${guest[@]}" "${vfio[@]}") ;;
	q35*) command=("${qemu[@]}" -machine q35 "${guest[@]}" "${vfio[@]}") ;;
	esac
}

say() { echo "$(date +%T) $*"; }
record() { echo "$1 $2 $3" >>"$results"; }

# Seconds from exec to the first line of the guest's init; the guest goes on to reboot.
boot_time() {
	local line start end=
	command_of "$1" $work/reboot.img "$cmdline"
	start=$EPOCHREALTIME
	while IFS= read -r line; do
		[[ $line != *strait-guest:\ init* ]] || end=$EPOCHREALTIME
	done < <(timeout -s KILL $patience "${command[@]}" 2>>$work/errors </dev/null)
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

# userspace_exits NAME LOG FROM TO: between two of the guest's words.
data_path() {
	local pid last now word
	command_of "$1" $work/data.img "$cmdline strait.ip=10.9.0.2/24"
	"${command[@]}" >$work/console 2>>$work/errors </dev/null &
	pid=$!
	wait_for_text $work/console ready 120 || fail "$1 did not come up"
	sleep 1
	for word in pinged sent received; do
		perf stat -a -x, -e kvm:kvm_userspace_exit,kvm:kvm_exit -o $work/perf bash -c "until grep -q $word $work/console; do sleep 0.2; done" || true
		record "$1" "${word}_userspace_exits" "$(awk -F, '/userspace/ { print $1 }' $work/perf)"
		record "$1" "${word}_exits" "$(awk -F, '/kvm:kvm_exit/ { print $1 }' $work/perf)"
	done
	awk -F: '/bits_per_second/ { printf "%s\n", $2 / 1e6 }' $work/console | tr -d '\r' >$work/rates
	record "$1" send_mbps "$(sed -n 1p $work/rates)"
	record "$1" receive_mbps "$(sed -n 2p $work/rates)"
	kill -KILL $pid 2>/dev/null
	wait $pid 2>/dev/null || true
}

say "filling the kernel cache"
boot_time strait >/dev/null
cp $work/cache/strait/kernels/*.elf $work/vmlinux

declare -A given_up
contestants=(strait strait-cold strait-vmlinux microvm microvm-vmlinux q35 q35-vmlinux)
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
iperf3 -s -D >/dev/null
for contestant in strait microvm q35; do
	count_exits "$contestant"
	own_memory "$contestant"
	((seconds == 0)) || data_path "$contestant"
	say "$contestant: counted"
done
