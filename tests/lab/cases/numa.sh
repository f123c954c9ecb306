# On a host with two NUMA nodes the guest's memory and virtual CPUs are where its card is, or where --numa says.
source "$CASE_LIB"
node=/sys/bus/pci/devices/$LAB_VF0/numa_node
(($(wc -w </sys/devices/system/node/has_memory) == 1)) && [[ $(</sys/devices/system/node/has_memory) == 0-1 ]] || fail 'the host has not two nodes'
before=$(<"$node")
trap 'echo "$before" >"$node"' EXIT
echo 'echo guest is up; sleep 1000' >command
guest_initrd "$LAB_INITRD" command initrd.img

# vcpu0: where the monitor's thread of that name may run.
vcpu0() {
	local task
	for task in "/proc/$MONITOR/task"/*; do
		[[ $(<"$task/comm") != vcpu0 ]] || sed -n 's/^Cpus_allowed_list:\t//p' "$task/status"
	done
}

# boot NODE OPTION...: a guest on the node, none for any.
boot() {
	local wanted=$1 memory
	shift
	GUEST_INITRD=initrd.img start_strait_on_vf run --metrics metrics "$@" >console
	wait_for_guest console 'guest is up' "$GUEST_SECONDS"
	# The most of it on one node, in pages: N0=131072.
	memory=$(grep -oE 'N[01]=[0-9]+' "/proc/$MONITOR/numa_maps" | awk -F= '{ n[$1] += $2 } END { print (n["N0"] > n["N1"] ? 0 : 1) }')
	echo "card on node $(<"$node")${*:+, $*}: memory on node $memory, vcpu0 on $(vcpu0)"
	[[ $wanted == null || $memory == "$wanted" ]] || fail "memory is not on node $wanted"
	[[ $(vcpu0) == "${wanted/null/0-1}" ]] || fail 'vcpu0 is elsewhere' # processor N is on node N
	kill -TERM "$MONITOR" # its power button
	wait "$MONITOR" || fail "status $?"
	[[ $(metric metrics guest.numa_node) == "$wanted" ]] || fail "$(metric metrics guest.numa_node) in the metrics"
}

echo 1 >"$node"
boot 1
boot 0 --numa 0
boot null --numa off
echo 0 >"$node"
boot 0 --prefault on
refuses 1 'no such NUMA node' 'there are 0, 1' -- "$STRAIT" run --kernel "$LAB_KERNEL" --numa 7
