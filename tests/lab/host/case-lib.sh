# shellcheck shell=bash source-path=SCRIPTDIR source=lib.sh
# What lab cases share: `source "$CASE_LIB"` brings this and lib.sh.
source "$LAB_LIB"

# A guest boots in five seconds on an idle machine. Cases wait this long, for busy ones, and for QEMU.
# shellcheck disable=SC2034 # for cases
GUEST_SECONDS=90
[[ ${STRAIT##*/} != qemu-as-strait ]] || GUEST_SECONDS=180

# ends STATUS COMMAND [ARG...]: fails unless the command ends with that exit status.
ends() {
	local expected=$1 status=0
	shift
	"$@" </dev/null || status=$?
	((status == expected)) || fail "exit status $status, not $expected: $*"
}

# refuses STATUS TEXT... -- COMMAND [ARG...]: the command is strait with something wrong. Fails unless it ends with that exit status,
# says nothing on standard output, and on standard error one line that holds each TEXT, one at least, and a remedy behind a semicolon. Sets
# REFUSAL to the line.
refuses() {
	local expected=$1 texts=() text status=0
	shift
	while [[ $1 != -- ]]; do
		texts+=("$1")
		shift
	done
	shift
	timeout 60 "$@" </dev/null >refusal.out 2>refusal.err || status=$?
	REFUSAL=$(<refusal.err)
	echo "$REFUSAL"
	((status == expected)) || fail "exit status $status, not $expected: $*"
	(($(wc -l <refusal.err) == 1)) || fail "not one line: $*"
	[[ $REFUSAL == *'; '* ]] || fail "no remedy: $*"
	((${#texts[@]})) || fail "the case says nothing of the cause: $*"
	[[ ! -s refusal.out ]] || fail "something on standard output: $(head -c 200 refusal.out)"
	for text in "${texts[@]}"; do
		[[ $REFUSAL == *"$text"* ]] || fail "the message does not say: $text"
	done
}

# metric FILE NAME: a value of a --metrics file; NAME is such as guest.protocol or devices.0.bar_traps. Fails where there is none.
metric() {
	awk -v wanted="$2" '
		/^ *[]}]/ { next }
		{
			depth = match($0, /[^ ]/)
			value = $0
			if (match($0, /"[^"]*": /)) {
				name = substr($0, RSTART + 1, RLENGTH - 4)
				value = substr($0, RSTART + RLENGTH)
			} else {
				name = elements[depth]++
			}
			path[depth] = depth > 3 ? path[depth - 2] "." name : name
			elements[depth + 2] = 0
			if (path[depth] == wanted) {
				gsub(/^"|"?,?$/, "", value)
				print value
				found = 1
			}
		}
		END { exit !found }
	' "$1"
}

# pvh_kernel FILE BYTE...: makes a kernel of 32-bit machine code, given as hexadecimal bytes: an ELF file that is loaded at 1 MiB,
# with a PVH note. Such a guest starts in a fraction of a second.
pvh_kernel() {
	local file=$1
	shift
	# ELF header: 64 bits, x86-64, two program headers. Then one to load the code, one for the note, and the note: Xen, 18, the entry.
	write_bytes >"$file" \
		7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00 02 00 3e 00 01 00 00 00 00 00 10 00 00 00 00 00 \
		40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 40 00 38 00 02 00 00 00 00 00 00 00 \
		01 00 00 00 07 00 00 00 00 01 00 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 10 00 00 00 00 00 \
		00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 10 00 00 00 00 00 00 \
		04 00 00 00 04 00 00 00 b0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
		14 00 00 00 00 00 00 00 14 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 \
		04 00 00 00 04 00 00 00 12 00 00 00 58 65 6e 00 00 00 10 00
	truncate -s 256 "$file"
	# The code has 256 bytes of room.
	# shellcheck disable=SC2068 # bytes are words
	write_bytes $@ >>"$file"
	truncate -s 512 "$file"
}

write_bytes() {
	printf '%b' "$(printf '\\x%s' "$@")"
}

# Code for pvh_kernel. The pieces follow one another.
# shellcheck disable=SC2034 # for cases
HALT='f4 eb fd' CRASH='0f 0b'  # hlt, and again; ud2 where there is no interrupt table

# verdict N: writes it to port 0xf4.
verdict() {
	printf 'b0 %02x e6 f4' "$1"
}

# say TEXT: writes it to the serial port.
say() {
	printf 'ba f8 03 00 00'
	printf '%s\n' "$1" | od -An -v -tx1 -w1 | sed 's/.*/ b0 & ee/' | tr '\n' ' '
}

# ctl COMMAND...: to the monitor with --control control.
ctl() {
	timeout 60 "$STRAIT" ctl control "$@"
}

# end_it: the monitor ends, whatever its guest makes of its power button.
end_it() {
	kill -TERM "$MONITOR"
	sleep 1 # two at once are one
	kill -TERM "$MONITOR" 2>/dev/null || true
	wait "$MONITOR" || true
}

# works_still: the first function can still be assigned.
works_still() {
	pvh_kernel works.elf "$(verdict 0)" "$HALT"
	ends 64 "$STRAIT" run --kernel works.elf --memory 32M --device "$LAB_VF0" --exit-port 0xf4 --timeout 30
}

# card_of VENDOR:DEVICE [N]: the address of the host's first (or Nth) function with these identifiers (hexadecimal, as in 8086:100e).
card_of() {
	local device number=${2:-1}
	for device in /sys/bus/pci/devices/*; do
		[[ $(<"$device/vendor"):$(<"$device/device") == "0x${1%:*}:0x${1#*:}" ]] && ((--number == 0)) || continue
		basename "$device"
		return
	done
	fail "the host has no function $1"
}

# host_vectors CARD: the interrupts that the host's kernel has for the function's MSI or MSI-X.
host_vectors() {
	find "/sys/bus/pci/devices/$1/msi_irqs" -type f 2>/dev/null | wc -l
}

LENT=() VF=''
# lend BDF: gives a function to vfio-pci until the case ends, and back to its own driver then.
lend() {
	modprobe vfio-pci
	[[ " ${LENT[*]} " == *" $1 "* ]] || LENT+=("$1")
	trap give_back EXIT
	bind_vfio "$1"
}

# lend_new_vf: makes a virtual function of the igb card and lends it; it goes when the case ends. Sets VF to its address.
lend_new_vf() {
	trap give_back EXIT
	make_vfs 1
	VF=$(bdf_of_vf 0)
	lend "$VF"
}

give_back() {
	local bdf
	for bdf in "${LENT[@]}"; do bind_to "$bdf" ''; done
	[[ $VF ]] || return 0
	ip link set "$LAB_PF" down
	ip addr flush dev "$LAB_PF"
	echo 0 >"/sys/bus/pci/devices/$LAB_PF_BDF/sriov_numvfs"
	echo 1 >"/sys/bus/pci/devices/$LAB_PF_BDF/sriov_drivers_autoprobe"
}

# note_result CARD RESULT: a line for the table of devices, after a guest whose console is in the file `console`: the interrupts that
# /proc/interrupts named there, and what BARs the function has.
note_result() {
	printf '%s|%s|%s|%s|%s\n' "$(name_of "$1")" "$(interrupts_in console)" "$(bars_of "$1")" "${STRAIT##*/}" "$2" >>"$LAB_OUT/devices"
}

# name_of CARD: its class, what pci.ids calls it, whether it is a virtual function, and vendor:device.
name_of() {
	local name
	name=$(lspci -s "$1" | sed 's/^[^ ]* //; s/ (rev .*//')
	[[ ! -e /sys/bus/pci/devices/$1/physfn || $name == *Virtual\ Function* ]] || name+=', virtual function'
	echo "$name ($(lspci -n -s "$1" | cut -d' ' -f3))"
}

# interrupts_in CONSOLE: the kinds among the lines of /proc/interrupts in it.
interrupts_in() {
	local kind kinds=()
	for kind in PCI-MSIX-:MSI-X PCI-MSI-:MSI fasteoi:INTx; do
		! grep -q "^ *[0-9]*:.*${kind%:*}" "$1" || kinds+=("${kind#*:}")
	done
	((${#kinds[@]})) || kinds=(none)
	printf '%s, ' "${kinds[@]}" | sed 's/, $//'
}

# bars_of CARD: size and kind of each, and where the MSI-X table is.
bars_of() {
	local start end flags index=0 bars=() size kind table
	while read -r start end flags && ((index < 7)); do
		if ((flags)); then
			kind=32-bit
			((!(flags & 0x100000))) || kind=64-bit
			((!(flags & 0x2000))) || kind+=' prefetchable'
			((!(flags & 0x100))) || kind='I/O'
			((index < 6)) || kind=ROM
			size=$(numfmt --to=iec $((end - start + 1)))
			bars+=("${size/.0/} $kind")
		fi
		((index += 1))
	done <"/sys/bus/pci/devices/$1/resource"
	table=$(lspci -vv -s "$1" | sed -n 's/.*Vector table: BAR=\([0-9]\).*/MSI-X table in BAR \1/p')
	[[ ! $table ]] || bars+=("$table")
	printf '%s, ' "${bars[@]}" | sed 's/, $//'
}

# test_card DEVICE CMDLINE COMMAND: runs COMMAND in a guest with the function, CMDLINE added to the kernel's; fails unless it succeeds. The
# guest's console, which it shows, is in the file `console`, the monitor's log in `log`, the metrics are in `metrics`. What strait_on_vf takes
# from GUEST_INITRD and so on, this does, too.
test_card() {
	local status=0
	GUEST_DEVICE=$1 GUEST_CMDLINE="$GUEST_KERNEL $2" \
		strait_on_vf test --timeout "$GUEST_SECONDS" --metrics metrics --verbose -- "$3" >console 2>log || status=$?
	cat console
	note_result "${1%%,*}" "$( ((status)) && echo "fails with status $status" || echo works)"
	((!status)) || fail "the guest's test of $1 ended with status $status: $(<log)"
	[[ ${STRAIT##*/} == strait ]] && grep -q PCI-MSIX- console || return 0
	grep "MSI-X vectors, $(msix_of "$1")" log || fail "not so with the host's kernel $(uname -r): $(grep vectors log)"
}

# msix_of DEVICE: whether vectors can be added one by one, in the words of --verbose. Before Linux 6.5 they cannot.
msix_of() {
	if [[ $1 == *dyn-msix=off* || $(printf '%s\n' 6.5 "$(uname -r)" | sort -V | head -n 1) != 6.5 ]]; then
		echo NORESIZE
	else
		echo dynamic
	fi
}

# interrupts NAME: how many the kernel had, on all processors, that have this name. For guests, too: "$(declare -f interrupts)".
interrupts() {
	awk -v name="$1" '$0 ~ name { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts
}

# For guests: the network card answers, its interrupts arrive, and they are of the kind $KIND (as /proc/interrupts says it). They are named $NAME,
# else eth0.
# shellcheck disable=SC2034 # for cases
PING_TEST="$(declare -f interrupts)"'
	: ${NAME:=eth0}
	before=$(interrupts $NAME)
	ping -A -q -c 100 10.0.2.2 >/tmp/ping || { cat /tmp/ping /proc/interrupts; exit 1; }
	grep received /tmp/ping
	grep $NAME /proc/interrupts
	[ $(($(interrupts $NAME) - before)) -ge 100 ] || exit 2
	grep $NAME /proc/interrupts | grep -q "$KIND" || exit 3
	grep -q "100 packets received" /tmp/ping || exit 4
'

# For guests that have a function with MSI and no driver for it: `messages LOG2` enables 2^LOG2 messages for the vectors from 0x60, to which the
# guest has nothing to say, and `no_messages` disables MSI. Fails where the function has fewer (PCI 3.0, 6.8.1).
# shellcheck disable=SC2034 # for cases
MESSAGES='
	config=/sys/bus/pci/devices/0000:00:01.0/config
	byte() { echo $(($(od -An -tu1 -j "$1" -N 1 $config))); }
	put() { printf "$2" | dd of=$config bs=2 seek=$(($1 / 2)) conv=notrunc 2>/dev/null; }
	msi=$(byte 52)
	while [ $(byte $msi) != 5 ]; do msi=$(byte $((msi + 1))); done
	messages() {
		[ $(($(byte $((msi + 2))) >> 1 & 7)) -ge $1 ] || exit 8
		put $((msi + 4)) "\000\000\340\376\000\000\000\000\140\000" # a 64-bit address
		put $((msi + 2)) "\0$((2 * $1))1\000"
	}
	no_messages() { put $((msi + 2)) "\000\000"; }
'

# nvme_disk SERIAL: the host's block device on the NVMe disk with that serial number.
nvme_disk() {
	local disk serial end=$((SECONDS + 10))
	while ((SECONDS < end)); do
		for disk in /sys/block/nvme*; do
			# With several paths to a disk, the paths are in sysfs, too.
			[[ -b /dev/${disk##*/} ]] || continue
			read -r serial <"$disk/device/serial"
			[[ $serial == "$1" ]] || continue
			echo "/dev/${disk##*/}"
			return
		done 2>/dev/null
		sleep 0.2
	done
	fail "the host has no NVMe disk $1"
}

# when_readable DISK: for a guest's commands: waits for the disk. Its node is there some moments before it can be opened.
when_readable() {
	echo "for i in \$(seq 400); do dd if=$1 of=/dev/null count=1 2>/dev/null && break; sleep 0.1; done"
}

disk_differs() {
	note_result "$1" "$2"
	fail "$2"
}

# test_disk CARD HOST_DISK GUEST_DISK KIND INTERRUPTS [CMDLINE]: what the host wrote to the disk behind the function is what a guest reads,
# and the other way round, by interrupts of the kind KIND whose names match INTERRUPTS. The function is with its own driver before and after.
test_disk() {
	local card=$1 host_disk=$2 guest_disk=$3 kind=$4 name=$5 cmdline=${6:-} written
	wait_until 10 test -b "$host_disk" || fail "the host does not see the disk $host_disk"
	dd if=/dev/urandom bs=1M count=16 status=none >random
	dd if=random of="$host_disk" bs=1M oflag=direct status=none
	written=$(sha256sum <random)
	lend "$card"
	GUEST_INITRD=$LAB_INITRD_NET test_card "$card" "$cmdline" "
		modprobe -a -q sd_mod usb_storage
		$(when_readable "$guest_disk")
		dd if=$guest_disk bs=1M count=16 iflag=direct status=none | sha256sum
		dd if=$guest_disk of=$guest_disk bs=1M count=16 seek=16 iflag=direct oflag=direct status=none || exit 2
		grep '$name' /proc/interrupts
		grep '$name' /proc/interrupts | grep -q '$kind' || exit 3
		awk '/$name/ { n += \$2 } END { exit n < 16 }' /proc/interrupts || exit 4
	"
	grep -q "${written%% *}" console || disk_differs "$card" 'the guest read something else'
	bind_to "$card" ''
	wait_until 10 test -b "$host_disk" || fail 'the disk did not come back'
	[[ $(dd if="$host_disk" bs=1M count=16 skip=16 iflag=direct status=none | sha256sum) == "$written" ]] || disk_differs "$card" 'the guest wrote something else'
}
