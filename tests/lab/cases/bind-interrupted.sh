# The commands that change the host, killed before each single change: `strait release` puts right what they left, and so does the same
# command, given again.
source "$HOST_LIB"
trap leave_pf EXIT
use_pf
untouched=$(snapshot)

undo_vfs() {
	"$STRAIT" release --stale >release.out 2>&1 || fail "release --stale: status $?: $(<release.out)"
	looks_like "$untouched" || "$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
	same_host "$untouched"
}
echo '= vf create'
at_every_step 6 0 undo_vfs "$STRAIT" vf create "$LAB_PF" 2
created=$(snapshot)

echo '= vf set'
set_it=("$STRAIT" vf set "$LAB_PF" 1 mac=02:00:00:00:03:01 vlan=100 spoofchk=off trust=on)
"${set_it[@]}" || fail "vf set: status $?"
has_settings=$(snapshot)
back_to_created() {
	"$STRAIT" release --stale >release.out 2>&1 || fail "release --stale: status $?: $(<release.out)"
	"${set_it[@]}" || fail "vf set once more: status $?"
	same_host "$has_settings"
	anew
}
# anew: functions without any settings.
anew() {
	{ "$STRAIT" vf remove "$LAB_PF" && "$STRAIT" vf create "$LAB_PF" 2; } || fail "making the functions anew: status $?"
	same_host "$created"
}
anew
at_every_step 4 0 back_to_created "${set_it[@]}"
same_host "$has_settings"
anew

echo '= vf remove'
again() {
	undo_vfs
	"$STRAIT" vf create "$LAB_PF" 2 || fail "vf create: status $?"
	same_host "$created"
}
at_every_step 5 0 again "$STRAIT" vf remove "$LAB_PF"
same_host "$untouched"

# A function with an interface in use, taken by force.
"$STRAIT" vf create "$LAB_PF" 1 --probe || fail "vf create --probe: status $?"
vf=$(bdf_of_vf 0)
wait_until 10 test -e "/sys/bus/pci/devices/$vf/net" || fail "$vf has no interface"
interface=$(basename "/sys/bus/pci/devices/$vf/net"/*)
ip link set dev "$interface" address 02:00:00:00:03:0a mtu 1400
ip link property add dev "$interface" altname lab-vf
ip link set "$interface" up
wait_until 20 has_carrier "$interface" || fail "$interface has no carrier"
ip addr add 10.9.7.1/24 dev "$interface"
ip route add 10.77.0.0/16 via 10.9.7.254 dev "$interface"
in_use=$(snapshot)

echo '= bind'
release_it() {
	"$STRAIT" release --stale >release.out 2>&1 || fail "release --stale: status $?: $(<release.out)"
	looks_like "$in_use" || "$STRAIT" release "$vf" || fail "release: status $?"
	same_host "$in_use"
}
at_every_step 7 0 release_it "$STRAIT" bind --force "$vf"

echo '= release'
bind_again() {
	release_it
	"$STRAIT" bind --force "$vf" || fail "bind: status $?"
}
at_every_step 14 0 bind_again "$STRAIT" release "$vf"
same_host "$in_use"

echo '= bind, once more where it was killed'
bind_anyway() {
	"$STRAIT" bind --force "$vf" || fail "bind after a killed one: status $?"
	[[ $(driver_of "$vf") == vfio-pci ]] || fail "$vf is bound to $(driver_of "$vf")"
	"$STRAIT" release "$vf" || fail "release: status $?"
	same_host "$in_use"
}
at_every_step 7 0 bind_anyway "$STRAIT" bind --force "$vf"
"$STRAIT" release "$vf" || fail "release: status $?"
same_host "$in_use"
ip addr flush dev "$interface"
ip link set "$interface" down
"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
same_host "$untouched"
