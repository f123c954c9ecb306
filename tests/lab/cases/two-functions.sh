# One guest drives two functions at once, each with its own driver instance, interrupts and traffic.
source "$CASE_LIB"

ip addr add 10.9.1.1/24 dev "$LAB_PF"
trap 'ip addr del 10.9.1.1/24 dev "$LAB_PF"' EXIT

strait_on_vf test --timeout "$GUEST_SECONDS" --device "$LAB_VF1" --metrics metrics -- '
	set -e
	ip addr add 10.9.1.2/24 dev eth1
	ip link set eth1 up
	for try in $(seq 100); do [ "$(cat /sys/class/net/eth1/carrier)" = 1 ] && break; sleep 0.1; done
	for port in 0 1; do
		echo "eth$port is $(readlink "/sys/class/net/eth$port/device"), address $(cat "/sys/class/net/eth$port/address")"
		before=$(cat "/sys/class/net/eth$port/statistics/rx_packets")
		ping -q -A -c 20 -I "eth$port" "10.9.$port.1"
		[ $(($(cat "/sys/class/net/eth$port/statistics/rx_packets") - before)) -ge 20 ]
		[ "$(awk "/eth$port/ { n += \$2 } END { print n }" /proc/interrupts)" -ge 20 ]
	done
	grep eth /proc/interrupts
' || fail "the guest's test failed with status $?"
for device in 0 1; do
	[[ $(metric metrics "devices.$device.bar_traps") == 0 ]] || fail "device $device: $(<metrics)"
done
