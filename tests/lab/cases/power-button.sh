# SIGTERM presses the guest's power button, and the guest shuts itself down in good order.
source "$LAB_LIB"

start_strait_on_vf run >console 2>&1 </dev/null
wait_for_guest console 'here is a shell' 60
kill -TERM "$MONITOR"
wait "$MONITOR"
status=$?
tail -n 5 console
((status == 0)) || fail "strait ended with status $status"
grep -q 'strait-guest: power button' console || fail 'the guest did not notice its power button'
