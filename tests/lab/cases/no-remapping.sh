# An IOMMU that cannot remap interrupts would let a guest forge them: VFIO refuses it, and strait says why.
source "$CASE_LIB"
pvh_kernel kernel "$HALT"
for _ in 1 2; do
	refuses 1 'no interrupt remapping' 'intremap=off' -- "$STRAIT" run --kernel kernel --memory 64M --device "$LAB_VF0"
done
