# An NVMe disk, whose MSI-X table lies among its registers: what the host wrote is what the guest reads, and the other way round.
source "$CASE_LIB"
modprobe nvme
test_disk "$(card_of 1b36:0010)" "$(nvme_disk nvme)" /dev/nvme0n1 MSIX nvme
