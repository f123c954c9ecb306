# shellcheck shell=bash disable=SC2034,SC2154 # `monitor` is for the caller, `work` and `results` are from it
# A guest that is measured while it does one thing after the other. Its command says a word on the console and waits for a line (`read go`)
# before it goes on, so what is counted between two words is what the guest did there, and neither side polls. Sourced by what runs on the
# lab's host; $work is the caller's directory.

# conversation COMMAND [ARG...]: starts a monitor whose standard input and output are the guest's console. Sets `monitor`.
conversation() {
	rm -f "$work/ask" "$work/answer"
	mkfifo "$work/ask" "$work/answer"
	: >"$work/console"
	exec 7<>"$work/ask" 8<>"$work/answer"
	"$@" <&7 >&8 2>>"$work/errors" 7>&- 8>&- &
	monitor=$!
}

# hear WORD: waits for the guest to say it. What else it says is noted, too.
hear() {
	local line
	while IFS= read -r -t 180 -u 8 line; do
		echo "${line%$'\r'}" >>"$work/console"
		[[ $line != "$1"* ]] || return 0
	done
	fail "the guest did not say $1: $(tail -n 20 "$work/console" "$work/errors")"
}

# counted CONTESTANT WORD: lets the guest go on until it says WORD, and records the exits of all kinds on the way.
counted() {
	export -f hear fail
	export work
	perf stat -a -x, -e kvm:kvm_userspace_exit,kvm:kvm_exit -o "$work/perf" bash -c "echo go >&7; hear $2" || fail "$1: no $2"
	record "$1" "$2_userspace_exits" "$(awk -F, '/userspace/ { print $1 }' "$work/perf")"
	record "$1" "$2_exits" "$(awk -F, '/kvm:kvm_exit/ { print $1 }' "$work/perf")"
}

# record CONTESTANT METRIC VALUE: a line of the results.
record() { echo "$1 $2 $3" >>"$results"; }

pings=1000

# talk_commands SECONDS: what a guest does in a talk: pings to the host, one after the other, and SECONDS of TCP each way; then it says how those went.
talk_commands() {
	cat <<COMMANDS
echo ready; read go
ping -c $pings -A -q 10.9.0.1 >/tmp/ping; echo pinged; read go
iperf3 -c 10.9.0.1 -t $1 --json >/tmp/sent; echo sent; read go
iperf3 -c 10.9.0.1 -t $1 --json -R >/tmp/received; echo received
sed -n 's|.*min/avg/max = [^/]*/\\([^/]*\\)/.*|round_trip_ms \\1|p' /tmp/ping
sed -n 's/ packets received.*//; s/.*, /answers /p' /tmp/ping
for way in sent received; do echo \${way}_bps \$(sed -n 's/.*"bits_per_second":[^0-9]*\\([0-9.e+]*\\).*/\\1/p' /tmp/\$way | tail -1); done
echo finished
COMMANDS
}

# talk CONTESTANT: measures and records that, with a monitor started by `conversation` and `iperf3 -s` on the host.
talk() {
	local word
	hear ready
	for word in pinged sent received; do counted "$1" $word; done
	hear finished
	awk -v name="$1" '$1 ~ /^(round_trip_ms|sent_bps|received_bps)$/ { print name, $1, $2 }' "$work/console" >>"$results"
	(($(sed -n 's/^answers //p' "$work/console") == pings)) || fail "$1: pings were lost: $(<"$work/console")"
}
