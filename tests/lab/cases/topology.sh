# Sockets, cores and threads are what the guest was given, where their numbers are no powers of two, too.
source "$CASE_LIB"

# boot CPUS PACKAGE...: a guest with --cpus CPUS whose processors are in these packages, in order, and whose cores have THREADS threads.
boot() {
	local cpus=$1 threads=$2
	shift 2
	GUEST_CPUS=$cpus strait_on_vf test --timeout "$GUEST_SECONDS" -- '
		cd /sys/devices/system/cpu
		for cpu in $(seq 0 $(($(nproc) - 1))); do
			echo "cpu$cpu: package $(cat cpu$cpu/topology/physical_package_id), core $(cat cpu$cpu/topology/core_id), threads $(cat cpu$cpu/topology/thread_siblings_list)"
			packages="$packages $(cat cpu$cpu/topology/physical_package_id)"
			set -- $(cat cpu$cpu/topology/thread_siblings_list | tr ",-" "  ")
			[ $# = '"$threads"' ] || exit 2
		done
		dmesg | grep -iE "smp(boot)?: |firmware bug"
		! dmesg | grep -qi "firmware bug" || exit 3
		ping -q -A -c 20 10.9.0.1 || exit 4
		[ "$packages" = " '"$*"'" ]
	' || fail "--cpus $cpus: status $?"
}

boot 4,sockets=1,cores=2,threads=2 2 0 0 0 0
boot 6,sockets=2,cores=3 1 0 0 0 1 1 1
