# A host that cannot remap interrupts can give a function one MSI message, however many the guest asks for: the guest gets that one.
source "$CASE_LIB"
unsafe=/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts
modprobe -a vfio-pci vfio_iommu_type1
card=$(card_of 1b36:000d)
lend "$card"
trap 'echo N >"$unsafe"; give_back' EXIT
echo Y >"$unsafe"
GUEST_DEVICE=$card strait_on_vf test --timeout "$GUEST_SECONDS" --metrics metrics -- "$MESSAGES
	messages 2
" >console 2>log || fail "status $?: $(<log) $(<console)"
cat log
grep -q "$card: the host has only 1 of 4 MSI vectors left" log || fail 'nothing was said of it'
grep -q "$card: vector 3 stays silent" log || fail 'nothing was said of the last one'
[[ $(metric metrics devices.0.host_vectors) == 1 ]] || fail "strait says $(metric metrics devices.0.host_vectors)"
