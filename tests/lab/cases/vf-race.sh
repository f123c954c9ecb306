# Two processes at once want a function of one pool. Of two functions each gets one, of one function one gets it, and the other is told so;
# none is ever had by both, and none is lost. The case vf-race has a pool of two, vf-race-for-one a pool of one.
source "$HOST_LIB"
trap leave_pf EXIT
rounds=10 functions=2
[[ ! ${LAB_FULL:-} ]] || rounds=200
[[ $CASE_NAME != vf-race-for-one ]] || functions=1
pvh_kernel verdict "$(verdict 0)" "$HALT"
pvh_kernel deaf "$(say up)" "$HALT"

# racer NAME KERNEL: one run. Its MAC address and its VLAN are its own, so that two with one function would not go unseen.
racer() {
	exec "$STRAIT" run --kernel "$2" --memory 32M --exit-port 0xf4 --timeout 60 \
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

# told NAME STATUS: who got none was told so.
told() {
	{ (($2 == 1)) && grep -q "no VF of .* is free" "log-$1"; } || fail "round $round: status $2: $(<"log-$1")"
}

# passing: guests that end at once, so that one gives back what the other takes.
passing() {
	local one=0 two=0
	racer 1 verdict &
	(racer 2 verdict) || two=$?
	wait $! || one=$?
	case $functions,$one,$two in
	?,64,64) ((both += 1)) ;;
	1,64,*) told 2 "$two" && ((refused += 1)) ;;
	1,*,64) told 1 "$one" && ((refused += 1)) ;;
	*) fail "round $round with $functions functions: status $one and $two: $(cat log-1 log-2)" ;;
	esac
}

# staying: guests that stay, to look at while both are there.
staying() {
	local name status got=0 racers=()
	for name in 1 2; do
		racer "$name" deaf &
		racers[name]=$!
	done
	for name in 1 2; do
		wait_until 60 decided "$name" || fail "guest $name is neither up nor refused: $(cat "log-$name")"
	done
	ip link show dev "$LAB_PF" >vfs
	for name in 1 2; do
		if grep -q up "console-$name"; then
			((got += 1))
			(($(grep -c "02:00:00:00:05:0$name.*vlan 10$name," vfs) == 1)) || fail "guest $name has no function of its own: $(<vfs)"
			# The first is the guest's power button, which it has no ear for.
			while kill -TERM "${racers[name]}" 2>/dev/null; do sleep 0.1; done
			ends 143 wait "${racers[name]}"
		else
			status=0
			wait "${racers[name]}" || status=$?
			told "$name" "$status"
		fi
	done
	((got == functions)) || fail "round $round: $got guests have a function, of $functions"
}

decided() {
	grep -q up "console-$1" || ! kill -0 "${racers[$1]}" 2>/dev/null
}

use_pf
untouched=$(snapshot)
"$STRAIT" vf create "$LAB_PF" "$functions" || fail "vf create: status $?"
before=$(snapshot)
both=0 refused=0
for ((round = 1; round <= rounds; round++)); do
	if ((round % 2)); then staying; else passing; fi
	free_again || fail "round $round: not given back"
done
same_host "$before"
echo "$rounds rounds; of those with guests that end at once, both got one in $both, one alone in $refused"
"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
same_host "$untouched"
