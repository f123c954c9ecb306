# What is wrong between the host and a guest's function is named: by doctor, by run when it starts, or by explain while it runs. (iommu-off and
# host-group are two more, which need hosts of their own.)
source "$HOST_LIB"
trap leave_pf EXIT
pvh_kernel verdict "$(verdict 0)" "$HALT"

# doctor_names STATUS TEXT... -- COMMAND...: strait doctor ends with that status, and holds each TEXT. Its lines are joined: it breaks them.
doctor_names() {
	local expected=$1 texts=() text answer status=0
	shift
	while [[ $1 != -- ]]; do
		texts+=("$1")
		shift
	done
	shift
	timeout 60 "$@" >doctor.out 2>&1 </dev/null || status=$?
	cat doctor.out
	((status == expected)) || fail "exit status $status, not $expected: $*"
	answer=$(tr -s ' \n' ' ' <doctor.out)
	for text in "${texts[@]}"; do
		[[ $answer == *"$text"* ]] || fail "it does not say '$text': $*"
	done
}

use_pf
untouched=$(snapshot)
"$STRAIT" vf create "$LAB_PF" 2 || fail "vf create: status $?"
vf=$(bdf_of_vf 0)
"$STRAIT" bind "$vf" || fail "bind: status $?"
echo '= nothing is wrong'
doctor_names 0 'nothing failed' -- "$STRAIT" doctor "$vf"

echo '= the VF is on a driver of the host'
"$STRAIT" release "$vf" || fail "release: status $?"
bind_to "$vf" igbvf
doctor_names 18 'bound to the host driver igbvf' "strait bind $vf" -- "$STRAIT" doctor "$vf"
refuses 1 igbvf "$vf" -- "$STRAIT" run --kernel verdict --device "$vf"
unbind "$vf"
echo >"/sys/bus/pci/devices/$vf/driver_override"
"$STRAIT" bind "$vf" || fail "bind: status $?"

pf_goes_down() {
	ip link set "$LAB_PF" down
	sleep 1
}
pf_comes_up() {
	ip link set "$LAB_PF" up
	# The kernel took it away with the link.
	ip -6 addr replace fd09::1/64 dev "$LAB_PF"
	ip route replace default via 10.9.0.254 dev "$LAB_PF"
	wait_until 20 has_carrier "$LAB_PF" || fail "$LAB_PF has no carrier"
}
echo '= the PF is down'
pf_goes_down
doctor_names 19 "$LAB_PF ($LAB_PF_BDF) is down" "ip link set $LAB_PF up" -- "$STRAIT" doctor "$vf"
pf_comes_up
doctor_names 0 -- "$STRAIT" doctor "$vf"

# An ordinary user, who may use everything but what is wrong.
group=/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$vf/iommu_group")")
chmod 755 .
chgrp 4001 /dev/kvm "$group" && chmod 660 /dev/kvm "$group"
restore_files() {
	chown root:root /dev/kvm
	chmod 600 /dev/kvm
	leave_pf
}
trap restore_files EXIT
# ./as-user MEMLOCK COMMAND...
cat >as-user <<'TEXT'
#!/bin/bash
limit=$1
shift
exec prlimit "--memlock=$limit:$limit" setpriv --reuid 4000 --regid 4000 --groups 4001 --bounding-set=-all --inh-caps=-all --no-new-privs \
	env HOME=/nonexistent "$@"
TEXT
chmod 755 as-user
enough=$((64 << 20)) run_it=("$STRAIT" run --kernel verdict --memory 32M --exit-port 0xf4 --timeout 30 --device "$vf")
ends 64 ./as-user "$enough" "${run_it[@]}"
doctor_names 0 -- ./as-user "$enough" "$STRAIT" doctor "$vf" --memory 32M

echo '= an ordinary user may not lock enough memory'
refuses 1 memlock -- ./as-user 65536 "${run_it[@]}"
doctor_names 16 'locked memory failed 64K, too little for a guest of 32M' 'memlock' -- ./as-user 65536 "$STRAIT" doctor "$vf" --memory 32M

echo '= /dev/vfio cannot be read'
chmod 600 "$group"
chown root:root "$group"
refuses 1 "$group" 'Permission denied' -- ./as-user "$enough" "${run_it[@]}"
doctor_names 15 "$group failed Permission denied" -- ./as-user "$enough" "$STRAIT" doctor "$vf" --memory 32M
trap leave_pf EXIT
chown root:root /dev/kvm
chmod 600 /dev/kvm

# says STATUS TEXT: explain does.
says() {
	local status=0
	timeout 60 "$STRAIT" explain control >explain.out 2>&1 || status=$?
	((status == $1)) || return
	tr -s ' \n' ' ' <explain.out | grep -qF -- "$2"
}

# explained STATUS TEXT CMDLINE COMMAND: in a guest that has been through COMMAND, explain says TEXT and ends with STATUS. It gives guests 15 s.
explained() {
	local expected=$1 text=$2 cmdline=$3
	printf '%s\n' "$4" 'echo ready; sleep 600' >commands
	guest_initrd "$LAB_INITRD" commands guest.img
	GUEST_DEVICE=${device:-$vf} GUEST_INITRD=guest.img GUEST_CMDLINE="$GUEST_KERNEL strait.ip=10.9.0.2/24 $cmdline" \
		start_strait_on_vf run --control control >console 2>log </dev/null
	${meanwhile:-true}
	wait_for_guest console ready "$GUEST_SECONDS"
	${afterwards:-true}
	wait_until 40 says "$expected" "$text" || {
		cat explain.out
		fail "explain does not say this, or not with status $expected: $text"
	}
	cat explain.out
	end_it
	rm -f control
}
talk='ping -q -A -c 20 10.9.0.1'
echo '= nothing is wrong in the guest'
explained 0 'works' '' "$talk"

echo '= the guest has no driver'
explained 1 'no driver in the guest' module_blacklist=igbvf ''

echo '= no bus mastering'
explained 1 'no bus mastering' '' "$talk"'; printf "\002\004" | dd of=/sys/bus/pci/devices/0000:00:01.0/config bs=1 seek=4 conv=notrunc 2>/dev/null'

echo '= the PF goes down under a guest'
afterwards=pf_goes_down explained 1 "no carrier: PF $LAB_PF is down" '' "$talk"
pf_comes_up

# The driver comes once more while the monitor can open nothing.
echo '= no route for MSI-X'
no_descriptor() {
	local lowest=0
	wait_for_guest console unloaded "$GUEST_SECONDS"
	while [[ -e /proc/$MONITOR/fd/$lowest ]]; do ((lowest += 1)); done
	prlimit --pid "$MONITOR" "--nofile=$lowest:"
}
enough_descriptors() {
	prlimit --pid "$MONITOR" --nofile=1024:
}
meanwhile=no_descriptor afterwards=enough_descriptors explained 1 'have no way into the guest' '' '
	ip link set eth0 down; modprobe -r igbvf; echo unloaded; sleep 5; modprobe igbvf; ip link set eth0 up; sleep 1'
cat log

echo '= the wrong VLAN'
"$STRAIT" release "$vf" || fail "release: status $?"
device="vf=$LAB_PF:0,vlan=77" explained 0 'VLAN 77: is it the right one?' '' 'ping -c 3 -i 0.2 -W 1 10.9.0.1'

"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
same_host "$untouched"
