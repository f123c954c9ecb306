# One card, driven by its MSI-X and by its INTx pin, and from one to the other while the guest runs. (Its MSI does not work in the emulation:
# the driver's own test of it fails on the host, too.)
source "$CASE_LIB"
card=$(card_of 8086:10d3)
lend "$card"
test_card "$card" strait.ip=10.0.2.15/24 "KIND=MSIX; $PING_TEST"
test_card "$card" 'strait.ip=10.0.2.15/24 pci=nomsi' "KIND=fasteoi; $PING_TEST"
test_card "$card" strait.ip=10.0.2.15/24 "
	try() {
		rmmod e1000e && modprobe e1000e IntMode=\$1 && ip addr add 10.0.2.15/24 dev eth0 && ip link set eth0 up || exit 9
		for i in \$(seq 100); do [ \"\$(cat /sys/class/net/eth0/carrier)\" = 1 ] && break; sleep 0.1; done
		( $PING_TEST ) || exit
	}
	KIND=fasteoi && try 0
	KIND=MSIX && try 2
	KIND=fasteoi && try 0
	KIND=MSIX && try 2
"
