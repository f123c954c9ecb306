# A device that does DMA to wherever the guest says: guest RAM it reaches, addresses beyond it not, and another device's BAR only where that
# is wanted. What it may not reach is an IOMMU fault, and nothing changes.
source "$CASE_LIB"
edu=$(card_of 1234:11e8) memory=$(card_of 1af4:1110)
lend "$edu"
lend "$memory"

# The guest's kernel leaves the upper half of its memory alone. Offsets and commands are of QEMU's edu device.
cat >commands <<'TEXT'
bar() { sed -n "$(($2 + 1))s/ .*//p" /sys/bus/pci/devices/$1/resource; }
for device in 0000:00:01.0 0000:00:02.0; do
	printf '\006' | dd of=/sys/bus/pci/devices/$device/config bs=1 seek=4 conv=notrunc 2>/dev/null
done
edu=$(bar 0000:00:01.0 0) memory=$(bar 0000:00:02.0 2) ram=0x18000000 beyond=0x40000000
dma() { # FROM TO TO_RAM
	devmem $((edu + 0x80)) 64 $1
	devmem $((edu + 0x88)) 64 $2
	devmem $((edu + 0x90)) 64 8
	devmem $((edu + 0x98)) 64 $((1 + 2 * $3))
	while [ $(($(devmem $((edu + 0x98)) 64) & 1)) = 1 ]; do sleep 0.05; done
}
into_device() { dma $1 0x40000 0; }
out_of_device() { dma 0x40000 $1 1; }
say() { echo "$1 $(devmem $2 64)"; }

devmem $((ram)) 64 0x1122334455667788
devmem $((memory)) 64 0x99aabbccddeeff00
devmem $((memory + 0x100)) 64 0
into_device $ram
out_of_device $((ram + 0x100))
say ram $((ram + 0x100))
out_of_device $((memory + 0x100))
say to-peer $((memory + 0x100))
into_device $memory
out_of_device $((ram + 0x200))
say from-peer $((ram + 0x200))
into_device $ram
out_of_device $beyond
say after $((ram + 0x100))
TEXT
guest_initrd "$LAB_INITRD" commands guest.img

# guest P2P: what it says, in the file `console`; faults of the IOMMU in `faults`.
guest() {
	dmesg --clear
	"$STRAIT" run --kernel "$LAB_KERNEL" --initrd guest.img --device "$edu" --device "$memory,p2p=$1" --timeout "$GUEST_SECONDS" \
		--cmdline "$GUEST_KERNEL mem=256M" >console || fail "status $?: $(<console)"
	dmesg | grep -i 'DMAR.*fault addr' >faults
	cat console faults
}

guest on
grep -q '^ram 0x1122334455667788' console || fail 'DMA to RAM did not arrive'
grep -q '^to-peer 0x1122334455667788' console || fail "DMA into the other device's BAR did not arrive"
grep -q '^from-peer 0x99AABBCCDDEEFF00' console || fail "DMA out of the other device's BAR did not arrive"
grep -q 'fault addr 0x40000000' faults || fail 'DMA beyond the RAM was no fault'

guest off
grep -q '^ram 0x1122334455667788' console || fail 'DMA to RAM did not arrive'
grep -q '^to-peer 0x0000000000000000' console || fail "DMA into the other device's BAR arrived"
(($(grep -c 'fault addr' faults) >= 2)) || fail "DMA into the other device's BAR was no fault"
