# What the process lacks: /dev/kvm, permissions, locked memory. Each message names the remedy, and with all of them followed a user
# without privileges runs a guest on the card.
source "$CASE_LIB"
chmod 755 .
group=/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$LAB_VF0/iommu_group")")
trap 'chown root /dev/kvm "$group"' EXIT
pvh_kernel kernel "$HALT"

# ./as-nobody KIB COMMAND...: may lock that much memory.
cat >as-nobody <<'TEXT'
#!/bin/bash
export HOME=/nonexistent
ulimit -l "$1"
exec setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs -- "${@:2}"
TEXT
chmod 755 as-nobody
run=("$STRAIT" run --kernel kernel --memory 256M --device "$LAB_VF0")

refuses 1 '/dev/kvm: No such file' 'modprobe kvm_intel, or kvm_amd' 'firmware' -- \
	unshare --mount bash -c 'mount -t tmpfs tmpfs /dev && exec "$@"' - "${run[@]}"
refuses 1 '/dev/vfio/vfio: No such file' 'modprobe vfio-pci' -- unshare --mount bash -c 'mount -t tmpfs tmpfs /dev/vfio && exec "$@"' - "${run[@]}"

# A super-user without CAP_IPC_LOCK, as in many containers.
refuses 1 'ulimit -l 262144' -- bash -c 'ulimit -l 64 && exec setpriv --bounding-set=-ipc_lock --inh-caps=-ipc_lock "$@"' - "${run[@]}"

refuses 1 '/dev/kvm: Permission denied' 'usermod -aG kvm' -- ./as-nobody 64 "${run[@]}"
chown nobody /dev/kvm
refuses 1 '268435456 bytes' '65536 bytes' 'RLIMIT_MEMLOCK' 'ulimit -l 262144' 'LimitMEMLOCK=268435456' -- ./as-nobody 64 "${run[@]}"
locked=${REFUSAL#*ulimit -l } locked=${locked%%\'*}
refuses 1 "$group" 'Permission denied' "chown USER $group" -- ./as-nobody "$locked" "${run[@]}"
chown nobody "$group"
in_place="./as-nobody $locked" GUEST_MEMORY=256M strait_on_vf test --timeout "$GUEST_SECONDS" -- '
	grep MemTotal /proc/meminfo && ping -q -A -c 20 10.9.0.1' || fail "status $?"
