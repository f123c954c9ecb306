# A trapped register that is written again and again with one value: after ten times the kernel makes the writes, every one of them, and the
# exits are saved. The same guest without it, and a network driver's own registers, for comparison.
source "$CASE_LIB"
edu=$(card_of 1234:11e8) card=$(card_of 8086:10d3)
lend "$edu"

# The register at 4 gives back the inverse of what was last written to it; the one at 0x80 takes any value, and the guest varies it.
cat >commands <<'TEXT'
printf '\006' | dd of=/sys/bus/pci/devices/0000:00:01.0/config bs=1 seek=4 conv=notrunc 2>/dev/null
bar=$(sed -n '1s/ .*//p' /sys/bus/pci/devices/0000:00:01.0/resource)
wrong=0
for i in $(seq 100); do
	devmem $((bar + 4)) 32 0x12345678
	[ $((i % 10)) != 0 ] || [ "$(devmem $((bar + 4)) 32)" = 0xEDCBA987 ] || wrong=$((wrong + 1))
	[ $((i % 10)) != 0 ] || devmem $((bar + 4)) 32 $((i / 10 % 3))
done
for i in $(seq 30); do devmem $((bar + 0x80)) 64 $i; done
# Away and back: nothing of it works while Memory Enable is off, and all of it afterwards.
printf '\004' | dd of=/sys/bus/pci/devices/0000:00:01.0/config bs=1 seek=4 conv=notrunc 2>/dev/null
for i in $(seq 5); do devmem $((bar + 4)) 32 0x12345678; done
printf '\006' | dd of=/sys/bus/pci/devices/0000:00:01.0/config bs=1 seek=4 conv=notrunc 2>/dev/null
for i in $(seq 20); do devmem $((bar + 4)) 32 0x12345678; done
echo "wrong $wrong last $(devmem $((bar + 4)) 32)"
TEXT
guest_initrd "$LAB_INITRD" commands guest.img

# guest KEYS: its console is in the file `console`, what was counted in TRAPS and MADE.
guest() {
	"$STRAIT" run --kernel "$LAB_KERNEL" --initrd guest.img --device "$edu,$1" --timeout "$GUEST_SECONDS" --metrics metrics >console ||
		fail "status $?: $(<console)"
	TRAPS=$(metric metrics devices.0.bar_traps) MADE=$(metric metrics devices.0.ioeventfds)
	echo "$1: $TRAPS accesses trapped, $MADE ioeventfds; $(grep -a wrong console)"
	grep -q '^wrong 0 last 0xEDCBA987' console || fail "a write did not arrive: $(<console)"
	[[ $(metric metrics devices.0.ioeventfds_refused) == 0 ]] || fail 'the host refused one'
}

guest mmap=off,ioeventfd=off
off=$TRAPS
((MADE == 0)) || fail 'an ioeventfd although none was wanted'
guest mmap=off
((MADE == 2)) || fail "$MADE ioeventfds, not one before Memory Enable went off and one afterwards"
# Of the 120 writes of the one value, ten are trapped each time.
((off - TRAPS == 100)) || fail "$((off - TRAPS)) exits saved, not 100"

# A driver's interrupt masks.
lend "$card"
test_card "$card,mmap=off,ioeventfd=off" strait.ip=10.0.2.15/24 "KIND=MSIX; $PING_TEST"
off=$(metric metrics devices.0.bar_traps)
test_card "$card,mmap=off" strait.ip=10.0.2.15/24 "KIND=MSIX; $PING_TEST"
traps=$(metric metrics devices.0.bar_traps) made=$(metric metrics devices.0.ioeventfds)
echo "e1000e: $off accesses trapped without, $traps with $made ioeventfds"
((made > 0 && traps + 100 < off)) || fail 'the driver saved no exits'
