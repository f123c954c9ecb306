# Devices go at awkward moments: before the guest's ACPI listens, while the guest reboots, while nobody reads its console; and one that came
# without DMA does not spoil the next.
source "$CASE_LIB"
has_no_device() {
	ctl info | grep -q '"devices": \[\]'
}
given_back() {
	grep -q "$LAB_VF0 was given back to the host" log
}

# The host takes the function when strait has just opened it: the guest's first instruction is still to come.
echo 'while [ -e /sys/class/net/eth0 ]; do sleep 0.1; done; echo runs on; sleep 600' >commands
guest_initrd "$LAB_INITRD" commands guest.img
has_opened_it() {
	ls -l "/proc/$MONITOR/fd" | grep -q vfio-device
}
GUEST_INITRD=guest.img GUEST_CMDLINE=$GUEST_KERNEL start_strait_on_vf run >console 2>log </dev/null
wait_until 30 has_opened_it || fail "strait does not open it: $(<log)"
[[ ! -s console ]] || fail 'the guest has started already'
unbind "$LAB_VF0"
given_back || fail "strait did not say so: $(<log)"
wait_for_guest console 'runs on' "$GUEST_SECONDS"
cat log
kill -TERM "$MONITOR"
ends 0 wait "$MONITOR"
bind_vfio "$LAB_VF0"

# A guest that reboots again and again and hears nothing: with a reboot, what was to go is gone.
pvh_kernel rebooting b0 fe e6 64 "$HALT"
"$STRAIT" run --kernel rebooting --memory 64M --on-reboot reset --control control --verbose --device "$LAB_VF0" 2>log </dev/null &
MONITOR=$!
wait_until 30 test -S control
ctl remove-device "$LAB_VF0" || fail "not removed: $(<log)"
wait_until 10 has_no_device || fail "$(ctl info)"
given_back || fail 'strait did not say so'
# The host takes it where the kernel has it: it does not come back either, nor does it end the run.
ctl add-device "$LAB_VF0"
unbind "$LAB_VF0"
wait_until 10 has_no_device || fail "$(ctl info)"
kill -0 "$MONITOR" || fail "the run ended: $(<log)"
bind_vfio "$LAB_VF0"
ctl add-device "$LAB_VF0" || fail "it cannot come again: $(<log)"
end_it

# One processor is stuck in a write to the console, so the guest cannot be paused, until somebody reads on. The other lets the function go. The
# first has this code for real mode at 0x10000, written by the other, which starts it: mov dx, 0x3f8; out dx, al; jmp back to the out.
start_first='c7 05 00 00 01 00 ba f8 03 ee  66 c7 05 04 00 01 00 eb fd  c7 05 f0 00 e0 fe ff 01 00 00
	c7 05 10 03 e0 fe 00 00 00 01  c7 05 00 03 e0 fe 00 45 00 00  c7 05 00 03 e0 fe 10 46 00 00' # its APIC on; to APIC 1: INIT, SIPI 0x10
# Until port 0x614 says that slot 1 is asked for, and not too often: QEMU's nested virtualisation loses a guest's place when two processors of it
# use ports all the time. Eject it.
let_go='66 ba 14 06  b9 80 96 98 00 e2 fe ed 83 f8 02 75 f3  66 ba 18 06 b8 02 00 00 00 ef'
pvh_kernel talking "$start_first" "$let_go" "$HALT"
mkfifo console.fifo
exec 9<>console.fifo
head -c 60000 /dev/zero >&9 # of the 65536 that it holds
"$STRAIT" run --kernel talking --memory 64M --cpus 2 --control control --verbose --device "$LAB_VF0" >console.fifo 2>log </dev/null &
MONITOR=$!
is_stuck() {
	[[ $(cat /proc/"$MONITOR"/task/*/wchan 2>/dev/null) == *pipe_write* ]]
}
wait_until 30 is_stuck || fail 'the console is never full'
ctl remove-device "$LAB_VF0" &
REMOVAL=$!
wait_until 60 grep -q 'cannot be given back yet: a processor of the guest does not pause' log || fail "it can be paused: $(<log)"
ctl ping >/dev/null || fail 'strait does not answer'
cat <&9 >/dev/null &
READER=$!
wait "$REMOVAL" || fail "not removed: $(<log)"
given_back || fail "strait did not say so: $(<log)"
has_no_device || fail "$(ctl info)"
end_it
kill "$READER"
exec 9<&-

# No memory can be mapped for the first device; the next one is not let in as long as that is so.
limit=/sys/module/vfio_iommu_type1/parameters/dma_entry_limit
former=$(<$limit)
trap 'echo $former >$limit' EXIT
pvh_kernel halting "$(say halting)" "$HALT"
"$STRAIT" run --kernel halting --memory 64M --control control 2>log </dev/null >console &
MONITOR=$!
wait_for_guest console halting 30
echo 0 >$limit
ctl add-device "$LAB_VF0" || fail "not added: $(<log)"
wait_until 10 grep -q 'until it is removed the device can do no DMA' log || fail "strait did not say so: $(<log)"
echo "$former" >$limit
refuses 1 'could not be mapped for DMA' 'remove the devices' -- "$STRAIT" ctl control add-device "$LAB_VF1"
end_it
works_still
