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
texts=('strait ')
bad vf
bad vf frobnicate
bad vf create
bad vf create "$LAB_PF"
bad vf set "$LAB_PF"
bad vf remove
bad bind
bad release
bad from-libvirt
bad explain
texts=()
for number in many -1 1.5 '' 0x; do bad vf create "$LAB_PF" "$number"; done
bad vf set "$LAB_PF" 0 mac=nonsense
bad vf set "$LAB_PF" 0 vlan=4096
bad vf set "$LAB_PF" 0 speed=fast
texts=("'mac'") && bad vf set "$LAB_PF" 0 mac
texts=()
bad vf set "$LAB_PF" zero mac=02:00:00:00:00:01
bad vf set "$LAB_PF" 0 mac=03:00:00:00:00:01
for command in devices doctor bind 'vf list'; do
	# shellcheck disable=SC2086 # two words
	bad $command --frobnicate
done
for device in "vf=$LAB_PF:any,mac=nonsense" "vf=$LAB_PF:any,vlan=5000" "vf=$LAB_PF:-1" "vf=$LAB_PF" "vf=" "$LAB_PF_BDF,managed=maybe" "$LAB_PF_BDF,mac=02:00:00:00:00:01"; do
	bad run --kernel "$LAB_KERNEL" --device "$device"
done

bad bind eth77
echo '<domain' >broken.xml
bad from-libvirt broken.xml

code=1
texts=(0000:00:1e.7 'strait devices') && bad bind 0000:00:1e.7
texts=()
bad release "$LAB_PF_BDF"
bad from-libvirt nowhere.xml
bad explain nowhere
texts=('vf create') && bad run --kernel "$LAB_KERNEL" --device "vf=$LAB_PF:any"
texts=('7') && bad vf create "$LAB_PF" 8
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
