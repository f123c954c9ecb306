# Virtual CPUs and the card's interrupts on the host stay on the processors that --pin names; those that cannot be had are refused.
source "$CASE_LIB"
cgroup=/sys/fs/cgroup/pinned
trap 'echo 1 >/sys/devices/system/cpu/cpu1/online; [[ ! -d $cgroup ]] || rmdir $cgroup' EXIT

# allowed THREAD: where the monitor's thread may run.
allowed() {
	local task
	for task in "/proc/$MONITOR/task"/*; do
		[[ $(<"$task/comm") != "$1" ]] || sed -n 's/^Cpus_allowed_list:\t//p' "$task/status"
	done
}

echo 'ping -q -A -c 20 10.9.0.1; echo guest is up; sleep 1000' >command
guest_initrd "$LAB_INITRD" command initrd.img
for pins in 1,0 0:1,1:1; do
	GUEST_CPUS=2 GUEST_INITRD=initrd.img start_strait_on_vf run --pin $pins >console
	wait_for_guest console 'guest is up' "$GUEST_SECONDS"
	vectors=("/sys/bus/pci/devices/$LAB_VF0/msi_irqs"/*)
	interrupts=$(for vector in "${vectors[@]}"; do cat "/proc/irq/${vector##*/}/smp_affinity_list"; done | sort -u | xargs)
	echo "--pin $pins: vcpu0 on $(allowed vcpu0), vcpu1 on $(allowed vcpu1), ${#vectors[@]} interrupts on $interrupts"
	case $pins in
	1,0) wanted='1 0 0-1' ;;
	*) wanted='1 1 1' ;;
	esac
	[[ "$(allowed vcpu0) $(allowed vcpu1) $interrupts" == "$wanted" ]] || fail "not $wanted"
	kill -TERM "$MONITOR" # its power button
	wait "$MONITOR" || fail "status $?"
done

run=("$STRAIT" run --kernel "$LAB_KERNEL" --device "$LAB_VF0")
refuses 1 'CPU 9' 'this host has 0-1' -- "${run[@]}" --pin 9
echo 0 >/sys/devices/system/cpu/cpu1/online
refuses 1 'CPU 1, which is offline' 'cpu1/online' -- "${run[@]}" --pin 1
echo 1 >/sys/devices/system/cpu/cpu1/online
echo +cpuset >/sys/fs/cgroup/cgroup.subtree_control
mkdir $cgroup
echo 0 >$cgroup/cpuset.cpus
# shellcheck disable=SC2016
refuses 1 'CPU 1, but this process may use only 0' 'cpuset' -- bash -c 'echo $$ >'$cgroup'/cgroup.procs && exec "$@"' - "${run[@]}" --pin 1
works_still
