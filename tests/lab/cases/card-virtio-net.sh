# A modern virtio card: its vendor capabilities and its doorbells reach the guest's driver, its MSI-X arrives.
source "$CASE_LIB"
card=$(card_of 1af4:1041)
lend "$card"
test_card "$card" strait.ip=10.0.2.15/24 "KIND=MSIX NAME=virtio0-; $PING_TEST" # virtio0-input.0 and so on
