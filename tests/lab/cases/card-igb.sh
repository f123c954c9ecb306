# The physical function itself: the guest drives the whole card, without its SR-IOV capability.
source "$CASE_LIB"
lend "$LAB_PF_BDF"
test_card "$LAB_PF_BDF" strait.ip=10.0.2.15/24 "[ ! -e /sys/class/net/eth0/device/sriov_totalvfs ] || exit 9; KIND=MSIX; $PING_TEST"
