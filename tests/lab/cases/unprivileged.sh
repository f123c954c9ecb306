# An ordinary user runs a guest on the card: in the groups that own /dev/kvm and the IOMMU group's file, with locked memory granted, without
# any capability, and with a sysfs that nobody can write to.
source "$CASE_LIB"
chmod 755 .
group=/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$LAB_VF0/iommu_group")")
trap 'chown root:root /dev/kvm "$group"; chmod 600 /dev/kvm "$group"' EXIT
chgrp 4001 /dev/kvm && chmod 660 /dev/kvm
chgrp 4002 "$group" && chmod 660 "$group"

# ./as-user GROUPS COMMAND...
cat >as-user <<'TEXT'
#!/bin/bash
ulimit -l 262144
export HOME=/nonexistent
exec unshare --mount bash -c '
	mount -o remount,bind,ro /sys
	exec setpriv --reuid 4000 --regid 4000 --groups "$0" --bounding-set=-all --inh-caps=-all --no-new-privs -- "$@"
' "$@"
TEXT
chmod 755 as-user
./as-user 4001,4002 bash -c 'id; ulimit -l; grep CapEff /proc/self/status; ls -l "$@"; grep " /sys sysfs ro" /proc/self/mounts' - /dev/kvm "$group" ||
	fail 'sysfs can be written to'

in_place='./as-user 4001,4002' GUEST_MEMORY=256M strait_on_vf test --timeout "$GUEST_SECONDS" -- '
	grep eth0 /proc/interrupts && ping -q -A -c 20 10.9.0.1' || fail "status $?"

# Each group counts.
pvh_kernel kernel "$HALT"
refuses 1 '/dev/kvm: Permission denied' 'usermod -aG kvm' -- ./as-user 4002 "$STRAIT" run --kernel kernel --memory 256M --device "$LAB_VF0"
refuses 1 "$group" 'Permission denied' "chown USER $group" -- ./as-user 4001 "$STRAIT" run --kernel kernel --memory 256M --device "$LAB_VF0"
