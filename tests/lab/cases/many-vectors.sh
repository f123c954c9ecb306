# A disk with as many MSI-X vectors as a table has room for, 2,048. They cost the host what the guest uses, or all of them where its kernel
# has them all from the start; and a guest that wants more of them than the host has processors for gets those, and goes on.
source "$CASE_LIB"
modprobe nvme
disk=$(nvme_disk nvme-vectors) card=$(card_of 1b36:0010 3)
test_disk "$card" "$disk" /dev/nvme0n1 MSIX nvme
taken=$(metric metrics devices.0.host_vectors)
echo "$taken vectors of the host"
case $(msix_of "$card") in
dynamic) ((taken <= 8)) ;;
NORESIZE) ((taken == 2048)) ;;
esac || fail 'so many were not needed, or not had'
(($(metric metrics devices.0.msix_table_traps) >= 2048)) || fail 'the guest did not see them all'

dd if=/dev/urandom of="$disk" bs=1M count=4 oflag=direct status=none
sum=$(dd if="$disk" bs=1M count=4 iflag=direct status=none | sha256sum)
lend "$card"
# All vectors but those that the driver has.
cat >commands <<'TEXT'
read_disk() { dd if=/dev/nvme0n1 bs=1M count=4 iflag=direct 2>/dev/null | sha256sum; }
read_disk
/strait/toggle_mask /sys/bus/pci/drivers/nvme/0000:* 8-2047 1 && echo unmasked
read_disk
dmesg | grep -i timeout
TEXT
guest_initrd "$LAB_INITRD" commands guest.img "$LAB_FILES/toggle_mask"

# count_vectors: the most interrupts of the card that the host handles, in the file `most`.
count_vectors() {
	local now most=0
	while :; do
		now=$(grep -c "vfio-msix.*$card" /proc/interrupts)
		((now <= most)) || echo $((most = now)) >most
		sleep 0.2
	done
}

# unmask_all ULIMIT-OPTION...: a monitor that was started with this limit, and its guest.
unmask_all() {
	count_vectors &
	local counter=$! status=0
	(ulimit "$@" && GUEST_CMDLINE="$GUEST_KERNEL iomem=relaxed" GUEST_DEVICE=$card GUEST_INITRD=guest.img \
		strait_on_vf run --metrics metrics --verbose --timeout 150 >console 2>log </dev/null) || status=$?
	kill "$counter"
	cat console log
	((status == 0)) || fail "status $status"
	grep -q ^unmasked console && (($(grep -cF "${sum%% *}" console) == 2)) || fail 'the guest read something else'
	! grep -i timeout console || fail 'interrupts of the disk were lost'
	echo "the host handled $(<most) of them, strait counts $(metric metrics devices.0.host_vectors); $(metric metrics irq_routing.irqfd_calls) KVM_IRQFD calls"
}

echo '== a limit of 1,024 descriptors that can be raised'
unmask_all -Sn 1024
grep -q 'vector [0-9]* stays silent: No space left on device' log || fail 'the host had interrupts for all: the case shows nothing'
(($(<most) > 256)) || fail 'the host had more to give'
((taken == 2048 || $(metric metrics devices.0.host_vectors) == $(<most))) || fail 'strait and the host count differently'
(($(metric metrics irq_routing.irqfd_calls) >= 2 * 2040)) || fail 'not every vector got a descriptor'

echo '== one of 256 that cannot'
unmask_all -n 256
grep -q 'vector [0-9]* stays silent: .*Too many open files' log || fail 'nothing was said of descriptors'
