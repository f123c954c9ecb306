# A conventional PCI card that has nothing but its INTx pin, and I/O ports: the guest's own driver gets every interrupt, and resets the card
# through the ports.
source "$CASE_LIB"
card=$(card_of 8086:100e)
lend "$card"
test_card "$card" strait.ip=10.0.2.15/24 "KIND=fasteoi; $PING_TEST"
if [[ ${STRAIT##*/} == strait ]]; then
	accesses=$(metric metrics "userspace_exits.by_device.$card BAR 1") || fail 'nothing came to the I/O BAR'
	echo "$accesses accesses to its ports"
	((accesses >= 2)) || fail 'a register takes two accesses: its offset, and its value'
fi
# It is lent again, in a guest with several processors.
GUEST_CPUS=2 test_card "$card" strait.ip=10.0.2.15/24 "KIND=fasteoi; $PING_TEST"
