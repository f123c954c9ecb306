# A device that does DMA to wherever the guest says: guest RAM it reaches, addresses beyond it not, and another device's BAR only where that
# is wanted, wherever the BAR is. What it may not reach is an IOMMU fault, and nothing changes: neither in the guest nor in the host's
# memory with the same address, which the host of this configuration leaves alone.
source "$CASE_LIB"
edu=$(card_of 1234:11e8) memory=$(card_of 1af4:1110)
beyond=0x40000000
grep -q '^40000000-40ffffff : Reserved' /proc/iomem || fail "the host's kernel does not leave its memory at $beyond alone"
hosts_memory() { dd if=/dev/mem bs=4096 skip=$((beyond / 4096)) count=4096 status=none; }
dd if=/dev/urandom bs=1M count=16 iflag=fullblock status=none | dd of=/dev/mem bs=4096 seek=$((beyond / 4096)) conv=notrunc status=none
sum=$(hosts_memory | sha256sum)
secret=$(hosts_memory | od -An -tx8 -N 8)
lend "$edu"
lend "$memory"

# The guest's kernel leaves the upper half of its memory alone. Offsets and commands are of QEMU's edu device.
echo "beyond=$beyond" >commands
cat >>commands <<'TEXT'
bar() { sed -n "$(($2 + 1))s/ .*//p" /sys/bus/pci/devices/$1/resource; }
for device in 0000:00:01.0 0000:00:02.0; do
	printf '\006' | dd of=/sys/bus/pci/devices/$device/config bs=1 seek=4 conv=notrunc 2>/dev/null
done
edu=$(bar 0000:00:01.0 0) memory=$(bar 0000:00:02.0 2) moved=0x600000000 ram=0x18000000
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
devmem $((memory + 0x1000)) 64 0
into_device $ram
out_of_device $((ram + 0x100))
say ram $((ram + 0x100))
out_of_device $((memory + 0x1000))
say to-peer $((memory + 0x1000))
into_device $memory
out_of_device $((ram + 0x200))
say from-peer $((ram + 0x200))

# The upper half of the peer's BAR 2: the lower one is 0, here and there.
printf '\006\000\000\000' | dd of=/sys/bus/pci/devices/0000:00:02.0/config bs=4 seek=7 conv=notrunc 2>/dev/null
devmem $((moved + 0x2000)) 64 0
into_device $ram
out_of_device $((memory + 0x3000))
sleep 6 # The host's kernel tells of three faults in five seconds.
out_of_device $((moved + 0x2000))
say to-moved-peer $((moved + 0x2000))

out_of_device $beyond
say after $((ram + 0x100))
into_device $beyond
out_of_device $((ram + 0x300))
say from-beyond $((ram + 0x300))
printf 'places: %#x %#x\n' $memory $moved
TEXT
guest_initrd "$LAB_INITRD" commands guest.img

# guest P2P: what it says, in the file `console`; faults of the IOMMU in `faults`. Sets HERE and THERE to where the peer's BAR was.
guest() {
	sleep 6
	dmesg --clear
	"$STRAIT" run --kernel "$LAB_KERNEL" --initrd guest.img --device "$edu" --device "$memory,p2p=$1" --timeout "$GUEST_SECONDS" \
		--cmdline "$GUEST_KERNEL mem=256M" >console || fail "status $?: $(<console)"
	dmesg | grep -i 'DMAR.*fault addr' >faults
	cat console faults
	read -r HERE THERE < <(tr -d '\r' <console | sed -n 's/^places: //p')
	says ram 0x1122334455667788 'DMA to RAM did not arrive'
	says after 0x1122334455667788 'DMA beyond the RAM changed the RAM'
	[[ $(hosts_memory | sha256sum) == "$sum" ]] || fail "the host's memory changed"
	! grep -qi "^from-beyond 0x${secret// /}" console || fail "the guest read the host's memory"
	faulted Write "$beyond" || fail 'DMA beyond the RAM was no fault'
	faulted Read "$beyond" || fail 'DMA from beyond the RAM was no fault'
}

# says NAME VALUE MESSAGE
says() {
	tr -d '\r' <console | grep -qx "$1 $2" || fail "$3"
}

# faulted Read|Write ADDRESS: the edu device, in that page.
faulted() {
	grep -q "DMA $1 .*\[${edu#0000:}\] fault addr $2 " faults
}

# offset ADDRESS OFFSET
offset() { printf '%#x' $(($1 + $2)); }

guest on
says to-peer 0x1122334455667788 "DMA into the other device's BAR did not arrive"
says from-peer 0x99AABBCCDDEEFF00 "DMA out of the other device's BAR did not arrive"
says to-moved-peer 0x1122334455667788 "DMA into the other device's BAR did not arrive once the guest had moved it"
faulted Write "$(offset "$HERE" 0x3000)" || fail "DMA to where the other device's BAR was no longer was no fault"
(($(wc -l <faults) == 3)) || fail 'there were other faults'

guest off
says to-peer 0x0000000000000000 "DMA into the other device's BAR arrived"
says to-moved-peer 0x0000000000000000 "DMA into the other device's BAR arrived once the guest had moved it"
faulted Write "$(offset "$HERE" 0x1000)" || fail "DMA into the other device's BAR was no fault"
faulted Read "$HERE" || fail "DMA out of the other device's BAR was no fault"
faulted Write "$(offset "$THERE" 0x2000)" || fail "DMA into the other device's BAR was no fault once the guest had moved it"
