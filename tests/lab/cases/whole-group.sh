# One option gives a guest all of an IOMMU group: a card of two functions, which stay together, and two cards behind a bridge, which stays.
source "$CASE_LIB"
nic=$(card_of 8086:10d3) edu=$(card_of 1234:11e8)
[[ ${nic%.0} == "${edu%.1}" ]] || fail "$nic and $edu are not functions of one card"
modprobe -a e1000 e1000e

# What the host still uses keeps the whole group from the guest, whichever function is named.
lend "$edu"
refuses 1 'IOMMU group' "$nic (e1000e)" 'release' -- "$STRAIT" run --kernel "$LAB_KERNEL" --device "$edu,group=on"
refuses 1 "$nic is bound to the host driver e1000e" 'give it to vfio-pci' -- "$STRAIT" run --kernel "$LAB_KERNEL" --device "$nic,group=on"

# edu answers what is written to its second register with the complement.
lend "$nic"
test_card "$edu,group=on,addr=7" strait.ip=10.0.2.15/24 "
	KIND=MSIX; $PING_TEST"'
	cd /sys/bus/pci/devices
	[ "$(echo *)" = "0000:00:00.0 0000:00:07.0 0000:00:07.1" ] || { echo *; exit 5; }
	[ "$(readlink /sys/class/net/eth0/device)" = ../../../0000:00:07.0 ] || exit 6
	printf "\006" | dd of=0000:00:07.1/config bs=1 seek=4 conv=notrunc 2>/dev/null
	edu=$(sed -n "1s/ .*//p" 0000:00:07.1/resource)
	devmem $((edu + 4)) 32 0x12345678
	[ "$(devmem $((edu + 4)) 32)" = 0xEDCBA987 ] || exit 7
'

# functions: what the guest finds beside the host bridge when a card behind the bridge is named.
functions() {
	test_card "$1,group=on" '' 'cd /sys/bus/pci/devices && echo functions: *'
	grep -aq "functions: 0000:00:00.0 $2"$'\r' console || fail "the guest has other functions than $2"
}
first=$(card_of 8086:100e 1) second=$(card_of 8086:100e 2)
lend "$first"
lend "$second"
functions "$first" '0000:00:01.0 0000:00:02.0'
unbind "$second"
functions "$first" '0000:00:01.0'
