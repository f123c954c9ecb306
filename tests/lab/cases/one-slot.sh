# Two cards of the host as two functions of one guest slot: found behind function 0's multi-function bit, and with traffic on both, although
# their INTx pins are the same pin of the slot.
source "$CASE_LIB"
conventional=$(card_of 8086:100e) express=$(card_of 8086:10d3)
lend "$conventional"
lend "$express"
"$STRAIT" test --kernel "$LAB_KERNEL" --initrd "$LAB_INITRD" --device "$conventional,addr=6" --device "$express,addr=6.5" \
	--timeout "$GUEST_SECONDS" --cmdline "$GUEST_KERNEL pci=nomsi" -- '
	n=0
	for function in 0 5; do
		card=$(ls /sys/bus/pci/devices/0000:00:06.$function/net) || exit 2
		ip addr add 10.0.2.$((15 + function))/24 dev $card
		ip link set $card up
		cards="$cards $card"
	done
	# The header type of function 0: several functions.
	[ "$(dd if=/sys/bus/pci/devices/0000:00:06.0/config bs=1 skip=14 count=1 2>/dev/null | od -An -tx1)" = " 80" ] || exit 3
	sleep 3
	for card in $cards; do
		ping -A -q -c 100 -I $card 10.0.2.2 >/tmp/$card &
	done
	wait
	cat /tmp/eth*
	grep eth /proc/interrupts
	[ "$(grep -c "100 packets received" /tmp/eth0 /tmp/eth1 | grep -c ":1")" = 2 ] || exit 4
	# One line for both: they share the pin.
	grep -q "IO-APIC.*eth[01], *eth[01]" /proc/interrupts || exit 5
' || fail "status $?"
