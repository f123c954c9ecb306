# Two cards behind a conventional PCI bridge share an IOMMU group: neither can be assigned while the host uses the other.
source "$CASE_LIB"
pvh_kernel kernel "$(verdict 0)" "$HALT"
modprobe -a e1000 vfio-pci
mapfile -t cards < <(cd /sys/bus/pci/drivers/e1000 && echo 0000:* | tr ' ' '\n')
((${#cards[@]} == 2)) || fail "the host has no two e1000: ${cards[*]}"
run=("$STRAIT" run --kernel kernel --memory 64M --exit-port 0xf4 --device "${cards[0]}")

bind_vfio "${cards[0]}"
refuses 1 'IOMMU group' 'shared' "${cards[1]} (e1000)" 'give these to vfio-pci, too: strait bind' -- "${run[@]}"
unbind "${cards[1]}"
ends 64 "${run[@]}"
bind_vfio "${cards[1]}"
ends 64 "${run[@]}"
