# Four devices of four kinds in one guest, with traffic on all of them at once; and the same after the guest rebooted in the middle of it.
source "$CASE_LIB"
modprobe nvme
disk=$(nvme_disk nvme)
cards=("$(card_of 8086:100e)" "$(card_of 8086:10d3)" "$(card_of 1af4:1041)" "$(card_of 1b36:0010)")
# Where the guest notes that it has been here.
note='bs=512 seek=1000'
dd if=/dev/zero of="$disk" count=1 oflag=direct status=none $note
options=()
for card in "${cards[@]}"; do
	lend "$card"
	options+=(--device "$card")
done
"$STRAIT" test --kernel "$LAB_KERNEL" --initrd "$LAB_INITRD" "${options[@]}" --timeout "$GUEST_SECONDS" --metrics metrics \
	--cmdline "$GUEST_KERNEL" --on-reboot reset -- "
	note='$note'
	$(cat <<'TEST'
	n=0
	for card in /sys/class/net/eth*; do
		card=${card##*/} n=$((n + 1))
		# Each is on a network of its own, where the other side is always 10.0.2.2: one routing table for each.
		ip addr add 10.0.2.$((14 + n))/24 dev $card
		ip link set $card up
	done
	[ $n = 3 ] || { ls /sys/class/net; exit 3; }
	sleep 3
	for card in /sys/class/net/eth*; do
		ping -A -q -c 200 -I ${card##*/} 10.0.2.2 >/tmp/${card##*/} &
	done
	dd if=/dev/nvme0n1 of=/dev/null bs=1M count=64 iflag=direct || exit 4
	wait
	cat /tmp/eth*
	[ "$(grep -c "200 packets received" /tmp/eth0 /tmp/eth1 /tmp/eth2 | grep -c ":1")" = 3 ] || exit 5
	[ "$(dd if=/dev/nvme0n1 count=1 iflag=direct ${note/seek/skip} 2>/dev/null | head -c 9)" = 'been here' ] && exit 0

	echo 'been here' | dd of=/dev/nvme0n1 conv=sync oflag=direct $note 2>/dev/null
	for card in /sys/class/net/eth*; do
		ping -A -q -I ${card##*/} 10.0.2.2 >/dev/null &
	done
	dd if=/dev/nvme0n1 of=/dev/null bs=1M iflag=direct &
	sleep 1
	echo b >/proc/sysrq-trigger
	sleep 60
TEST
)" || fail "status $?"
[[ $(metric metrics guest.reboots) == 1 ]] || fail 'the guest did not reboot'
