# Functions that cannot be assigned as they are: exit code 1 and one line with the cause and the remedy. The remedy works as printed.
source "$CASE_LIB"
pvh_kernel kernel "$(say started)" "$(verdict 0)" "$HALT"

with_device() {
	refuses 1 "$@" -- "$STRAIT" run --kernel kernel --memory 64M --device "$1"
}

follow_remedy() {
	PATH=$(dirname "$STRAIT"):$PATH bash -c "${REFUSAL#*give it to vfio-pci: }" || fail "the remedy failed: $REFUSAL"
	ends 64 "$STRAIT" run --kernel kernel --memory 64M --device "$1" --exit-port 0xf4
	"$STRAIT" release "$1" || fail "$1 could not be given back"
}

with_device 0000:01:1f.7 'no PCI function' 'strait devices --all'
with_device "$LAB_PF_BDF" "driver igb as $LAB_PF" "strait bind $LAB_PF_BDF"

unbind "$LAB_VF1"
echo >"/sys/bus/pci/devices/$LAB_VF1/driver_override"
with_device "$LAB_VF1" 'bound to no driver' 'vfio-pci'
follow_remedy "$LAB_VF1"
modprobe igbvf
bind_to "$LAB_VF1" igbvf
echo >"/sys/bus/pci/devices/$LAB_VF1/driver_override" # strait would take it for somebody's wish
with_device "$LAB_VF1" 'driver igbvf as eth' "strait bind $LAB_VF1"
follow_remedy "$LAB_VF1"
modprobe -r igbvf
bind_to "$LAB_VF1" vfio-pci

# Another strait has it.
pvh_kernel halting "$(say halting)" "$HALT"
"$STRAIT" run --kernel halting --memory 64M --device "$LAB_VF0" >console 2>&1 </dev/null &
MONITOR=$!
wait_for_guest console halting 30
with_device "$LAB_VF0" 'busy' 'fuser -v /dev/vfio/'
# It still runs, and once it is gone the function can be had again.
kill -0 "$MONITOR" || fail 'the first monitor ended'
kill -KILL "$MONITOR"
wait "$MONITOR" 2>/dev/null
works_still
