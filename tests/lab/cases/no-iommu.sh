# On a host without an IOMMU nothing can be assigned, and strait says how to get one. A guest without devices runs.
source "$CASE_LIB"
pvh_kernel kernel "$(verdict 0)" "$HALT"
refuses 1 "no IOMMU translates for $LAB_PF_BDF" 'intel_iommu=on' -- "$STRAIT" run --kernel kernel --device "$LAB_PF_BDF"
ends 64 "$STRAIT" run --kernel kernel --memory 32M --exit-port 0xf4
