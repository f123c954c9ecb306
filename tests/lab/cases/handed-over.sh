# A privileged launcher opens VFIO's files and hands the descriptors to a user who could not: container and group, or the open device as
# well. A descriptor that is not what it should be is named in one line.
source "$CASE_LIB"
hand_over=$LAB_FILES/hand_over
[[ -x $hand_over ]] || fail 'hand_over did not come along: it is built beside the monitor under test'
chmod 755 .
pvh_kernel kernel "$(verdict 0)" "$HALT"

group_of() {
	echo "/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")")"
}
group0=$(group_of "$LAB_VF0") group1=$(group_of "$LAB_VF1")
mode=$(stat -c %a /dev/vfio/vfio)
trap 'chown root /dev/kvm; chmod "$mode" /dev/vfio/vfio' EXIT
chown nobody /dev/kvm
chmod 600 /dev/vfio/vfio

cat >as-nobody <<'TEXT'
#!/bin/bash
export HOME=/nonexistent
ulimit -l 524288
exec setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs -- "$@"
TEXT
chmod 755 as-nobody
: >reboots
chmod 666 reboots

# guest KEYS: in it, and with these keys, the user has traffic on the function.
guest() {
	GUEST_MEMORY=256M GUEST_DEVICE=$LAB_VF0,$1 strait_on_vf test --timeout "$GUEST_SECONDS" -- '
		ping -q -A -c 20 10.9.0.1' >console || fail "status $? with $1: $(<console)"
	grep -a received console
}
run=(./as-nobody "$STRAIT" run --kernel kernel --memory 64M --exit-port 0xf4 --timeout 30 --device)
refuses 1 '/dev/vfio/vfio: Permission denied' -- "${run[@]}" "$LAB_VF0"

exec 7<>/dev/vfio/vfio 8<>"$group0"
in_place=./as-nobody guest container-fd=7,group-fd=8
exec 7<&- 8<&-
chmod "$mode" /dev/vfio/vfio
exec 8<>"$group0"
ends 64 "${run[@]}" "$LAB_VF0,group-fd=8"
exec 8<&-
chmod 600 /dev/vfio/vfio
in_place="$hand_over $LAB_VF0 ./as-nobody" guest container-fd=7,group-fd=8,fd=9
# Each is what it was, and can be opened again.
in_place="$hand_over $LAB_VF0 ./as-nobody" guest container-fd=7,group-fd=8

# A guest that reboots at once, again and again: the function is opened anew each time, by the group.
pvh_kernel rebooting b0 fe e6 64 "$HALT"
ends 4 "$hand_over" "$LAB_VF0" ./as-nobody "$STRAIT" run --kernel rebooting --memory 64M --on-reboot reset --timeout 5 \
	--metrics reboots --device "$LAB_VF0,container-fd=7,group-fd=8,fd=9"
(($(metric reboots guest.reboots) >= 1)) || fail 'the guest never rebooted'

exec 7<>/dev/vfio/vfio 8<>"$group0" 10<>"$group1" 11<>/dev/null
wrong() { # STATUS TEXT... -- KEYS
	refuses "${@:1:$#-1}" "${run[@]}" "$LAB_VF0,${!#}"
}
wrong 2 'fd=12: no open descriptor' 'exec 7<>/dev/vfio/vfio' -- fd=12,group-fd=8,container-fd=7
wrong 2 'group-fd=x: no open descriptor' -- group-fd=x
wrong 2 'fd=8 needs group-fd=' 'container-fd=' -- fd=8
wrong 2 'fd=10 needs container-fd=' 'all three' -- fd=10,group-fd=8
wrong 2 'descriptor 8 is given as container-fd= and as group-fd=' -- group-fd=8,container-fd=8
wrong 1 'container-fd=8 is no VFIO container' 'hand over an open /dev/vfio/vfio' -- container-fd=8
wrong 1 'container-fd=11 is no VFIO container' -- container-fd=11
wrong 1 'group-fd=11 is no VFIO group' "hand over an open $group0" -- container-fd=7,group-fd=11
wrong 1 "group-fd=10 is IOMMU group ${group1##*/}, but $LAB_VF0 is in group ${group0##*/}" -- container-fd=7,group-fd=10
wrong 1 'fd=11 is no VFIO device' "VFIO_GROUP_GET_DEVICE_FD returned for $LAB_VF0" -- container-fd=7,group-fd=8,fd=11
# What is missing beside the group, and a device of another group.
wrong 1 '/dev/vfio/vfio: Permission denied' -- group-fd=8
exec 7<&- 8<&- 10<&-
run=("$hand_over" "$LAB_VF0" "${run[@]}")
chmod "$mode" /dev/vfio/vfio
wrong 1 "IOMMU group ${group0##*/}, handed over for $LAB_VF0, is in a container that was not" 'container-fd=N' -- group-fd=8
exec 12<>/dev/vfio/vfio
wrong 1 "is in a container that was not" -- group-fd=8,container-fd=12
exec 12<&-
exec 10<>"$group0"
run[1]=$LAB_VF1
wrong 1 "fd=9 is a device of another IOMMU group than $LAB_VF0" -- container-fd=7,group-fd=10,fd=9
exec 10<&-
works_still
