# A monitor killed while its guest floods the network leaves nothing behind: the next one starts at once on the same function.
source "$LAB_LIB"

echo 'echo flooding; ping -f 10.9.0.1 >/dev/null & sleep 60' >flood
guest_initrd "$LAB_INITRD" flood flood.img
GUEST_INITRD=flood.img start_strait_on_vf run >console 2>&1 </dev/null
wait_for_guest console flooding 60
sleep 3
kill -KILL "$MONITOR"
wait "$MONITOR" 2>/dev/null

strait_on_vf test --timeout 100 -- ping -c 3 10.9.0.1 || fail "the second guest failed with status $?"
