# Functions come and go while the guest runs: a guest that started with none gets one, talks through it and lets go of it, again and again, the
# last one being the last of the machine each time. The guest gets two at once, too, and one keeps working when the other goes.
source "$CASE_LIB"
rounds=3
[[ ! ${LAB_FULL:-} ]] || rounds=20
cat >commands <<'TEXT'
interface() {
	for i in $(seq 100); do [ -e /sys/class/net/eth0/address ] && return; sleep 0.1; done
	echo "no interface"
}
second() {
	while :; do
		until [ -e /sys/class/net/eth1/address ]; do sleep 0.1; done
		ip addr add 10.9.1.2/24 dev eth1
		ip link set eth1 up
		sleep 2
		ping -q -A -w 60 -I eth1 10.9.1.1 >/tmp/second &
		until [ "$(cat /sys/class/net/eth1/statistics/rx_packets)" -ge 100 ]; do sleep 0.1; done
		echo "both talk"
		while [ -e /sys/class/net/eth1 ]; do sleep 0.1; done
		echo "one talks"
	done
}
modprobe igbvf
second 2>/dev/null &
n=0
while :; do
	n=$((n + 1))
	interface
	ip addr add 10.9.0.2/24 dev eth0
	ip link set eth0 up
	sleep 2
	ping -q -c 10 -i 0.1 10.9.0.1 >/tmp/ping || cat /proc/interrupts
	echo "round $n: $(grep received /tmp/ping)"
	while [ -e /sys/class/net/eth0 ]; do sleep 0.1; done
	echo "gone $n"
done
TEXT
guest_initrd "$LAB_INITRD" commands guest.img
"$STRAIT" run --kernel "$LAB_KERNEL" --initrd guest.img --memory 512M --control control --metrics metrics \
	--cmdline "$GUEST_KERNEL" >console 2>log </dev/null &
MONITOR=$!
wait_until 30 test -S control || fail "no socket: $(<log)"
holds_nothing() {
	! ls -l "/proc/$MONITOR/fd" | grep 'dev/vfio\|vfio-device'
}

[[ $(stat -c %a control) == 600 ]] || fail "others can open the socket: $(ls -l control)"
ctl ping | grep -q version || fail 'no answer'
wait_for_guest console init "$GUEST_SECONDS"
for ((round = 1; round <= rounds; round++)); do
	ctl add-device "$LAB_VF0,addr=$((round % 3 + 5))" || fail "round $round: not added: $(<log)"
	wait_for_guest console "round $round:" "$GUEST_SECONDS"
	ctl info | grep -q "\"0000:00:0$((round % 3 + 5)).0\"" || fail "$(ctl info)"
	ctl remove-device "$LAB_VF0" || fail "round $round: not removed: $(<log) $(<console)"
	wait_for_guest console "gone $round" 30
	holds_nothing || fail "round $round: strait still has something of VFIO open"
done
cat console log
(($(grep -c '10 packets received' console) == rounds)) || fail 'pings were lost'

# What is wrong gets one line, and changes nothing.
refuses 1 "$LAB_VF0 is not assigned" -- "$STRAIT" ctl control remove-device "$LAB_VF0"
refuses 1 "0000:01:1e.0" -- "$STRAIT" ctl control add-device 0000:01:1e.0
refuses 1 'unknown key' -- "$STRAIT" ctl control add-device "$LAB_VF0,speed=fast"
refuses 1 'handed over when strait starts' -- "$STRAIT" ctl control add-device "$LAB_VF0,group-fd=0"
refuses 1 'No such file' 'its --control' -- "$STRAIT" ctl nowhere ping
refuses 1 'must be on vfio-pci already' 'without managed= and vf=' -- "$STRAIT" ctl control add-device "vf=$LAB_PF:any"
refuses 2 'unknown command' -- "$STRAIT" ctl control frobnicate
refuses 1 'another program listens' -- "$STRAIT" run --kernel "$LAB_KERNEL" --control control
ctl info | grep -q '"devices": \[\]' || fail "$(ctl info)"

# A client for which the monitor has no descriptor waits until there is one, and keeps nobody busy.
ticks() { # of the event loop's thread, a hundredth of a second each
	awk '{ print $14 + $15 }' "/proc/$MONITOR/task/$MONITOR/stat"
}
limit=$(prlimit --pid "$MONITOR" --nofile --noheadings --output SOFT)
prlimit --pid "$MONITOR" --nofile=3:
before=$(ticks)
ends 124 timeout 3 "$STRAIT" ctl control ping
(($(ticks) - before < 30)) || fail "it took $(($(ticks) - before)) ticks to do nothing for 3 s"
(($(grep -c 'clients have to wait: Too many open files' log) == 1)) || fail "not one line about it: $(<log)"
prlimit --pid "$MONITOR" --nofile="${limit// /}:"
ctl ping || fail 'the control socket is deaf for good'

# Two: the first works on while the second comes and goes, with traffic on both.
ip addr add 10.9.1.1/24 dev "$LAB_PF"
trap 'ip addr del 10.9.1.1/24 dev "$LAB_PF"' EXIT
ctl add-device "$LAB_VF0"
wait_for_guest console "round $((rounds + 1)):" "$GUEST_SECONDS"
ping -q -i 0.1 10.9.0.2 >first &
PINGING=$!
ctl add-device "$LAB_VF1"
refuses 1 'assigned already' -- "$STRAIT" ctl control add-device "$LAB_VF1"
wait_for_guest console 'both talk' "$GUEST_SECONDS"
ctl remove-device "$LAB_VF1"
wait_for_guest console 'one talks' 30
sleep 1
kill -INT "$PINGING"
wait "$PINGING"
cat first
awk '/received/ { exit $1 - $4 > 2 }' first || fail 'pings of the first function were lost' # the last may be under way
kill -TERM "$MONITOR"
ends 0 wait "$MONITOR"
[[ ! -e control ]] || fail 'the socket is still there'
[[ $(metric metrics devices.0.name) == "$LAB_VF0" ]] || fail "the first device is not counted: $(<metrics)"
! metric metrics devices.2.name || fail 'a device that came several times is counted as several'
