# The guest has the processors it was given, each of them runs programs, and each can take the card's interrupts.
source "$CASE_LIB"

for cpus in 1 2 4; do
	GUEST_CPUS=$cpus strait_on_vf test --timeout "$GUEST_SECONDS" --metrics metrics -- '
		set -e
		cpus=$(grep -c ^processor /proc/cpuinfo) last=$(($(nproc) - 1))
		echo "$cpus CPUs, online: $(cat /sys/devices/system/cpu/online)"
		for cpu in $(seq 0 "$last"); do taskset -c "$cpu" true; done
		for irq in $(sed -n "s/^ *\([0-9]*\):.*eth0.*/\1/p" /proc/interrupts); do echo "$last" >"/proc/irq/$irq/smp_affinity_list"; done
		ping -q -A -c 20 10.9.0.1
		grep -E "CPU|eth0" /proc/interrupts
		[ "$(awk -v column=$((last + 2)) "/eth0/ { n += \$column } END { print n }" /proc/interrupts)" -ge 20 ]
		exit $((cpus == '"$cpus"' && last == '"$cpus"' - 1 ? 0 : 1))
	' || fail "--cpus $cpus: status $?"
	[[ $(metric metrics guest.cpus) == "$cpus" && $(metric metrics devices.0.bar_traps) == 0 ]] || fail "--cpus $cpus: $(<metrics)"
done
