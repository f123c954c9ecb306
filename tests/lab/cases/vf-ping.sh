# A guest on a virtual function sees the card with its own driver, talks through it, and gets its interrupts.
source "$CASE_LIB"

strait_on_vf test --timeout 100 -- sh -c "$(declare -f interrupts)"'
	set -e
	driver=$(readlink /sys/class/net/eth0/device/driver)
	echo "eth0 is at $(readlink /sys/class/net/eth0/device), driver ${driver##*/}"
	[ "${driver##*/}" = igbvf ]
	before=$(interrupts eth0)
	ping -c 5 -i 0.2 10.9.0.1
	after=$(interrupts eth0)
	echo "interrupts: $before, then $after"
	[ "$after" -ge $((before + 5)) ]
' || fail "the guest's test failed with status $?"
