# However a run ends, the host is afterwards as it was before: switched off, crashed, asked to end, told to end, killed at any moment. The
# case given-back has functions that nobody had, given-back-driver one that a driver of the host had, whose interface had a name, addresses
# and more.
source "$HOST_LIB"
trap leave_pf EXIT
kills=5
[[ ! ${LAB_FULL:-} ]] || kills=50
pvh_kernel verdict "$(verdict 0)" "$HALT"
pvh_kernel off "$POWER_OFF" "$HALT"
pvh_kernel crashing "$CRASH"
pvh_kernel deaf "$(say up)" "$HALT"

# ended_each_way DEVICE...
ended_each_way() {
	local device before
	before=$(snapshot)
	for device in "$@"; do
		echo "== $device"
		try_guest 64 "$device" verdict
		same_host "$before"
		try_guest 0 "$device" off
		same_host "$before"
		try_guest 3 "$device" crashing
		same_host "$before"
		SECONDS_FOR_GUEST=1 try_guest 4 "$device" deaf
		same_host "$before"
		start_guest "$device" deaf
		wait_for_guest console up 60
		kill -TERM "$MONITOR"
		sleep 1
		kill -TERM "$MONITOR"
		ends 143 wait "$MONITOR"
		same_host "$before"
		start_guest "$device" deaf
		wait_for_guest console up 60
		kill -KILL "$MONITOR"
		ends 137 wait "$MONITOR"
		[[ $(snapshot) != "$before" ]] || fail 'a killed run leaves something behind, else this tests nothing'
		stale_undone "$before"
		# What is wrong with the run itself.
		refuses 1 nothing -- "$STRAIT" run --kernel nothing --device "$device"
		same_host "$before"
	done
	ended_at_any_moment KILL 137 "$before" "$@"
	ended_at_any_moment TERM 143 "$before" "$@"
}

# ended_at_any_moment SIGNAL STATUS BEFORE DEVICE...: in turn with each, until $kills runs were ended so. What SIGKILL leaves is restored by the
# next run every second time.
ended_at_any_moment() {
	local signal=$1 expected=$2 before=$3 start longest kill status ended=0 device devices=("${@:4}")
	start=$EPOCHREALTIME
	try_guest 64 "${devices[0]}" verdict
	longest=$(((${EPOCHREALTIME/./} - ${start/./}) / 1000))
	for ((kill = 0; ended < kills; kill++)); do
		((kill < kills * 10)) || fail "only $ended of $kill runs were ended by SIG$signal"
		device=${devices[kill % ${#devices[@]}]}
		start_guest "$device" verdict
		sleep "$(printf '%d.%03d' $((longest * (RANDOM % 1000) / 1000 / 1000)) $((longest * (RANDOM % 1000) / 1000 % 1000)))"
		kill "-$signal" "$MONITOR" 2>/dev/null
		status=0
		wait "$MONITOR" 2>/dev/null || status=$?
		((status == expected || status == 64)) || fail "status $status: $(<log)"
		((ended += status == expected))
		if [[ $signal != KILL ]]; then
			same_host "$before"
		elif ((kill % 2)); then
			try_guest 64 "$device" verdict
			same_host "$before"
		else
			stale_undone "$before"
		fi
	done
	echo "$ended of $kill runs ended by SIG$signal within $longest ms, before they came to their end"
}

use_pf
untouched=$(snapshot)
if [[ $CASE_NAME == given-back ]]; then
	"$STRAIT" vf create "$LAB_PF" 2 || fail "vf create: status $?"
	ended_each_way "$(bdf_of_vf 0),managed=on" "vf=$LAB_PF:any,mac=02:00:00:00:02:01,vlan=100"
	"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
	same_host "$untouched"
	exit
fi

"$STRAIT" vf create "$LAB_PF" 1 --probe || fail "vf create --probe: status $?"
first=$(bdf_of_vf 0)
wait_until 10 test -e "/sys/bus/pci/devices/$first/net" || fail "$first has no interface"
interface=$(basename "/sys/bus/pci/devices/$first/net"/*)
ip link set "$interface" up
ip link set "$interface" down
ip link set dev "$interface" address 02:00:00:00:02:0a mtu 1400 txqueuelen 77 alias 'a lab interface' group 7
ip link property add dev "$interface" altname lab-vf
sysctl -q "net.ipv4.conf.$interface.rp_filter=2" "net.ipv6.conf.$interface.hop_limit=77"
ended_each_way "$first,managed=on" "vf=$LAB_PF:any,mac=02:00:00:00:02:01,vlan=100"
with_vf=$(snapshot)

# One that is up and has addresses has to be taken by force, and gets everything back.
ip link set "$interface" up
wait_until 20 has_carrier "$interface" || fail "$interface has no carrier"
ip addr add 10.9.7.1/24 dev "$interface"
ip addr add 10.9.8.1/32 peer 10.9.8.2 dev "$interface"
ip -6 addr add fd09:7::1/64 dev "$interface"
ip route add 10.77.0.0/16 via 10.9.7.254 dev "$interface"
in_use=$(snapshot)
refuses 1 "$interface" -- "$STRAIT" run --kernel verdict --device "$first,managed=on"
refuses 1 "$interface" -- "$STRAIT" bind "$first"
refuses 1 "$interface" -- "$STRAIT" bind "$interface"
same_host "$in_use"
"$STRAIT" bind --force "$interface" || fail "bind --force: status $?"
[[ $(driver_of "$first") == vfio-pci ]] || fail "bound to $(driver_of "$first")"
try_guest 64 "$first" verdict
# By the name that the interface had; and that what is said cannot be written keeps nothing from being done.
"$STRAIT" release "$interface" >/dev/full && fail 'words that nobody gets were a success'
same_host "$in_use"
ip addr flush dev "$interface"
ip link set "$interface" down
same_host "$with_vf"
"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
same_host "$untouched"
