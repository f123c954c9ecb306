# shellcheck shell=bash
# What scripts in the emulated host share. `source "$LAB_LIB"` (the host's init does so too, for the network).

# fail MESSAGE: ends the script.
fail() {
	echo "FAIL: $*" >&2
	exit 1
}

# wait_until SECONDS COMMAND [ARG...]: repeats the command until it succeeds.
wait_until() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		((SECONDS < end)) || return 1
		sleep 0.2
	done
}

# wait_for_text FILE TEXT SECONDS: waits until the file holds the text (a fixed string).
wait_for_text() {
	wait_until "$3" grep -aqsF -- "$2" "$1"
}

# driver_of BDF: the driver's name, or nothing.
driver_of() {
	local link=/sys/bus/pci/devices/$1/driver
	[[ ! -e $link ]] || basename "$(readlink "$link")"
}

# unbind BDF: takes the function away from its driver, and leaves it without one.
unbind() {
	local device=/sys/bus/pci/devices/$1
	[[ ! -e $device/driver ]] || echo "$1" >"$device/driver/unbind"
}

# bind_to BDF DRIVER: gives the function to that driver; an empty DRIVER means whichever claims it.
bind_to() {
	unbind "$1"
	echo "$2" >"/sys/bus/pci/devices/$1/driver_override"
	echo "$1" >/sys/bus/pci/drivers_probe
	[[ -z $2 || $(driver_of "$1") == "$2" ]] || fail "$1 cannot be bound to $2"
}

bind_vfio() {
	bind_to "$1" vfio-pci
}

# bdf_of_vf N: the address of the PF's Nth virtual function.
bdf_of_vf() {
	basename "$(readlink "/sys/bus/pci/devices/$LAB_PF_BDF/virtfn$1")"
}

# make_vfs N: creates virtual functions, left without a driver, and brings the PF up with the host's address. The igb driver
# wants the functions made while its interface is down.
make_vfs() {
	local pf=/sys/bus/pci/devices/$LAB_PF_BDF vf
	ip link set "$LAB_PF" down
	echo 0 >"$pf/sriov_drivers_autoprobe"
	echo "$1" >"$pf/sriov_numvfs" || return
	ip addr replace 10.9.0.1/24 dev "$LAB_PF"
	ip link set "$LAB_PF" up
	for ((vf = 0; vf < $1; vf++)); do
		ip link set "$LAB_PF" vf "$vf" mac "02:00:00:00:00:$((10 + vf))"
	done
}

# prepare_network N: finds the PF, makes N virtual functions and gives them to vfio-pci. Sets LAB_PF, LAB_PF_BDF, LAB_VF0...
# With N = 0 the PF is found and nothing is touched.
prepare_network() {
	local device vf
	for device in /sys/bus/pci/drivers/igb/0000:*; do
		[[ -e $device/sriov_numvfs ]] || continue
		LAB_PF_BDF=$(basename "$device")
		LAB_PF=$(basename "$device"/net/*)
		break
	done
	[[ -n ${LAB_PF:-} ]] || { echo 'lab: the host has no igb function' && return 1; }
	export LAB_PF LAB_PF_BDF
	(($1 > 0)) || return 0
	make_vfs "$1" || return
	for ((vf = 0; vf < $1; vf++)); do
		declare -gx "LAB_VF$vf=$(bdf_of_vf "$vf")"
		bind_vfio "$(bdf_of_vf "$vf")" || return
	done
}

# qemu_monitor COMMAND: has the QEMU that emulates the host carry out a command of its human monitor, such as
# `set_link card off` or `pcie_aer_inject_error card DLP`, and prints its answer.
qemu_monitor() {
	local port char answer=''
	port=/dev/$(basename "$(dirname "$(grep -lx lab.monitor /sys/class/virtio-ports/*/name)")")
	exec 8<>"$port"
	echo "$1" >&8
	# The answer is followed by a prompt without an end of line.
	while IFS= read -r -t 2 -n 1 -d '' -u 8 char; do
		answer+=$char
		[[ $answer != *"$1"*'(qemu) ' ]] || break
	done
	exec 8>&-
	tr -d '\r' <<<"${answer##*"$1"}" | sed 's/\x1b\[[0-9;]*[A-Za-z]//g; s/(qemu) $//; /^$/d'
}

# take_picture DISPLAY FILE: what the display (lab's --card DISPLAY) shows now, as a PPM file with some rubbish behind it.
take_picture() {
	local disk
	disk=/dev/$(basename "$(dirname "$(grep -lx lab-picture /sys/block/vd*/serial)")")
	qemu_monitor "screendump $LAB_PICTURE screen-$1"
	# Past this kernel's cache: QEMU wrote the file, not the disk.
	dd if="$disk" of="$2" bs=1M iflag=direct status=none
}

# guest_initrd BASE COMMANDFILE OUT [FILE...]: a copy of an initrd in which the guest runs the file's commands instead of a shell, and has the
# other files in /strait.
guest_initrd() {
	local staging
	staging=$(mktemp -d)
	mkdir "$staging/strait"
	cp "$2" "$staging/strait/command"
	(($# < 4)) || cp "${@:4}" "$staging/strait"
	cp "$1" "$3"
	# Archives follow one another; each starts at a multiple of four, which cpio's blocks of 512 see to.
	(cd "$staging" && find strait | busybox cpio -o -H newc 2>/dev/null) >>"$3"
	rm -rf "$staging"
}

# The guests' kernels need not guard a processor that does not speculate: the guards make up a tenth of a boot.
GUEST_KERNEL='console=ttyS0 quiet panic=-1 cryptomgr.notests mitigations=off'

# strait_on_vf run|test [OPTION...] [-- COMMAND...]: the monitor under test with the lab's guest on the first virtual function.
# GUEST_DEVICE, GUEST_INITRD, GUEST_MEMORY, GUEST_CPUS, GUEST_CMDLINE, if set, replace what the guest gets otherwise.
strait_on_vf() {
	local command=$1
	shift
	${in_place:-} "$STRAIT" "$command" --kernel "$LAB_KERNEL" --initrd "${GUEST_INITRD:-$LAB_INITRD}" --device "${GUEST_DEVICE:-$LAB_VF0}" \
		--memory "${GUEST_MEMORY:-512M}" --cpus "${GUEST_CPUS:-1}" \
		--cmdline "${GUEST_CMDLINE:-$GUEST_KERNEL strait.ip=10.9.0.2/24}" "$@"
}

# start_strait_on_vf run|test ...: the same in the background. Sets MONITOR to the monitor's own process id.
start_strait_on_vf() {
	in_place="exec" strait_on_vf "$@" &
	# shellcheck disable=SC2034 # for the caller
	MONITOR=$!
}

# wait_for_guest FILE TEXT SECONDS: waits for the text in the console of the guest that start_strait_on_vf started, and fails, showing
# the console, when time is up or the monitor has gone.
wait_for_guest() {
	local file=$1 text=$2 end=$((SECONDS + $3))
	until grep -aqsF -- "$text" "$file"; do
		if ! kill -0 "$MONITOR" 2>/dev/null; then
			sed 's/^/guest | /' "$file"
			fail "the monitor ended before its guest said: $text"
		elif ((SECONDS >= end)); then
			sed 's/^/guest | /' "$file"
			fail "within $3 s the guest did not say: $text"
		fi
		sleep 0.2
	done
}
