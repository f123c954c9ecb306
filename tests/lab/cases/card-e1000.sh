# A conventional PCI card that has nothing but its INTx pin, and I/O ports: the guest's own driver gets every interrupt.
source "$CASE_LIB"
card=$(card_of 8086:100e)
lend "$card"
test_card "$card" strait.ip=10.0.2.15/24 "KIND=fasteoi; $PING_TEST"
# It is lent again, in a guest with several processors.
"$STRAIT" test --kernel "$LAB_KERNEL" --initrd "$LAB_INITRD" --device "$card" --timeout "$GUEST_SECONDS" --cpus 2 \
	--cmdline "console=ttyS0 quiet panic=-1 cryptomgr.notests strait.ip=10.0.2.15/24" -- "KIND=fasteoi; $PING_TEST" || fail "2 CPUs: status $?"
