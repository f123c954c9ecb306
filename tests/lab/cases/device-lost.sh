# The host wants the function back while a guest has it: strait lets go at once and says so with an exit code of its own.
source "$CASE_LIB"
pvh_kernel kernel "$(say halting)" "$HALT"

"$STRAIT" run --kernel kernel --memory 64M --device "$LAB_VF0" >console 2>log </dev/null &
MONITOR=$!
wait_for_guest console halting 30
unbind "$LAB_VF0" &
UNBINDING=$!
ends 6 wait "$MONITOR"
cat log
grep -q "$LAB_VF0 is wanted back by the host" log || fail 'strait did not say why it ended'
wait "$UNBINDING"
[[ ! $(driver_of "$LAB_VF0") ]] || fail 'the function still has its driver'
bind_vfio "$LAB_VF0"
works_still
