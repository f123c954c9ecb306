# Two guests at once, each with a function of the same card, talk to each other through the card.
source "$CASE_LIB"

cmdline="$GUEST_KERNEL strait.ip="
echo 'echo waiting; sleep 600' >commands
guest_initrd "$LAB_INITRD" commands guest.img
LAB_VF0=$LAB_VF1 GUEST_INITRD=guest.img GUEST_CMDLINE=${cmdline}10.9.0.3/24 start_strait_on_vf run >console 2>&1 </dev/null

GUEST_CMDLINE=${cmdline}10.9.0.2/24 strait_on_vf test --timeout "$GUEST_SECONDS" -- '
	for try in $(seq 60); do ping -q -c 1 -W 1 10.9.0.3 >/dev/null && break; done
	ping -q -A -c 50 10.9.0.3 && ping -q -A -c 50 10.9.0.1
' || fail "the first guest could not reach the second: status $?"

wait_for_guest console waiting "$GUEST_SECONDS"
kill -TERM "$MONITOR"
ends 0 wait "$MONITOR"
