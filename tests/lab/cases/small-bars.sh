# Two functions with a BAR of less than a page, plugged in one after the other, so that the guest's kernel chooses the addresses: both
# answer, without an exit, and so they do trapped. The first register of QEMU's ivshmem keeps what is written to it; its BAR 0 has 256 bytes.
source "$CASE_LIB"
first=$(card_of 1af4:1110 1) second=$(card_of 1af4:1110 2)
for device in "$first" "$second"; do
	lend "$device"
	read -r start end _ <"/sys/bus/pci/devices/$device/resource"
	((end - start + 1 == 256)) || fail "BAR 0 of $device has $((end - start + 1)) bytes"
done

cat >commands <<'TEXT'
appear() {
	while [ ! -e "/sys/bus/pci/devices/$1/config" ]; do sleep 0.1; done
	sleep 1
	printf '\002' | dd of=/sys/bus/pci/devices/$1/config bs=1 seek=4 conv=notrunc 2>/dev/null
	echo "here $1"
}
bar() { sed -n '1s/ .*//p' /sys/bus/pci/devices/$1/resource; }
appear 0000:00:05.0
appear 0000:00:06.0
first=$(bar 0000:00:05.0) second=$(bar 0000:00:06.0)
devmem $first 32 0x11111111
devmem $second 32 0x22222222
echo "BARs $first $second"
echo "registers $(devmem $first 32) $(devmem $second 32)"
TEXT
guest_initrd "$LAB_INITRD" commands guest.img

# guest KEYS: its console is in the file `console`; what both devices' accesses to BARs were trapped, in TRAPS.
guest() {
	"$STRAIT" run --kernel "$LAB_KERNEL" --initrd guest.img --control control --metrics metrics --timeout "$GUEST_SECONDS" \
		--cmdline "$GUEST_KERNEL" >console 2>log </dev/null &
	MONITOR=$!
	wait_for_guest console init "$GUEST_SECONDS"
	ctl add-device "$first,addr=5$1" || fail "not added: $(<log)"
	wait_for_guest console 'here 0000:00:05.0' "$GUEST_SECONDS"
	ctl add-device "$second,addr=6$1" || fail "not added: $(<log)"
	ends 0 wait "$MONITOR"
	cat console log
	grep -q '^registers 0x11111111 0x22222222' console || fail "a BAR does not answer: $(<console)"
	TRAPS=$(($(metric metrics devices.0.bar_traps) + $(metric metrics devices.1.bar_traps)))
	echo "BARs${1:-}: $TRAPS accesses trapped"
}

guest ''
((TRAPS == 0)) || fail 'an access was trapped'
guest ,mmap=off
((TRAPS == 4)) || fail 'not each of the four accesses was trapped'
