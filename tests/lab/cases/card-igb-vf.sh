# A virtual function beside the physical one that the host keeps: its packets reach the other side through the card's switch.
source "$CASE_LIB"
make_vfs 1
vf=$(bdf_of_vf 0)
status=0
(lend "$vf" && test_card "$vf" strait.ip=10.0.2.15/24 "KIND=MSIX; $PING_TEST") || status=$?
ip link set "$LAB_PF" down
ip addr flush dev "$LAB_PF"
echo 0 >"/sys/bus/pci/devices/$LAB_PF_BDF/sriov_numvfs"
echo 1 >"/sys/bus/pci/devices/$LAB_PF_BDF/sriov_drivers_autoprobe"
exit "$status"
