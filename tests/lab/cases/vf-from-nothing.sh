# From a host on which nobody did anything to a guest with a virtual function, and back, by strait alone: functions are made, get a MAC address
# and a VLAN, a guest has them and obeys them, and at the end the host is as it was.
source "$HOST_LIB"
trap leave_pf EXIT
modprobe -r vfio_pci vfio_iommu_type1 || fail 'vfio-pci is in use'
use_pf
# Somebody to talk to: the PF's host itself, in VLAN 100.
modprobe 8021q
ip link add link "$LAB_PF" name vlan-lab type vlan id 100
ip addr add 10.100.0.1/24 dev vlan-lab
ip link set vlan-lab up
before=$(snapshot)

"$STRAIT" vf create "$LAB_PF" 2 || fail "vf create: status $?"
with_vfs=$(snapshot)
first=$(bdf_of_vf 0) second=$(bdf_of_vf 1)
for vf in "$first" "$second"; do
	[[ ! $(driver_of "$vf") ]] || fail "$vf has the driver $(driver_of "$vf"): nobody asked for one"
done
"$STRAIT" vf create "$LAB_PF" 2 | grep 'has 2 VFs already' || fail 'the same number once more is passed over in silence'
same_host "$with_vfs"
"$STRAIT" vf list "$LAB_PF" | tee list
{ grep -q "$first" list && grep -q "$second" list; } || fail 'vf list does not list them'
"$STRAIT" devices "$first" | tee devices
grep -qw 'MSI-X 3' devices || fail 'devices does not know the interrupts of a function without an identity of its own'

# in_guest DEVICE ADDRESS COMMAND: fails unless it succeeds in a guest with that device.
in_guest() {
	GUEST_DEVICE=$1 GUEST_CMDLINE="$GUEST_KERNEL strait.ip=$2/24" strait_on_vf test --timeout "$GUEST_SECONDS" -- "$3" >console 2>log || {
		cat console log
		fail "with $1: $3"
	}
}

# The two pings of each guest: of the interface in VLAN 100, and of the one without a VLAN.
answers() { echo "ping -q -A -c 20 $1 | grep -q '20 packets received'"; }
silent() { echo "! ping -q -c 3 -i 0.2 -W 1 $1"; }
mac=02:00:00:00:01:0a
is_mac="[ \$(cat /sys/class/net/eth0/address) = $mac ]"
in_guest "vf=$LAB_PF:any,mac=$mac,vlan=100" 10.100.0.2 "$is_mac && $(answers 10.100.0.1)"
same_host "$with_vfs"
in_guest "vf=$LAB_PF:any,mac=$mac,vlan=200" 10.100.0.2 "$is_mac && $(silent 10.100.0.1)"
in_guest "vf=$LAB_PF:any,mac=$mac" 10.9.0.2 "$is_mac && $(answers 10.9.0.1)"
same_host "$with_vfs"

# What is set by a command stays until the functions go.
"$STRAIT" vf set "$LAB_PF" 1 mac=02:00:00:00:01:0b vlan=100 vlanQoS=3 spoofchk=off trust=on || fail "vf set: status $?"
ip link show dev "$LAB_PF"
[[ $(vf_setting 1 mac) == 02:00:00:00:01:0b && $(vf_setting 1 vlan) == 100 ]] || fail "vf set did not set it"
[[ $(vf_setting 1 spoofchk) == off && $(vf_setting 1 trust) == on ]] || fail 'vf set did not set the switches'
"$STRAIT" vf list "$LAB_PF"
with_settings=$(snapshot)
in_guest "$second,managed=on" 10.100.0.2 "[ \$(cat /sys/class/net/eth0/address) = 02:00:00:00:01:0b ] && $(answers 10.100.0.1)"
same_host "$with_settings"
in_guest "vf=$LAB_PF:1,mac=$mac,vlan=200" 10.100.0.2 "$is_mac && $(silent 10.100.0.1)"
same_host "$with_settings"

# Nobody takes functions away from a guest.
pvh_kernel deaf "$(say up)" "$HALT"
start_guest "vf=$LAB_PF:any" deaf
wait_for_guest console up 60
user="strait, process $MONITOR"
refuses 1 "while one is in use: $first by $user" -- "$STRAIT" vf remove "$LAB_PF"
refuses 1 "while one is in use: $first by $user" -- "$STRAIT" vf create "$LAB_PF" 1
refuses 1 "$first is in use by $user: not released" -- "$STRAIT" release --all
"$STRAIT" vf list "$LAB_PF" | grep "$first.*used by $user" || fail "vf list: $("$STRAIT" vf list "$LAB_PF")"
"$STRAIT" devices "$first" | grep "in use by $user" || fail "devices: $("$STRAIT" devices "$first")"
end_it
same_host "$with_settings"

"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
same_host "$before"
