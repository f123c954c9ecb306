# QEMU's device for teaching, which the guest drives from user space: registers, DMA out of and into the guest's memory, and its INTx pin by
# way of uio_pci_generic.
source "$CASE_LIB"
card=$(card_of 1234:11e8)
lend "$card"
# The guest's kernel leaves the upper half of its memory alone.
GUEST_INITRD=$LAB_INITRD_NET test_card "$card" mem=256M "$(declare -f interrupts)"'
	device=/sys/bus/pci/devices/0000:00:01.0
	modprobe uio_pci_generic && echo 1234 11e8 >/sys/bus/pci/drivers/uio_pci_generic/new_id || exit 1
	command() { printf "\006\000" | dd of=$device/config bs=2 seek=2 conv=notrunc 2>/dev/null; } # memory, bus master, and INTx not disabled
	edu=$(sed -n "1s/ .*//p" $device/resource) ram=0x18000000
	command
	[ $(($(devmem $edu 32) & 0xff0000ff)) = $((0x010000ed)) ] || exit 2

	for n in $(seq 10); do
		devmem $((edu + 0x20)) 32 0x80 # an interrupt when the factorial is there
		devmem $((edu + 0x08)) 32 5
		for i in $(seq 50); do [ "$(interrupts uio_pci_generic)" = $n ] && break; sleep 0.1; done
		[ $(($(devmem $((edu + 0x08)) 32))) = 120 ] || exit 3
		devmem $((edu + 0x64)) 32 $(devmem $((edu + 0x24)) 32)
		command # its driver turned INTx off
	done
	grep uio_pci_generic /proc/interrupts
	[ "$(interrupts uio_pci_generic)" = 10 ] || exit 4

	dma() { # FROM TO COMMAND
		devmem $((edu + 0x80)) 64 $1
		devmem $((edu + 0x88)) 64 $2
		devmem $((edu + 0x90)) 64 8
		devmem $((edu + 0x98)) 64 $3
		while [ $(($(devmem $((edu + 0x98)) 64) & 1)) = 1 ]; do sleep 0.05; done
	}
	devmem $ram 64 0x1122334455667788
	devmem $((ram + 0x100)) 64 0
	dma $ram 0x40000 1
	dma 0x40000 $((ram + 0x100)) 3
	devmem $((ram + 0x100)) 64
	[ "$(devmem $((ram + 0x100)) 64)" = 0x1122334455667788 ] || exit 5
'
