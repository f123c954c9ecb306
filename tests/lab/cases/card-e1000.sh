# A conventional PCI card that has nothing but its INTx pin, and I/O ports: the guest's own driver gets every interrupt.
source "$CASE_LIB"
card=$(card_of 8086:100e)
lend "$card"
test_card "$card" strait.ip=10.0.2.15/24 "KIND=fasteoi; $PING_TEST"
# It is lent again, in a guest with several processors.
GUEST_CPUS=2 test_card "$card" strait.ip=10.0.2.15/24 "KIND=fasteoi; $PING_TEST"
