# Two processes at once want a function of one pool. Of two functions each gets one, of one function one gets it, and the other is told so;
# none is ever had by both, and none is lost.
source "$HOST_LIB"
trap leave_pf EXIT
rounds=5
[[ ! ${LAB_FULL:-} ]] || rounds=200
pvh_kernel verdict "$(verdict 0)" "$HALT"
pvh_kernel deaf "$(say up)" "$HALT"

# racer NAME KERNEL: one run. Its MAC address and its VLAN are its own, so that two with one function would not go unseen.
racer() {
	${in_place:-} "$STRAIT" run --kernel "$2" --memory 32M --exit-port 0xf4 --timeout 60 \
		--device "vf=$LAB_PF:any,mac=02:00:00:00:05:0$1,vlan=10$1" </dev/null >"console-$1" 2>"log-$1"
}

# free_again: nothing is left of either: no settings, no driver, no record.
free_again() {
	local vf
	for vf in "/sys/bus/pci/devices/$LAB_PF_BDF"/virtfn*; do
		[[ ! -e $vf/driver && $(<"$vf/driver_override") == '(null)' ]] || return
	done
	[[ ! $(records) ]] && ! ip link show dev "$LAB_PF" | grep '02:00:00:00:05\|vlan'
}

# race FUNCTIONS
race() {
	local functions=$1 round before one two both=0 refused=0
	before=$(snapshot)
	for ((round = 1; round <= rounds; round++)); do
		one=0 two=0
		racer 1 verdict &
		racer 2 verdict || two=$?
		wait $! || one=$?
		case $functions,$one,$two in
		?,64,64) ((both += 1)) ;;
		1,64,1 | 1,1,64)
			grep -q 'free' log-1 log-2 || fail "round $round: who got none was not told so: $(cat log-1 log-2)"
			((refused += 1))
			;;
		*) fail "round $round with $functions functions: status $one and $two: $(cat log-1 log-2)" ;;
		esac
		free_again || fail "round $round: not given back"
	done
	same_host "$before"
	echo "$functions functions: both got one in $both rounds, only one did in $refused"
}

# held FUNCTIONS: guests that stay, to look at while both are there.
held() {
	local functions=$1 before name got=0 racers=()
	before=$(snapshot)
	for name in 1 2; do
		in_place="exec" racer "$name" deaf &
		racers[name]=$!
	done
	for name in 1 2; do
		wait_until 60 decided "$name" || fail "guest $name is neither up nor refused: $(cat "log-$name")"
	done
	ip link show dev "$LAB_PF"
	for name in 1 2; do
		grep -q up "console-$name" || continue
		((got += 1))
		(($(ip link show dev "$LAB_PF" | grep -c "02:00:00:00:05:0$name.*vlan 10$name,") == 1)) || fail "guest $name has no function of its own"
	done
	((got == functions)) || fail "$got guests have a function, of $functions"
	kill -KILL "${racers[@]}" 2>/dev/null
	wait "${racers[@]}" 2>/dev/null
	stale_undone "$before"
}

decided() {
	grep -q up "console-$1" || ! kill -0 "${racers[$1]}" 2>/dev/null
}

use_pf
untouched=$(snapshot)
for functions in 2 1; do
	"$STRAIT" vf create "$LAB_PF" "$functions" || fail "vf create: status $?"
	race "$functions"
	held "$functions"
	"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
	same_host "$untouched"
done
