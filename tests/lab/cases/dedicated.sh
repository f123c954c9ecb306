# A virtual CPU with a processor of its own waits in the guest, with real-time priority, and is stopped and started all the same; strait's other
# threads are elsewhere.
source "$CASE_LIB"
echo 'ping -q -A -c 20 10.9.0.1; dmesg | grep -i realtime; sleep 1; echo guest is up; sleep 1000' >command
guest_initrd "$LAB_INITRD" command initrd.img

for options in '' '--dedicated --rt 5'; do
	# shellcheck disable=SC2086 # words
	GUEST_INITRD=initrd.img start_strait_on_vf run --metrics metrics --pin 1 $options >console
	wait_for_guest console 'guest is up' "$GUEST_SECONDS"
	threads=$(for task in "/proc/$MONITOR/task"/*; do
		echo "$(<"$task/comm") on $(sed -n 's/^Cpus_allowed_list:\t//p' "$task/status"), $(chrt -p "${task##*/}" | sed -n 's/.*policy: //p;s/.*priority: //p' | xargs)"
	done | sort -u)
	kill -TERM "$MONITOR" # its power button
	wait "$MONITOR" || fail "status $?"
	halts=$(metric metrics kvm.0.halt_exits)
	cat console
	printf '%s\n%s halt exits\n' "$threads" "$halts"
	grep -q ' 0% packet loss' console || fail 'the card is not reached'
	if [[ $options ]]; then
		((halts == 0)) || fail "$halts halt exits"
		grep -q KVM_HINTS_REALTIME console || fail 'the guest does not know that its processors are its own'
		grep -q 'vcpu0 on 1, SCHED_FIFO|SCHED_RESET_ON_FORK 5' <<<"$threads" || fail 'vcpu0 has no real-time priority'
		! grep -v '^vcpu0' <<<"$threads" | grep -v ' on 0,' || fail 'another thread is where vcpu0 is'
	else
		((halts > 0)) || fail 'a guest that waits does not leave'
		! grep KVM_HINTS_REALTIME console || fail 'the guest takes its processors for its own'
	fi
done

refuses 1 'takes all CPUs' 'leave one to the host' -- "$STRAIT" run --kernel "$LAB_KERNEL" --cpus 2 --pin 0,1 --dedicated
pvh_kernel kernel "$HALT"
refuses 1 'real-time priority 5' 'LimitRTPRIO=5' -- setpriv --bounding-set=-sys_nice --inh-caps=-sys_nice "$STRAIT" run --kernel kernel --pin 1 --rt 5
refuses 1 'takes all CPUs' 'leave one to the host' -- "$STRAIT" run --kernel "$LAB_KERNEL" --cpus 2 --pin 0,1 --rt 5
works_still
