# Two cards behind a conventional PCI bridge, of which the host uses one: doctor names the other as the reason, and so do bind and run.
source "$HOST_LIB"
modprobe -a e1000 vfio-pci
pvh_kernel kernel "$(verdict 0)" "$HALT"
mapfile -t cards < <(cd /sys/bus/pci/drivers/e1000 && printf '%s\n' 0000:*)
((${#cards[@]} == 2)) || fail "the host has no two e1000: ${cards[*]}"
before=$(snapshot)

"$STRAIT" devices | tee devices
for card in "${cards[@]}"; do
	grep -q "${card#0000:}" devices || fail "devices does not list $card"
done
"$STRAIT" bind "${cards[0]}" || fail "bind: status $?"
status=0
"$STRAIT" doctor "${cards[0]}" >doctor.out 2>&1 || status=$?
cat doctor.out
((status == 17)) || fail "doctor ended with status $status"
grep -q "${cards[1]}" doctor.out || fail "doctor does not name ${cards[1]}"
refuses 1 'IOMMU group' "${cards[1]}" -- "$STRAIT" run --kernel kernel --device "${cards[0]}"

# By the group's number both are taken.
group=$(basename "$(readlink "/sys/bus/pci/devices/${cards[0]}/iommu_group")")
"$STRAIT" bind "group:$group" || fail "bind group:$group: status $?"
ends 64 "$STRAIT" run --kernel kernel --memory 64M --exit-port 0xf4 --device "${cards[0]}"
"$STRAIT" release "group:$group" || fail "release group:$group: status $?"
same_host "$before"
