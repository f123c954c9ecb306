# One card, driven by its MSI-X, by its INTx pin and by MSI, and from one to the other while the guest runs.
source "$CASE_LIB"
card=$(card_of 8086:10d3)
lend "$card"
test_card "$card" strait.ip=10.0.2.15/24 "KIND=MSIX; $PING_TEST"
test_card "$card" 'strait.ip=10.0.2.15/24 pci=nomsi' "KIND=fasteoi; $PING_TEST"

# try MODE: the driver anew, with its parameter IntMode. It tests MSI with an interrupt of a kind (RXSEQ) that the emulated card notes and does
# not send a message for, so one that it does (LSC, a change of the link) is raised beside it: Interrupt Cause Set is at 0xc8.
TRY="
	registers=\$(sed -n '1s/ .*//p' /sys/class/net/eth0/device/resource)
	try() {
		rmmod e1000e && modprobe e1000e IntMode=\$1 && ip addr add 10.0.2.15/24 dev eth0 || exit 9
		[ \$1 != 1 ] || while :; do devmem \$((registers + 0xc8)) 32 4; done &
		ip link set eth0 up || exit 9
		[ \$1 != 1 ] || kill \$!
		for i in \$(seq 100); do [ \"\$(cat /sys/class/net/eth0/carrier)\" = 1 ] && break; sleep 0.1; done
		( $PING_TEST ) || exit
	}
"
# The kernel lets a program at a driver's registers only if told to.
test_card "$card" 'strait.ip=10.0.2.15/24 iomem=relaxed' "$TRY
	KIND=PCI-MSI- && try 1
"
test_card "$card" 'strait.ip=10.0.2.15/24 iomem=relaxed' "$TRY
	KIND=fasteoi && try 0
	KIND=PCI-MSI- && try 1
	KIND=MSIX && try 2
	KIND=fasteoi && try 0
	KIND=MSIX && try 2
"
