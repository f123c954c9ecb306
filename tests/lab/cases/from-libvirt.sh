# A libvirt domain becomes a file of options, and the guest boots with what the domain had: a function as <hostdev>, and a virtual function with
# its MAC address and VLAN as <interface type='hostdev'>.
source "$HOST_LIB"
trap leave_pf EXIT
use_pf
modprobe 8021q
ip link add link "$LAB_PF" name vlan-lab type vlan id 100
ip addr add 10.100.0.1/24 dev vlan-lab
ip link set vlan-lab up
untouched=$(snapshot)
"$STRAIT" vf create "$LAB_PF" 2 || fail "vf create: status $?"
before=$(snapshot)
mac=02:00:00:00:06:0a

# source_of VF: as libvirt writes an address.
source_of() {
	[[ $1 =~ ^(....):(..):(..)\.(.)$ ]]
	printf "<source><address type='pci' domain='0x%s' bus='0x%s' slot='0x%s' function='0x%s'/></source>" "${BASH_REMATCH[@]:1}"
}

# domain IP DEVICE: a domain with direct kernel boot.
domain() {
	cat <<XML
<domain type='kvm'>
  <name>lab</name>
  <uuid>4dea22b3-1d52-d8f3-2516-782e98ab3fa0</uuid>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <kernel>$LAB_KERNEL</kernel>
    <initrd>$PWD/guest.img</initrd>
    <cmdline>$GUEST_KERNEL strait.ip=$1/24</cmdline>
    <boot dev='hd'/>
  </os>
  <features><acpi/><apic/></features>
  <cpu mode='host-passthrough' check='none' migratable='on'/>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    $2
    <serial type='pty'><target port='0'/></serial>
    <console type='pty'><target type='serial' port='0'/></console>
    <memballoon model='none'/>
  </devices>
</domain>
XML
}

# boots ADDRESS DEVICE PEER COMMAND: the domain's guest runs the command, which says "all well" at the end, and pings the peer.
boots() {
	printf '%s\n' "ping -q -A -c 20 $3 | grep '20 packets received' && { $4; } && echo all well" >commands
	guest_initrd "$LAB_INITRD" commands guest.img
	domain "$1" "$2" >domain.xml
	"$STRAIT" from-libvirt domain.xml >guest.conf 2>left-out || fail "from-libvirt: status $?: $(<left-out)"
	cat guest.conf left-out
	grep -q emulator left-out || fail 'what it left out is not listed'
	status=0
	timeout "$GUEST_SECONDS" "$STRAIT" run --config guest.conf </dev/null >console 2>log || status=$?
	cat console log
	((status == 0)) || fail "exit status $status"
	grep -aq '^all well' console || fail "the guest is not well"
	same_host "$before"
}
eth0_is="[ \$(cat /sys/class/net/eth0/address) = $mac ]"
boots 10.9.0.2 "<hostdev mode='subsystem' type='pci' managed='yes'>$(source_of "$(bdf_of_vf 0)")</hostdev>" 10.9.0.1 'grep -c ^processor /proc/cpuinfo | grep 2'
boots 10.100.0.2 "<interface type='hostdev' managed='yes'><mac address='$mac'/>$(source_of "$(bdf_of_vf 1)")<vlan><tag id='100'/></vlan></interface>" 10.100.0.1 "$eth0_is"

"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
same_host "$untouched"
