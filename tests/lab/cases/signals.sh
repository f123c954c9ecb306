# The first SIGTERM or SIGINT presses the guest's power button, the second ends the run. --timeout ends it, too, and so does a crash.
source "$CASE_LIB"

# A guest that does not care about its power button.
pvh_kernel deaf "$(say deaf)" "$HALT"
for signal in TERM:143 INT:130 HUP:129; do
	# A shell has its background jobs ignore SIGINT, and strait leaves ignored what it finds ignored.
	env --default-signal=INT "$STRAIT" run --kernel deaf --memory 32M --device "$LAB_VF0" --verbose >console 2>log </dev/null &
	MONITOR=$!
	wait_for_guest console deaf 30
	kill "-${signal%:*}" "$MONITOR"
	wait_for_text log 'power button' 30 || fail "no word about the power button: $(<log)"
	kill "-${signal%:*}" "$MONITOR"
	ends "${signal#*:}" wait "$MONITOR"
done
ends 4 "$STRAIT" run --kernel deaf --memory 32M --timeout 0.5
pvh_kernel crashing "$CRASH"
ends 3 "$STRAIT" run --kernel crashing --memory 32M --timeout 30

# Linux powers off in good order.
echo 'echo up; sleep 600' >commands
guest_initrd "$LAB_INITRD" commands guest.img
GUEST_INITRD=guest.img start_strait_on_vf run >console 2>&1 </dev/null
wait_for_guest console up "$GUEST_SECONDS"
kill -TERM "$MONITOR"
ends 0 wait "$MONITOR"
grep -q 'strait-guest: power button' console || fail 'the guest did not see its power button'
