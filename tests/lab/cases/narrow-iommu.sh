# Behind an IOMMU of 39 bits the guest believes in 39 bits, its memory and the card's BARs lie below, and traffic passes.
source "$CASE_LIB"

strait_on_vf test --timeout "$GUEST_SECONDS" --metrics metrics -- '
	set -e
	grep -m 1 "address sizes" /proc/cpuinfo
	grep -q "39 bits physical" /proc/cpuinfo
	grep -E "System RAM|PCI Bus|igbvf" /proc/iomem
	sed -n "s/^ *[0-9a-f]*-\([0-9a-f]*\) :.*/\1/p" /proc/iomem | while read -r end; do [ $((0x$end >> 39)) = 0 ]; done
	ping -q -A -c 50 10.9.0.1
' || fail "the guest's test failed with status $?"
[[ $(metric metrics guest.physical_bits) == 39 ]] || fail "$(<metrics)"
