# A virtual function beside the physical one that the host keeps: its packets reach the other side through the card's switch.
source "$CASE_LIB"
lend_new_vf
test_card "$VF" strait.ip=10.0.2.15/24 "KIND=MSIX; $PING_TEST"
