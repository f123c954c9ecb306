# A host kernel that cannot add MSI-X vectors one by one (before 6.5): all are there from the start, and the guest gets its interrupts.
source "$CASE_LIB"

status=0
echo "the host's kernel: $(uname -r)"
strait_on_vf test --timeout "$GUEST_SECONDS" --verbose -- '
	set -e
	ping -q -A -c 50 10.9.0.1
	grep eth0 /proc/interrupts
	[ "$(awk "/eth0-rx/ { print \$2 }" /proc/interrupts)" -ge 50 ]
' 2>log || status=$?
cat log
((status == 0)) || fail "the guest's test failed with status $status"
grep -q "$LAB_VF0: .*NORESIZE" log || fail 'this host kernel can add vectors: the case shows nothing'
