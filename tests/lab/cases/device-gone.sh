# A device vanishes in the middle of traffic, known to the host's kernel or behind its back. The guest runs on without it, strait says
# in a line or two what that means, and what comes back works again.
source "$CASE_LIB"
cat >commands <<'TEXT'
ping -q -A $PEER &
until [ "$(cat /sys/class/net/eth0/statistics/rx_packets)" -ge 200 ]; do sleep 0.1; done
echo traffic
while ping -q -c 1 -W 1 $PEER >/dev/null; do sleep 0.1; done
echo silence
TEXT

# with_traffic DEVICE PEER COMMANDS: starts a guest that has the device, talks to PEER, and runs the commands when nobody answers any more.
with_traffic() {
	{ sed "s/\$PEER/$2/" commands && echo "$3"; } >its_commands
	guest_initrd "$LAB_INITRD" its_commands guest.img
	GUEST_DEVICE=$1 GUEST_INITRD=guest.img GUEST_CMDLINE="$GUEST_KERNEL strait.ip=${2%.*}.15/24" \
		start_strait_on_vf run --timeout 150 >console 2>log </dev/null
	wait_for_guest console traffic "$GUEST_SECONDS"
}
# ends_within SECONDS STATUS: strait's end.
ends_within() {
	local start=$SECONDS
	ends "$2" wait "$MONITOR"
	echo "over after $((SECONDS - start)) s"
	((SECONDS - start <= $1)) || fail 'it took too long'
}
# says LINE...: all that it did say.
says() {
	cat log
	[[ $(<log) == "$(printf 'strait: %s\n' "$@")" ]] || fail 'that is not what strait should say'
}
# works_again DEVICE PEER
works_again() {
	GUEST_DEVICE=$1 GUEST_CMDLINE="$GUEST_KERNEL strait.ip=${2%.*}.15/24" strait_on_vf test --timeout "$GUEST_SECONDS" -- ping -c 3 "$2" ||
		fail "$1 does not work any more"
}

# A virtual function, with its physical function's VF Enable and VF Memory Space Enable: it reads as all ones, and nobody tells the kernel.
its_functions() {
	setpci -s "$LAB_PF_BDF" "ECAP_SRIOV+8.w=$1:9"
	[[ $(setpci -s "$LAB_VF0" VENDOR_ID.l) == "$2" ]] || fail "$LAB_VF0 reads as $(setpci -s "$LAB_VF0" VENDOR_ID.l)"
}
close_line="$LAB_VF0 does not answer any more; giving it back may take the host's kernel a minute"
# Closing it takes the kernel a minute, unless it comes back.
it_comes_back() {
	wait_for_text log "$close_line" 30 || fail "no word about its end: $(<log)"
	its_functions 9 "$alive"
}
alive=$(setpci -s "$LAB_VF0" VENDOR_ID.l)
with_traffic "$LAB_VF0" 10.9.0.1 'sleep 3; echo runs on; sleep 600'
its_functions 0 ffffffff
wait_for_guest console 'runs on' 60
kill -TERM "$MONITOR"
it_comes_back
ends_within 30 0
says "warning: $close_line"
works_again "$LAB_VF0" 10.9.0.1

with_traffic "$LAB_VF0" 10.9.0.1 'reboot -f'
its_functions 0 ffffffff
it_comes_back
ends_within 30 6
says "warning: $close_line" "error: $LAB_VF0 is gone, and so cannot be reset for another boot"
works_again "$LAB_VF0" 10.9.0.1

# A card, with its Memory Enable: its configuration space is there, its registers are not.
card=$(card_of 8086:10d3)
lend "$card"
with_traffic "$card" 10.0.2.2 'sleep 3; echo runs on; sleep 600'
setpci -s "$card" COMMAND=0:2
wait_for_guest console 'runs on' 60
kill -TERM "$MONITOR"
ends_within 30 0
[[ ! -s log ]] || fail "strait has something to say: $(<log)"
works_again "$card" 10.0.2.2

# The same card, pulled out of its slot: the kernel learns of it when it is gone.
port=$(basename "$(dirname "$(readlink -f "/sys/bus/pci/devices/$card")")")
with_traffic "$card" 10.0.2.2 'while [ -e /sys/class/net/eth0 ]; do sleep 0.1; done; echo let go; sleep 3; echo runs on; sleep 600'
# Slot Control: QEMU drops a card whose slot has neither power nor a power indicator. The kernel may look (Hot-Plug Interrupt Enable)
# once the slot has power again, or it takes this for its own doing.
setpci -s "$port" CAP_EXP+18.w=0700:0720 CAP_EXP+18.w=0320:0720
wait_for_guest console 'runs on' 60
[[ ! -e /sys/bus/pci/devices/$card ]] || fail 'the host still has the card'
says "warning: $card is wanted back by the host; asking the guest to let go" \
	"warning: $card does not answer any more; giving it back may take the host's kernel a minute" \
	"warning: $card was given back to the host"
kill -TERM "$MONITOR"
ends_within 30 0
qemu_monitor 'device_add e1000e,bus=card-port1,netdev=card-net1'
wait_until 20 test -e "/sys/bus/pci/devices/$card" || fail 'the card is not back'
bind_vfio "$card"
works_again "$card" 10.0.2.2
