# --cpu-hide-kvm: the guest's kernel sees that it is in a virtual machine, but not that KVM makes it, and drives the card all the same.
source "$CASE_LIB"

# guest OPTION...: what the guest's kernel knows, in the file `console`.
guest() {
	strait_on_vf test --timeout "$GUEST_SECONDS" "$@" -- '
		dmesg | grep -i "hypervisor detected\|kvm\|paravirtualized\|tsc:"
		echo "cpuinfo: $(grep -c "^flags.* hypervisor" /proc/cpuinfo) of $(grep -c ^processor /proc/cpuinfo) under a hypervisor"
		echo "clocks: $(cat /sys/devices/system/clocksource/clocksource0/available_clocksource)"
		ping -q -A -c 20 10.9.0.1' >console || fail "the guest's test failed with status $?: $(<console)"
	tr -d '\r' <console
}

guest
grep -q 'Hypervisor detected: KVM' console || fail 'the guest does not see KVM anyway'
grep -q '^clocks:.*kvm-clock' console || fail 'the guest has no kvmclock anyway'

guest --cpu-hide-kvm
! grep -qi 'kvm' console || fail 'the guest sees KVM'
grep -q '^cpuinfo: 1 of 1 under' console || fail 'the guest does not see a hypervisor'
