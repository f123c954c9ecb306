# The host wants the function back while a guest has it. A guest that listens lets go, and runs on; from one that does not, strait takes it after
# 10 s, and says so with an exit code of its own. Whoever takes it away waits no longer than that.
source "$CASE_LIB"

# taken_by WAY: has the host take the function of a guest in the middle of traffic, and fails unless the guest lets go in time.
echo 'ping -q -A 10.9.0.1 & while [ -e /sys/class/net/eth0 ]; do sleep 0.1; done; echo let go; sleep 2; echo runs on; sleep 600' >commands
guest_initrd "$LAB_INITRD" commands guest.img
packets() {
	ethtool -S "$LAB_PF" | awk '$1 == "rx_packets:" { print $2 }'
}
taken_by() {
	local before way=$1 start
	GUEST_INITRD=guest.img start_strait_on_vf run >console 2>log </dev/null
	wait_for_guest console PING "$GUEST_SECONDS"
	before=$(packets)
	sleep 2
	(($(packets) - before >= 100)) || fail 'no traffic'
	start=$SECONDS
	"$way" || fail "$way failed"
	echo "$way took $((SECONDS - start)) s"
	((SECONDS - start < 10)) || fail 'the guest let go no sooner than one that does not listen'
	wait_for_guest console 'runs on' 30
	cat log
	grep -q "$LAB_VF0 was given back to the host" log || fail 'strait did not say what it did'
	kill -TERM "$MONITOR"
	ends 0 wait "$MONITOR"
}
its_driver_unbound() {
	unbind "$LAB_VF0"
}
all_functions_removed() {
	echo 0 >"/sys/bus/pci/devices/$LAB_PF_BDF/sriov_numvfs"
}
taken_by its_driver_unbound
bind_vfio "$LAB_VF0"
works_still
taken_by all_functions_removed
functions_again() {
	make_vfs 2
	bind_vfio "$LAB_VF0"
	bind_vfio "$LAB_VF1"
	works_still
}
functions_again

# taken_from_the_deaf_by WAY: the same with a guest that does not listen.
pvh_kernel kernel "$(say halting)" "$HALT"
taken_from_the_deaf_by() {
	local start taking way=$1
	"$STRAIT" run --kernel kernel --memory 64M --timeout 60 --device "$LAB_VF0" >console 2>log </dev/null &
	MONITOR=$!
	wait_for_guest console halting 30
	start=$SECONDS
	"$way" &
	taking=$!
	ends 6 wait "$MONITOR"
	wait "$taking" || fail "$way failed"
	echo "$way took $((SECONDS - start)) s"
	((SECONDS - start >= 19)) || fail 'the guest did not get its 20 s'
	((SECONDS - start <= 30)) || fail 'it took longer than promised'
	cat log
	grep -q "$LAB_VF0 is wanted back by the host, and the guest does not let go" log || fail 'strait did not say why it ended'
}
taken_from_the_deaf_by its_driver_unbound
[[ ! $(driver_of "$LAB_VF0") ]] || fail 'the function still has its driver'
bind_vfio "$LAB_VF0"
works_still
taken_from_the_deaf_by all_functions_removed
[[ ! -e /sys/bus/pci/devices/$LAB_VF0 ]] || fail 'the function is still there'
functions_again
