# A virtual function of an NVMe controller: what the host wrote to their disk is what the guest reads, and the other way round.
source "$CASE_LIB"
modprobe nvme
pf=$(card_of 1b36:0010 2) disk=$(nvme_disk nvme-sriov)
device=/sys/bus/pci/devices/$pf
controller=/dev/$(basename "$device"/nvme/nvme*)

# A function can only have what the controller gave up, which it does at its reset: queues (resource 0) and interrupts (1).
give() { # CONTROLLER ACTION RESOURCE COUNT
	nvme virt-mgmt "$controller" --cntlid="$1" --act="$2" --rt="$3" --nr="$4"
}
give 0 1 0 0
give 0 1 1 0
echo 1 >"$device/reset"
echo 0 >"$device/sriov_drivers_autoprobe"
echo 1 >"$device/sriov_numvfs"
give 1 8 0 4
give 1 8 1 3
give 1 9 0 0 # online
nvme list-secondary "$controller" | head -n 20

status=0
(test_disk "$(basename "$(readlink "$device/virtfn0")")" "$disk" /dev/nvme0n1 MSIX nvme) || status=$?
echo 0 >"$device/sriov_numvfs"
exit "$status"
