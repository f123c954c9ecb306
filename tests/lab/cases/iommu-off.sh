# A host whose IOMMU is off, or that has none: doctor says which and what to do, and bind and run say that it is missing.
source "$HOST_LIB"
pvh_kernel kernel "$(verdict 0)" "$HALT"
before=$(snapshot)

if grep -q intel_iommu=off /proc/cmdline; then
	texts=('the kernel was booted with intel_iommu=off' 'remove intel_iommu=off from the kernel command line')
else
	texts=('a virtual machine without an IOMMU' 'device intel-iommu')
fi
for function in "$LAB_PF_BDF" ''; do
	status=0
	"$STRAIT" doctor ${function:+"$function"} >doctor.out 2>&1 || status=$?
	cat doctor.out
	((status == 12)) || fail "doctor ended with status $status"
	for text in "${texts[@]}"; do
		[[ $(tr -s ' \n' ' ' <doctor.out) == *"$text"* ]] || fail "doctor does not say: $text"
	done
done
"$STRAIT" doctor --print-config | tee config
[[ ${texts[0]} != *=off ]] || grep -q '^# without intel_iommu=off' config || fail 'that word is not among what --print-config prints'
"$STRAIT" devices | tee devices
grep -q "${LAB_PF_BDF#0000:}" devices || fail 'devices does not list the card'
refuses 1 'IOMMU' -- "$STRAIT" bind --force "$LAB_PF_BDF"
refuses 1 'IOMMU' -- "$STRAIT" run --kernel kernel --device "$LAB_PF_BDF,managed=on"
same_host "$before"
