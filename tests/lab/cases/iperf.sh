# Traffic in both directions through the virtual function, with several processors in the guest.
source "$LAB_LIB"

iperf3 --server --daemon
GUEST_INITRD=$LAB_INITRD_NET GUEST_CPUS=2 strait_on_vf test --timeout 100 -- sh -c '
	set -e
	iperf3 --client 10.9.0.1 --time 3
	iperf3 --client 10.9.0.1 --time 3 --reverse
'
status=$?
pkill -x iperf3
((status == 0)) || fail "the guest's test failed with status $status"
