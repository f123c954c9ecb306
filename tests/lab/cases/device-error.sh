# A card reports an uncorrectable error while a guest has traffic on it. Nobody knows what state it is in: the run ends, and says why.
# The report arrives as on a real board: the card's message, its root port's interrupt, the kernel's recovery, vfio-pci. Afterwards the
# card works again.
source "$CASE_LIB"
card=$(card_of 1af4:1041)
lend "$card"
cat >commands <<'TEXT'
ping -q -A 10.0.2.2 &
until [ "$(cat /sys/class/net/eth0/statistics/rx_packets)" -ge 200 ]; do sleep 0.1; done
echo traffic
sleep 600
TEXT
guest_initrd "$LAB_INITRD" commands guest.img
export GUEST_DEVICE=$card GUEST_CMDLINE="$GUEST_KERNEL strait.ip=10.0.2.15/24"

# ends_with ERROR: one that QEMU's monitor knows by that name.
ends_with() {
	local start
	GUEST_INITRD=guest.img start_strait_on_vf run --timeout 60 --metrics metrics >console 2>log </dev/null
	wait_for_guest console traffic "$GUEST_SECONDS"
	dmesg --clear
	start=$SECONDS
	qemu_monitor "pcie_aer_inject_error virtio-net $1"
	ends 6 wait "$MONITOR"
	echo "$1: over after $((SECONDS - start)) s"
	((SECONDS - start <= 20)) || fail 'it took too long'
	dmesg | grep AER || fail 'the error did not come by way of the root port'
	cat log
	[[ $(<log) == "strait: error: $card reported an uncorrectable error (AER)" ]] || fail 'not that one line'
	[[ $(metric metrics exit_code) == 6 ]] || fail "the metrics say otherwise: $(<metrics)"
	# Unbinding would wait for whoever still has the card.
	bind_to "$card" ''
	[[ $(driver_of "$card") == virtio-pci ]] || fail "its own driver does not take it back, but: $(driver_of "$card")"
	bind_vfio "$card"
	strait_on_vf test --timeout "$GUEST_SECONDS" -- ping -c 3 10.0.2.2 || fail "after $1 the card does not work"
}
ends_with COMP_TIME # a completion time-out: not fatal
ends_with DLP       # a data link protocol error: fatal, the kernel resets the link
