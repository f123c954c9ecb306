# What is wrong with the words of the commands about the host, or with what they name, gets one line, and changes nothing.
source "$HOST_LIB"
trap leave_pf EXIT
use_pf
before=$(snapshot)

# bad WORD...: all of them are tried, and what is wrong with the answers is shown together.
bad() {
	(refuses "$code" "${texts[@]}" -- "$STRAIT" "$@") || wrong+=("$*")
}

wrong=() code=2
texts=('vf needs a command' 'strait vf --help') && bad vf
texts=('vf frobnicate: unknown command' 'strait vf --help') && bad vf frobnicate
texts=('wrong number of arguments' 'strait vf --help')
bad vf create
bad vf create "$LAB_PF"
bad vf set "$LAB_PF"
bad vf remove
texts=('bind needs an address') && bad bind
texts=('release needs either addresses, or --stale, or --all') && bad release
texts=('from-libvirt needs one domain') && bad from-libvirt
texts=('explain needs a socket') && bad explain
for number in many 1.5 '' 0x; do
	texts=("'$number' is no number of VFs") && bad vf create "$LAB_PF" "$number"
done
texts=("'-1' is no option") && bad vf create "$LAB_PF" -1
texts=('mac=nonsense: no such value') && bad vf set "$LAB_PF" 0 mac=nonsense
texts=('vlan=4096: no such value' 'to 4094') && bad vf set "$LAB_PF" 0 vlan=4096
texts=('speed: no setting of a VF' 'spoofchk') && bad vf set "$LAB_PF" 0 speed=fast
texts=("'mac' is not KEY=VALUE") && bad vf set "$LAB_PF" 0 mac
texts=("'zero' is no number of a VF") && bad vf set "$LAB_PF" zero mac=02:00:00:00:00:01
texts=('mac=03:00:00:00:00:01: no such value') && bad vf set "$LAB_PF" 0 mac=03:00:00:00:00:01
texts=("'--frobnicate'")
for command in devices doctor bind 'vf list'; do
	# shellcheck disable=SC2086 # two words
	bad $command --frobnicate
done
texts=("'too-much' is one word too many") && bad doctor "$LAB_PF" too-much

# with DEVICE
with() {
	bad run --kernel "$LAB_KERNEL" --device "$1"
}
texts=('mac=nonsense: no such value') && with "vf=$LAB_PF:any,mac=nonsense"
texts=('vlan=5000: no such value') && with "vf=$LAB_PF:any,vlan=5000"
texts=('neither any nor the number of a VF' 'vf=PF:any')
for device in "vf=$LAB_PF:-1" "vf=$LAB_PF" vf=; do with "$device"; done
texts=('managed=maybe: neither on nor off') && with "$LAB_PF_BDF,managed=maybe"
texts=('strait does not manage this function' 'managed=on') && with "$LAB_PF_BDF,mac=02:00:00:00:00:01"

texts=("'eth77' is no PCI address") && bad bind eth77
echo '<domain' >broken.xml
texts=('broken.xml' 'no well-formed XML') && bad from-libvirt broken.xml

code=1
texts=('there is no PCI function 0000:00:1e.7' 'strait devices') && bad bind 0000:00:1e.7
texts=("strait has not taken $LAB_PF_BDF") && bad release "$LAB_PF_BDF"
texts=('opening nowhere.xml: No such file' 'virsh dumpxml') && bad from-libvirt nowhere.xml
texts=('connecting to nowhere: No such file' '--control') && bad explain nowhere
texts=('has no VFs' 'strait vf create') && with "vf=$LAB_PF:any"
texts=('cannot have 8 VFs' 'at most 7') && bad vf create "$LAB_PF" 8
# The way to this host, and a bridge.
texts=("$LAB_PF" 'default route' '--force') && bad bind "$LAB_PF"
texts=("$LAB_PF" 'default route') && bad run --kernel "$LAB_KERNEL" --device "$LAB_PF_BDF,managed=on"
bridge=$(basename "$(readlink -f "/sys/bus/pci/devices/$LAB_PF_BDF/..")")
texts=('bridge') && bad bind --force "$bridge"
# A virtual function that a container has: what sysfs shows of its interface here is an empty directory.
"$STRAIT" vf create "$LAB_PF" 1 || fail "vf create: status $?"
vf=$(bdf_of_vf 0)
trap 'ip netns delete pod; leave_pf' EXIT
ip netns add pod
bind_to "$vf" igbvf
echo >"/sys/bus/pci/devices/$vf/driver_override"
ip link set "$(basename "/sys/bus/pci/devices/$vf/net/"*)" netns pod
texts=("$vf" 'another network namespace')
bad vf remove "$LAB_PF"
bad run --kernel "$LAB_KERNEL" --device "vf=$LAB_PF:any"
texts+=('--force') && bad bind "$vf"
"$STRAIT" devices "$vf" | tee devices
grep -q 'in another network namespace' devices || wrong+=("devices $vf")
"$STRAIT" bind --force "$vf" || fail "bind --force: status $?"
"$STRAIT" release "$vf" || fail "release: status $?"
trap leave_pf EXIT
ip netns delete pod
"$STRAIT" vf remove "$LAB_PF" || fail "vf remove: status $?"
same_host "$before"
((!${#wrong[@]})) || fail "$(printf '%s\n' 'not refused as they should be:' "${wrong[@]}")"
