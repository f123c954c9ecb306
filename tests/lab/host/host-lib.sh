# shellcheck shell=bash source-path=SCRIPTDIR source=case-lib.sh
# What the cases of the host's side share: `source "$HOST_LIB"` brings this, case-lib.sh and lib.sh. Their host has an igb card, its PF on its
# driver, and nothing else done; strait does the rest.
source "$CASE_LIB"

# Addresses that routers and the kernel's own timers bring would make two pictures of one host differ.
sysctl -q net.ipv6.conf.{all,default,"$LAB_PF"}.{accept_ra,accept_dad,router_solicitations}=0
# Where there is udev, it loads drivers.
modprobe igbvf

# use_pf: the PF as a host has it that lives by it: up, with addresses of both kinds, a default route and one more name.
use_pf() {
	trap leave_pf EXIT
	ip addr replace 10.9.0.1/24 dev "$LAB_PF"
	ip -6 addr replace fd09::1/64 dev "$LAB_PF"
	ip link property add dev "$LAB_PF" altname lab-uplink 2>/dev/null || true
	ip link set "$LAB_PF" up
	ip route replace default via 10.9.0.254 dev "$LAB_PF"
	wait_until 20 has_carrier "$LAB_PF" || fail "$LAB_PF has no carrier"
}

has_carrier() {
	[[ $(cat "/sys/class/net/$1/carrier" 2>/dev/null) == 1 ]]
}

# leave_pf: for the next case.
leave_pf() {
	local vf
	for vf in "/sys/bus/pci/devices/$LAB_PF_BDF"/virtfn*; do
		[[ -e $vf ]] || continue
		unbind "$(basename "$(readlink "$vf")")"
		echo >"$vf/driver_override"
	done
	ip link delete vlan-lab 2>/dev/null || true
	ip link set "$LAB_PF" down
	ip addr flush dev "$LAB_PF"
	ip link property del dev "$LAB_PF" altname lab-uplink 2>/dev/null || true
	echo 0 >"/sys/bus/pci/devices/$LAB_PF_BDF/sriov_numvfs"
	echo 1 >"/sys/bus/pci/devices/$LAB_PF_BDF/sriov_drivers_autoprobe"
	rm -rf /var/lib/strait /run/strait
}

# snapshot: all of the host's state that strait changes and has to restore, one fact to a line. What the kernel makes up anew each time is left
# out: interfaces' numbers, lifetimes, the permanent MAC addresses that igbvf draws, and the queueing discipline of an interface that is down: it
# has none before it is up for the first time, and keeps it from then on.
snapshot() {
	local device name text home=$PWD show=() sysctls=()
	wait_until 10 links_settled
	# By the shell itself as far as it can: starting programs is slow here.
	for device in /sys/bus/pci/devices/*; do
		name=
		[[ ! -e $device/driver ]] || { cd -P "$device/driver" && name=${PWD##*/}; }
		read -r text <"$device/driver_override"
		echo "${device##*/}: driver $name, driver_override $text"
		[[ -e $device/sriov_numvfs ]] || continue
		read -r text <"$device/sriov_numvfs"
		read -r name <"$device/sriov_drivers_autoprobe"
		echo "${device##*/}: sriov_numvfs $text, sriov_drivers_autoprobe $name"
	done
	for name in /sys/class/net/*/; do
		name=${name%/} name=${name##*/}
		[[ ! -e /sys/class/net/$name/device ]] || { cd -P "/sys/class/net/$name/device" && echo "$name is of ${PWD##*/}"; }
		show+=("link show dev $name" "addr show dev $name")
		sysctls+=(/proc/sys/net/ipv[46]/conf/"$name"/*)
	done
	cd "$home" || return
	grep -s . "${sysctls[@]}"
	printf '%s\n' "${show[@]}" | ip -j -p -d -batch - |
		awk '/"flags": \[ "/ { up = /"UP"/ } /"qdisc":/ && !up || /"(ifindex|link_index|permaddr|valid_life_time|preferred_life_time)":/ { next } { sub(/,$/, ""); print }'
	# The order of routes is that of their making.
	ip -j route show table all | sed 's/},{/},\n{/g; s/[][]//g' | sed 's/,$//' | sort
	records
}

# links_settled: what is up has a carrier. That takes some seconds after each change to a card.
links_settled() {
	local name flags carrier
	for name in /sys/class/net/*/; do
		read -r flags <"$name/flags"
		((!(flags & 1))) || { read -r carrier <"$name/carrier" && ((carrier)); } || return
	done 2>/dev/null
}

# records: what strait has still to undo, or has not tidied up.
records() {
	find /var/lib/strait -type f 2>/dev/null | sort
}

looks_like() {
	[[ $(snapshot) == "$1" ]]
}

# same_host BEFORE: fails, with the difference, unless the host is as that snapshot says. A link takes some seconds to be there again.
same_host() {
	wait_until 15 looks_like "$1" && return
	diff <(echo "$1") <(snapshot) >host.diff
	cat host.diff
	fail 'the host is not as it was before (< before, > now)'
}

# vf_setting INDEX KEY: from the PF's own list, as `ip link` has it: mac, vlan...
vf_setting() {
	ip link show dev "$LAB_PF" | awk -v vf="$1" -v key="$2" '
		$1 == "vf" && $2 == vf {
			gsub(/,/, "")
			for (i = 3; i < NF; i++) if ($i == key || (key == "mac" && $i == "link/ether") || (key == "spoofchk" && $i == "spoof") || (key == "link_state" && $i == "link-state")) {
				# spoof checking on, link-state auto, trust off
				print $(i + 1) == "checking" ? $(i + 2) : $(i + 1)
				exit
			}
		}'
}

# try_guest STATUS DEVICE KERNEL [OPTION...]: a guest of some instructions with the device; fails unless strait ends with that status. The guest has
# SECONDS_FOR_GUEST, if set.
try_guest() {
	local expected=$1 device=$2 kernel=$3 status=0
	shift 3
	"$STRAIT" run --kernel "$kernel" --memory 32M --exit-port 0xf4 --timeout "${SECONDS_FOR_GUEST:-60}" --device "$device" "$@" \
		</dev/null >console 2>log || status=$?
	((status == expected)) || fail "exit status $status, not $expected, with $device: $(<log)"
}

# start_guest DEVICE KERNEL [OPTION...]: the same in the background. Sets MONITOR.
start_guest() {
	local device=$1 kernel=$2
	shift 2
	"$STRAIT" run --kernel "$kernel" --memory 32M --exit-port 0xf4 --timeout 100 --device "$device" "$@" >console 2>log </dev/null &
	MONITOR=$!
}

# More code for pvh_kernel: power off, as ACPI has it: S5 and SLP_EN to PM1a_CNT.
# shellcheck disable=SC2034 # for cases
POWER_OFF='ba 04 06 00 00 66 b8 00 34 66 ef'

# at_every_step LEAST STATUS AFTER COMMAND [ARG...]: runs the command again and again, killed (SIGKILL) right before its first change to the
# host, its second, and so on, until it comes to its end, with that STATUS. AFTER, a function, is called after each kill. Fails where it makes
# fewer than LEAST changes: some were not seen.
at_every_step() {
	local least=$1 expected=$2 after=$3 step status
	shift 3
	for ((step = 1; step < 300; step++)); do
		status=0
		# The shell's own word about the kill is left out.
		{ STRAIT_FAULT=$step "$@" </dev/null >step.out 2>step.err; } 2>/dev/null || status=$?
		if ((status == expected)); then
			echo "killed before each of $((step - 1)) changes: $*"
			((step > least)) || fail "only $((step - 1)) changes, not $least or more: $*"
			return
		fi
		((status == 137)) || fail "step $step: exit status $status, not $expected: $*: $(cat step.out step.err)"
		"$after" || fail "after a kill before step $step: $*"
	done
	fail "no end within 300 steps: $*"
}

# stale_undone BEFORE: `release --stale` restores the host after a run that was killed.
stale_undone() {
	"$STRAIT" release --stale >release.out 2>&1 || fail "release --stale: status $?: $(<release.out)"
	same_host "$1"
}
