# A monitor killed while its guest floods the network leaves nothing behind: the next one starts at once on the same function.
source "$CASE_LIB"

echo 'echo flooding; ping -q -A 10.9.0.1 & sleep 600' >flood
guest_initrd "$LAB_INITRD" flood flood.img
packets() {
	ethtool -S "$LAB_PF" | awk '$1 == "rx_packets:" { print $2 }'
}

GUEST_INITRD=flood.img start_strait_on_vf run >console 2>&1 </dev/null
wait_for_guest console flooding "$GUEST_SECONDS"
before=$(packets)
sleep 3
((flood = $(packets) - before, flood >= 100)) || fail "only $flood packets in 3 s are no flood: $(<console)"
kill -KILL "$MONITOR"
wait "$MONITOR" 2>/dev/null

strait_on_vf test --timeout "$GUEST_SECONDS" -- ping -c 3 10.9.0.1 || fail "the second guest failed with status $?"
