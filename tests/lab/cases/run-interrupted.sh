# Runs that take a function for themselves, killed before each change to the host that they make, while taking it and while giving it back:
# `strait release --stale` restores everything, also when it is killed itself, and so does the next run.
source "$HOST_LIB"
trap leave_pf EXIT
pvh_kernel verdict "$(verdict 0)" "$HALT"
pvh_kernel deaf "$(say up)" "$HALT"

stale() { stale_undone "$before"; }
next_run() {
	try_guest 64 "$device" verdict
	same_host "$before"
}
killed_run() {
	start_guest "$device" deaf
	wait_for_guest console up 60
	kill -KILL "$MONITOR"
	ends 137 wait "$MONITOR"
}
stale_again() {
	stale
	killed_run
}

# interrupted DEVICE CHANGES STALE: a run with that device makes so many changes at least, and `release --stale` so many to put it right.
interrupted() {
	local run changes=$2 stale=$3
	device=$1
	echo "== $device"
	before=$(snapshot)
	run=("$STRAIT" run --kernel verdict --memory 32M --exit-port 0xf4 --timeout 60 --device "$device")
	at_every_step "$changes" 64 stale "${run[@]}"
	same_host "$before"
	at_every_step "$changes" 64 next_run "${run[@]}"
	same_host "$before"
	killed_run
	at_every_step "$stale" 0 stale_again "$STRAIT" release --stale
	same_host "$before"
}

use_pf
"$STRAIT" vf create "$LAB_PF" 2 || fail "vf create: status $?"
vf=$(bdf_of_vf 0)
interrupted "$vf,managed=on" 9 3
interrupted "vf=$LAB_PF:any,mac=02:00:00:00:04:01,vlan=100" 13 5
"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"

"$STRAIT" vf create "$LAB_PF" 1 --probe || fail "vf create --probe: status $?"
wait_until 10 test -e "/sys/bus/pci/devices/$vf/net" || fail "$vf has no interface"
interface=$(basename "/sys/bus/pci/devices/$vf/net"/*)
ip link set "$interface" up
ip link set "$interface" down
ip link set dev "$interface" address 02:00:00:00:04:0a mtu 1400
ip link property add dev "$interface" altname lab-vf
interrupted "vf=$LAB_PF:any,mac=02:00:00:00:04:01,vlan=100" 19 10
"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
