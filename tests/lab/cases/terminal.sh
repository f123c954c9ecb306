# On a terminal Ctrl-A x leaves the guest, and the terminal is as before, however the run ends.
source "$CASE_LIB"
pvh_kernel silent "$(say silent)" "$HALT"

# on_terminal: runs strait on a terminal of its own, whose keyboard is the FIFO `keys`. Leaves the exit status in `status`, and the
# terminal's settings before and after.
cat >session <<'TEXT'
tty >device
stty -g >before
"$STRAIT" run --kernel silent --memory 32M
echo $? >status
stty -g >after
TEXT
mkfifo keys
on_terminal() {
	rm -f console status
	script --quiet --return --flush --command 'bash session' console <keys >/dev/null 2>&1 &
	SESSION=$!
	exec 7>keys
	wait_for_text console silent 30 || fail "the guest did not start: $(<console)"
	[[ $(stty -g -F "$(<device)") != "$(<before)" ]] || fail 'the terminal is not raw while the guest runs'
}

ended_with() {
	wait_until 30 test -s status || fail 'strait did not end'
	exec 7>&-
	wait "$SESSION"
	[[ $(<status) == "$1" ]] || fail "exit status $(<status), not $1"
	[[ $(<after) == "$(<before)" ]] || fail "the terminal was $(<before) and is $(<after)"
}

on_terminal
printf 'hello\001ax\001\001' >&7  # Ctrl-A and another key, or Ctrl-A itself, is for the guest
sleep 1
[[ ! -e status ]] || fail 'strait ended too early'
printf '\001x' >&7
ended_with 0

on_terminal
pkill -TERM -x strait
sleep 1
pkill -TERM -x strait
ended_with 143
