# USB controllers, each with a stick: one by its MSI-X, one by MSI, which it has with several messages, and by its INTx pin.
source "$CASE_LIB"
modprobe -a xhci_pci usb_storage sd_mod

# stick_of CARD: the stick's block device on the host.
stick_of() {
	compgen -G "/sys/bus/pci/devices/$1/usb*/*/*/host*/target*/*/block/*" | sed 's|.*/|/dev/|'
}

msix=$(card_of 1b36:000d) msi=$(card_of 1b36:000d 2)
for card in "$msix" "$msi"; do
	wait_until 20 eval '[[ $(stick_of $card) ]]' || fail "the host does not see the stick of $card"
done
test_disk "$msix" "$(stick_of "$msix")" /dev/sda PCI-MSIX- xhci
test_disk "$msi" "$(stick_of "$msi")" /dev/sda PCI-MSI- xhci
wait_until 20 eval '[[ $(stick_of $msi) ]]'
test_disk "$msi" "$(stick_of "$msi")" /dev/sda fasteoi xhci pci=nomsi
