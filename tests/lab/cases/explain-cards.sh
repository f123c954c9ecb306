# What strait explain says of a virtual function, from outside: of a guest that works with it, one whose interface is down, one that takes its
# bus mastering away, one without a driver, and of the host's side, where the physical function is down and where a VLAN is set.
source "$CASE_LIB"
cat >commands <<'TEXT'
echo "guest is ready"
while read -r order; do
	eval "$order"
	echo "did $order"
done
TEXT
guest_initrd "$LAB_INITRD" commands guest.img
mkfifo orders
exec 9<>orders

boot() { # [KERNEL_OPTION...]
	"$STRAIT" run --kernel "$LAB_KERNEL" --initrd guest.img --device "$LAB_VF0" --memory 512M --control control \
		--cmdline "$GUEST_KERNEL $*" >console 2>log <orders &
	# shellcheck disable=SC2034 # for wait_for_guest
	MONITOR=$!
	wait_until 30 test -S control || fail "no socket: $(<log)"
}
order() {
	echo "$1" >&9
	wait_for_guest console "did $1" 30
}
# command_register HIGH LOW: what the guest writes to it, in octal.
command_register() {
	order "printf '\\$2\\$1' | dd of=/sys/bus/pci/devices/0000:00:01.0/config bs=2 seek=2 conv=notrunc"
}
# explains STATUS TEXT...: strait explain ends with that status and says each TEXT, whose words may be on two lines.
explains() {
	local expected=$1 status=0 text
	shift
	timeout 60 "$STRAIT" explain control "$LAB_VF0" >explained || status=$?
	cat explained
	((status == expected)) || fail "exit status $status, not $expected"
	for text in "$@"; do
		tr -s ' \n' ' ' <explained | grep -qF -- "$text" || fail "it does not say: $text"
	done
	! grep -q '.\{81\}' explained || fail 'a line is too long'
}
trap 'ip link set "$LAB_PF" up; ip link set "$LAB_PF" vf 0 vlan 0' EXIT

boot strait.ip=10.9.0.2/24
explains 3 'not yet'
wait_for_guest console 'guest is ready' "$GUEST_SECONDS"
ping -q -c 5 -i 0.2 10.9.0.2
explains 0 "$LAB_VF0 (8086:10ca), VF 0 of $LAB_PF: works" 'it enabled MSI-X' 'so far' "carrier on $LAB_PF"
timeout 60 "$STRAIT" explain control --json | tee explained.json
grep -q '"verdict": "works"' explained.json || fail 'not so for programs'
refuses 1 "0000:01:1e.0 is not assigned" "it has $LAB_VF0" -- "$STRAIT" explain control 0000:01:1e.0

ip link set "$LAB_PF" vf 0 vlan 7
explains 0 'VLAN 7: is it the right one?' 'If it hears nobody'
ip link set "$LAB_PF" vf 0 vlan 0

sleep 16 # until then the guest's driver may be about to do what it has not done
command_register 004 002
explains 1 'does not work' 'no bus mastering' 'setpci -s 00:01.0 COMMAND'
command_register 004 006
explains 0 'it can do DMA'

ip link set "$LAB_PF" down
explains 1 "PF is up: no carrier: PF $LAB_PF is down" "ip link set $LAB_PF up"
ip link set "$LAB_PF" up
wait_until 30 grep -q 1 "/sys/class/net/$LAB_PF/carrier"
explains 0 works

order 'ip link set eth0 down'
explains 0 'ready, and not in use' 'nobody uses the device yet' 'ip link set INTERFACE up'
order 'rmmod igbvf'
explains 1 'no bus mastering' 'is gone'
end_it

boot module_blacklist=igbvf
wait_for_guest console 'guest is ready' "$GUEST_SECONDS"
sleep 16 # as above
explains 1 'driver bound: no driver in the guest' 'lspci -nnk -s 00:01.0'
end_it
