# One option gives a guest all of an IOMMU group: a card of two functions, which stay together, and two cards behind a bridge, which stays.
source "$CASE_LIB"
nic=$(card_of 8086:10d3) edu=$(card_of 1234:11e8)
[[ ${nic%.0} == "${edu%.1}" ]] || fail "$nic and $edu are not functions of one card"
modprobe -a e1000 e1000e

# What the host still uses keeps the whole group from the guest, whichever function is named.
lend "$edu"
refuses 1 'IOMMU group' "$nic (e1000e)" "give these to vfio-pci, too: strait bind $nic" -- "$STRAIT" run --kernel "$LAB_KERNEL" --device "$edu,group=on"
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

# Neither card can be reset alone, but their bus can: a guest finds nothing of what the host left in the first word of their tables of multicast
# addresses. It leaves something there itself.
# For guests and the host, which have their cards at other places: the address of that word.
word_of='word_of() { printf "\002" | dd of=/sys/bus/pci/devices/$1/config bs=1 seek=4 conv=notrunc 2>/dev/null; echo $(($(sed -n "1s/ .*//p" /sys/bus/pci/devices/$1/resource) + 0x5200)); }'
eval "$word_of"
devmem() { busybox devmem "$@"; }
leave_behind() { devmem "$(word_of "$1")" 32 0x5ECE7 && [[ $(devmem "$(word_of "$1")") == 0x0005ECE7 ]] || fail "$1 keeps nothing"; }
leave_behind "$first"
leave_behind "$second"
test_card "$first,group=on" module_blacklist=e1000 "$word_of"'
	for card in 0000:00:01.0 0000:00:02.0; do
		echo "found: $(devmem $(word_of $card))"
		devmem $(word_of $card) 32 0x5ECE7
		[ $(devmem $(word_of $card)) = 0x0005ECE7 ] || exit 2
	done
'
(($(grep -ac 'found: 0x00000000' console) == 2)) || fail 'the guest found what was left'
(($(grep -c 'its bus was reset' log) == 1)) || fail "not one reset: $(<log)"

# Not while the guest uses one of them.
{ echo "$word_of" && cat <<'TEXT'; } >commands
word=$(word_of 0000:00:01.0)
echo "found: $(devmem $word)"
devmem $word 32 0x5ECE7
echo "waiting"
while [ ! -e /sys/bus/pci/devices/0000:00:06.0 ]; do sleep 0.1; done
echo "kept: $(devmem $word)"
TEXT
guest_initrd "$LAB_INITRD" commands guest.img
leave_behind "$first"
GUEST_INITRD=guest.img GUEST_DEVICE=$first GUEST_CMDLINE="$GUEST_KERNEL module_blacklist=e1000" start_strait_on_vf run --control control >console 2>log </dev/null
wait_for_guest console waiting "$GUEST_SECONDS"
ctl add-device "$second,addr=6" || fail "not added: $(<log)"
wait "$MONITOR" || fail "status $?: $(<log)"
cat console log
grep -aq 'found: 0x00000000' console || fail 'the guest found what was left'
grep -aq 'kept: 0x0005ECE7' console || fail 'the card was reset under the guest'
grep -q "$second is not reset: its bus has $first, too, which the guest uses" log || fail 'strait did not say so'

# Nor where the host has a part in it.
unbind "$second"
functions "$first" '0000:00:01.0'
grep -q "$first is not reset: resetting its bus says .* bound to vfio-pci: .*$second" log || fail "strait did not say so: $(<log)"
