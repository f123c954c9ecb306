# Libvirt domains that public documents show (tests/domains) become files of options, and those whose devices this host has boot: with functions of
# its own in the place of theirs, the guest's kernel, and 512 MiB, on this host's two processors, with huge pages of 2 MiB where the domain has such of any
# size. The guest has what the domain says: processors and how they are arranged, MAC addresses, slots, a VLAN.
source "$HOST_LIB"
printf '\125\252' >rom

# with_functions BDF...: the domain on standard input, with these in the place of the host's functions that it is given, in its order.
with_functions() {
	awk -v functions="$*" '
		BEGIN { split(functions, function_) }
		/<interface .*type=.hostdev/ || /<hostdev .*type=.pci/ { given = 1 }
		/<\/(interface|hostdev)>/ { given = 0 }
		given && /<source>/ { source = 1 }
		source && /<address / {
			split(function_[++n], part, /[:.]/)
			sub(/domain=.*function=[^ \/]*/, sprintf("domain=\"0x%s\" bus=\"0x%s\" slot=\"0x%s\" function=\"0x%s\"", part[1], part[2], part[3], part[4]))
		}
		/<\/source>/ { source = 0 }
		{ print }'
}

# convert NAME BDF...: makes guest.conf of the domain, fit for this host.
convert() {
	local name=$1
	shift
	sed -E "s#(<(memory|currentMemory)( unit=.KiB.)?>)[0-9]+#\1524288#; s#<kernel>.*<#<kernel>$LAB_KERNEL<#; s#<initrd>.*<#<initrd>$PWD/guest.img<#
		s#<cmdline>.*<#<cmdline>$GUEST_KERNEL strait.ip=$address<#; s#/srv/ipxe/808610ed.rom#$PWD/rom#
		s#(cpuset=.)[0-9][^'\"]*#\10-1#; s#<page [^>]*>#<page size='2048'/>#" "$LAB_FILES/domains/$name.xml" |
		with_functions "$@" >"$name.xml"
	"$STRAIT" from-libvirt "$name.xml" -o guest.conf 2>left-out || fail "from-libvirt $name.xml: status $?: $(<left-out)"
	# What the file asks for where the domain boots from a disk.
	grep -q '^kernel = ' guest.conf ||
		printf '%s = %s\n' kernel "$LAB_KERNEL" initrd "$PWD/guest.img" cmdline "$GUEST_KERNEL strait.ip=$address" >>guest.conf
	(($(grep -c '^device = ' guest.conf) == $#)) || fail "not $# devices"
}

# checks: what guest.conf says of the guest, as a command for it.
checks() {
	local mac slot cores threads
	printf '[ "$(grep -c ^processor /proc/cpuinfo)" = %s ]' "$(sed -n 's/^cpus = \([0-9]*\).*/\1/p' guest.conf)"
	while read -r cores threads; do
		printf ' && [ "$(sed -n "/^cpu cores/{s/.*: //p;q}" /proc/cpuinfo)" = %s ]' "$cores"
		printf ' && [ "$(sed -n "/^siblings/{s/.*: //p;q}" /proc/cpuinfo)" = %s ]' "$((cores * threads))"
	done < <(sed -n 's/^cpus = .*,cores=\([0-9]*\),threads=\([0-9]*\)$/\1 \2/p' guest.conf)
	printf ' && [ "$(ls /sys/bus/pci/devices | grep -vcF :00.0)" = %s ]' "$(grep -c '^device = ' guest.conf)"
	while read -r mac; do
		printf ' && grep -q %s /sys/class/net/*/address' "$mac"
	done < <(sed -n 's/^device = .*,mac=\([^,]*\).*/\1/p' guest.conf)
	while read -r slot; do
		[[ $slot == *.* ]] || slot+=.0
		printf ' && [ -e /sys/bus/pci/devices/0000:00:%02x.%d ]' "0x${slot%.*}" "${slot#*.}"
	done < <(sed -n 's/^device = .*,addr=\([^,]*\).*/\1/p' guest.conf)
}

# boots NAME ADDRESS PEER COMMAND BDF...: the domain's guest, which has the address, finds itself so, runs the command, and pings the peer, if any.
boots() {
	local name=$1 address=$2 peer=$3 command=$4 status=0
	shift 4
	echo "== $name"
	convert "$name" "$@"
	{
		checks
		echo " && { $command; } && echo all well || grep . /proc/cpuinfo /sys/class/net/*/address"
	} >commands
	[[ ! $peer ]] || sed -i "1s/^/ping -q -A -c 20 $peer | grep '20 packets received' \&\& /" commands
	guest_initrd "$LAB_INITRD" commands guest.img
	cat guest.conf commands
	sysctl -qw "vm.nr_hugepages=$(grep -c '^hugepages = 2M' guest.conf | sed s/1/256/)"
	timeout "$GUEST_SECONDS" "$STRAIT" run --config guest.conf </dev/null >console 2>log || status=$?
	cat console log
	((status == 0)) || fail "$name: exit status $status"
	grep -aq '^all well' console || fail "$name: the guest is not well"
}

# ---- A host with all kinds of cards: what takes whole ones.

# with_cards: functions that have drivers, and have them again afterwards.
with_cards() {
	local card
	drivers_before=$(for card in "${cards[@]}"; do driver_of "$card"; done)
	boots "$@" "${cards[@]}"
	[[ $(for card in "${cards[@]}"; do driver_of "$card"; done) == "$drivers_before" ]] || fail "not all of ${cards[*]} are with their drivers again"
}

if [[ $(lspci -n -d 1b36:0010) ]]; then
	modprobe -a nvme xhci_pci e1000e
	cards=("$LAB_PF_BDF")
	with_cards router-card 10.0.2.15/24 10.0.2.2 true
	# A display for the graphics card, and another device for its audio function, in one slot.
	cards=("$(card_of 1234:1111 2)" "$(card_of 1234:11e8)")
	with_cards guide-server 10.0.2.15/24 '' true
	# The network card, the same two, USB and NVMe.
	cards=("$(card_of 8086:10d3)" "$(card_of 1234:1111 2)" "$(card_of 1234:11e8)" "$(card_of 1b36:000d)" "$(card_of 1b36:0010)")
	disk=$(nvme_disk nvme)
	echo 'from the host' | dd of="$disk" conv=sync oflag=direct status=none
	with_cards threadripper 10.0.2.15/24 10.0.2.2 "$(when_readable /dev/nvme0n1); dd if=/dev/nvme0n1 count=1 iflag=direct 2>/dev/null | grep 'from the host'"
	exit
fi

# ---- A host whose network card has virtual functions.

trap leave_pf EXIT
use_pf
modprobe 8021q
ip link add link "$LAB_PF" name vlan-lab type vlan id 42
ip addr add 10.42.0.1/24 dev vlan-lab
ip link set vlan-lab up
untouched=$(snapshot)
"$STRAIT" vf create "$LAB_PF" 2 || fail "vf create: status $?"
before=$(snapshot)
vf0=$(bdf_of_vf 0) vf1=$(bdf_of_vf 1)

boots virt-install-kernel 10.9.0.2/24 '' true
boots vdsm-vf 10.9.0.2/24 10.9.0.1 true "$vf0"
boots nova-vf 10.9.0.2/24 10.9.0.1 true "$vf1"
boots virt-install-vfio 10.9.0.2/24 10.9.0.1 true "$vf0"
boots libvirt-vlan 10.42.0.2/24 10.42.0.1 true "$vf0"
boots csr1kv-pool 10.9.0.2/24 10.9.0.1 true "$vf1"
boots insights-vfs 10.9.0.2/24 10.9.0.1 true "$vf0" "$vf1"
same_host "$before"

"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
same_host "$untouched"
