# A guest masks and unmasks the vectors that its drivers wait for, again and again, with a network card and a disk at work: nothing is lost. An
# interrupt that gets lost would show: the disk's driver says that it polled a completion, and the next ping comes a second late.
source "$CASE_LIB"
toggles=1000
[[ ! ${LAB_FULL:-} ]] || toggles=10000
modprobe nvme
host_disk=$(nvme_disk nvme) disk=$(card_of 1b36:0010)
dd if=/dev/urandom of="$host_disk" bs=1M count=4 oflag=direct status=none
sum=$(dd if="$host_disk" bs=1M count=4 iflag=direct status=none | sha256sum)
lend_new_vf
lend "$disk"

{ echo "toggles=$toggles" && declare -f interrupts; } >commands
cat >>commands <<'TEXT'
# toggle DRIVER NAME: its vector 1, whose interrupts have that name, as often as asked and until there was traffic meanwhile.
toggle() {
	before=$(interrupts $2)
	while
		/strait/toggle_mask /sys/bus/pci/drivers/$1/0000:* 1 $toggles || exit 2
		meanwhile=$(($(interrupts $2) - before))
		[ $meanwhile -lt 200 ]
	do :; done
	echo "$1: toggled, $meanwhile interrupts meanwhile"
}
ping -A 10.9.0.1 >/tmp/ping & ping=$!
# On the processor whose interrupts the vector is for.
while [ ! -e /tmp/stop ]; do taskset 1 dd if=/dev/nvme0n1 bs=4k count=1024 iflag=direct 2>/dev/null | sha256sum; done >/tmp/sums & reader=$!
sleep 1
toggle igbvf eth0-rx & first=$!
toggle nvme nvme0q1 & second=$!
wait $first && wait $second || exit 2
touch /tmp/stop
wait $reader
sleep 1
kill -INT $ping; wait $ping
tail -n 3 /tmp/ping
echo "late: $(awk -F 'time=' '/time=/ && $2 + 0 > 900 { n++ } END { print n + 0 }' /tmp/ping)"
dmesg | grep -i timeout
sort /tmp/sums | uniq -c
TEXT
guest_initrd "$LAB_INITRD" commands guest.img "$LAB_FILES/toggle_mask"
# The kernel lets a program at a driver's registers only if told to.
GUEST_CMDLINE="$GUEST_KERNEL strait.ip=10.9.0.2/24 iomem=relaxed" GUEST_DEVICE=$VF GUEST_CPUS=2 GUEST_INITRD=guest.img strait_on_vf run --device "$disk" --metrics metrics --verbose --timeout 180 \
	>console 2>log </dev/null || fail "status $?: $(<log) $(<console)"
cat console
grep 'MSI-X vectors' log
(($(grep -c "MSI-X vectors, $(msix_of "$disk")" log) == 2)) || fail "not so with the host's kernel $(uname -r)"
tr -d '\r' <console >said
(($(grep -c ': toggled, ' said) == 2)) || fail 'nothing was toggled'
grep -q '^late: 0$' said || fail 'interrupts of the network card were lost'
! grep -i 'timeout' said || fail 'interrupts of the disk were lost'
grep -q ' 0% packet loss' said || fail 'pings were lost'
(($(grep -c '  -$' said) == 1)) && grep -qF "${sum%% *}" said || fail 'the guest read something else'

# What a toggle may cost: one KVM_IRQFD each way, and no routes.
traps=$(($(metric metrics devices.0.msix_table_traps) + $(metric metrics devices.1.msix_table_traps)))
irqfds=$(metric metrics irq_routing.irqfd_calls) routings=$(metric metrics irq_routing.set_gsi_routing_calls)
echo "$traps writes to the tables: $irqfds KVM_IRQFD calls, $routings KVM_SET_GSI_ROUTING calls"
((traps >= 4 * toggles && irqfds <= traps + 100 && routings <= 100)) || fail 'a toggle costs more than it should'
