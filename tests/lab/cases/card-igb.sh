# The physical function itself: the guest drives the whole card, and has all of its configuration space but what is the host's: SR-IOV, ARI
# and Resizable BAR.
source "$CASE_LIB"

# extended CONFIG: its extended capabilities (PCI Express Base 6.0, 7.6.3), a line each: offset, identifier and version.
EXTENDED='
	extended() {
		at=256
		while [ $at -ge 256 ]; do
			header=$(($(od -An -tu4 -j $at -N 4 $1)))
			printf "%03x: %04x v%d\n" $at $((header & 0xffff)) $((header >> 16 & 15))
			at=$((header >> 20 & 0xffc))
		done
	}
'
eval "$EXTENDED"
extended "/sys/bus/pci/devices/$LAB_PF_BDF/config" >hosts
echo "the host's: $(tr '\n' ' ' <hosts)"
grep -vE ': (0010|000e|0015|0024) ' hosts >wanted
head -n 1 wanted | grep '^100: 0001 ' && ! cmp -s hosts wanted || fail 'this card has no capability to keep, or none to hide'

lend "$LAB_PF_BDF"
test_card "$LAB_PF_BDF" strait.ip=10.0.2.15/24 "$EXTENDED"'
	cd /sys/class/net/eth0/device
	[ ! -e sriov_totalvfs ] || exit 9
	echo "bytes: $(cat config | wc -c)"
	extended config | sed "s/^/extended /"
	'"KIND=MSIX; $PING_TEST"
tr -d '\r' <console >said
grep -q '^bytes: 4096$' said || fail "the guest's configuration space has another size"
sed -n 's/^extended //p' said | diff wanted - || fail "the guest's extended capabilities are others"
