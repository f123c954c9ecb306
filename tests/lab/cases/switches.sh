# What experiments can switch off: each switch changes what it should, by counts, and the guest gets its interrupts all the same.
# (ioeventfd=off is in the case ioeventfd, mmap=off in device-keys.)
source "$CASE_LIB"
modprobe -a nvme xhci_pci usb_storage sd_mod
conventional=$(card_of 8086:100e) card=$(card_of 8086:10d3) usb=$(card_of 1b36:000d 2) disk=$(card_of 1b36:0010)
for bdf in "$conventional" "$card" "$usb" "$disk"; do lend "$bdf"; done

count() { metric metrics "$1"; }
routes() { count irq_routing.set_gsi_routing_calls; }
by_thread() { count irq_routing.user_deliveries; }

# ping_guest DEVICE KIND [COMMAND]: a guest pings by interrupts of that kind; COMMAND comes first.
ping_guest() { test_card "$1" strait.ip=10.0.2.15/24 "${3:-}
	KIND=$2; $PING_TEST"; }
# read_guest DEVICE DISK: a guest reads 4 MiB from its disk.
read_guest() {
	GUEST_INITRD=$LAB_INITRD_NET test_card "$1" '' "
		modprobe -a -q sd_mod usb_storage
		$(when_readable "$2")
		grep -E 'xhci|nvme' /proc/interrupts
		dd if=$2 of=/dev/null bs=1M count=4 iflag=direct"
}

echo '== irqfd: MSI-X, INTx, MSI'
ping_guest "$card" MSIX
(($(by_thread) == 0)) || fail 'a thread delivered interrupts, although nobody asked for it'
ping_guest "$card,irqfd=off" MSIX
echo "$(by_thread) interrupts by our thread, $(routes) routing calls, $(count irq_routing.irqfd_calls) irqfd calls"
(($(by_thread) >= 100)) || fail 'the interrupts took another way'
(($(routes) == 1)) || fail 'KVM was given routes other than those of the pins'
ping_guest "$conventional,irqfd=off" fasteoi
echo "$(by_thread) interrupts by our thread"
(($(by_thread) >= 100)) || fail 'the interrupts took another way'
read_guest "$usb,irqfd=off" /dev/sda
grep -q PCI-MSI- console || fail 'the guest used no MSI'
echo "$(by_thread) interrupts by our thread"
(($(by_thread) >= 16)) || fail 'the interrupts took another way'

echo '== route-batch: what a driver does as its interface goes down and up, and a reset, which unmasks all vectors at once'
again='for i in 1 2 3; do ip link set eth0 down; ip link set eth0 up; done; echo 1 >/sys/class/net/eth0/device/reset
	for i in $(seq 100); do [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && break; sleep 0.1; done'
ping_guest "$card" MSIX "$again"
batched=$(routes)
echo "$batched routing calls for $(count devices.0.route_updates) messages"
((batched <= $(count devices.0.route_updates))) || fail 'more calls than messages'
ping_guest "$card,route-batch=off" MSIX "$again"
echo "$(routes) routing calls for $(count devices.0.route_updates) messages"
(($(routes) > $(count devices.0.route_updates) && $(routes) > batched)) || fail 'not each message had a call of its own'

echo '== dyn-msix: what the host sets aside for a disk with many vectors'
# watch_vectors: notes the most host interrupts that the disk has, as the host's kernel says, in the file `vectors`.
watch_vectors() {
	local now most=0
	while :; do
		now=$(host_vectors "$disk")
		((now <= most)) || echo $((most = now)) >vectors
		sleep 0.1
	done
}
declare -A taken
for switch in on off; do
	rm -f vectors
	watch_vectors &
	watcher=$!
	read_guest "$disk,dyn-msix=$switch" /dev/nvme0n1
	kill $watcher
	echo "dyn-msix=$switch: $(<vectors) host interrupts, strait says $(count devices.0.host_vectors)"
	(($(<vectors) == $(count devices.0.host_vectors))) || fail 'strait and the host count differently'
	taken[$switch]=$(<vectors)
done
table=$(($(setpci -s "$disk" CAP_MSIX+2.w | sed 's/^/0x/') % 0x800 + 1))
((taken[on] < 8 && taken[off] == table)) || fail "the table has $table vectors"
