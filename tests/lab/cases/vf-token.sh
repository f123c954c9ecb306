# A physical function and its virtual function, both on vfio-pci and in two guests: whoever has the virtual function must know the token
# that the user of the physical function set.
source "$CASE_LIB"
token=83d8f4f2-509f-382f-3c1e-e6bfe0fa1001 other=00000000-0000-0000-0000-000000000001
pf=/sys/bus/pci/devices/$LAB_PF_BDF parameter=/sys/module/vfio_pci/parameters/enable_sriov
pvh_kernel kernel "$(verdict 0)" "$HALT"

# run_on STATUS TEXT... -- DEVICE: like refuses, for a guest that would end with verdict 0.
run_on() {
	refuses "${@:1:$#-1}" "$STRAIT" run --kernel kernel --memory 64M --exit-port 0xf4 --timeout 30 --device "${!#}"
}

lend "$(card_of 8086:10d3)"
run_on 1 'opening' 'Invalid argument' 'leave out its vf-token' -- "$(card_of 8086:10d3),vf-token=$token"

lend "$LAB_PF_BDF"
echo Y >"$parameter"
give_back() {
	kill -KILL "${MONITORS[@]}" 2>/dev/null
	wait
	echo 0 >"$pf/sriov_numvfs"
	echo N >"$parameter"
	for bdf in "${LENT[@]}"; do bind_to "$bdf" ''; done
}
trap give_back EXIT
pvh_kernel halting "$(say halting)" "$HALT"
# hold DEVICE: a guest that has it, and halts.
MONITORS=()
hold() {
	"$STRAIT" run --kernel halting --memory 64M --device "$1" >console 2>&1 </dev/null &
	MONITOR=$!
	MONITORS+=("$MONITOR")
	wait_for_guest console halting 30
}

hold "$LAB_PF_BDF,vf-token=$token"
echo 1 >"$pf/sriov_numvfs" || fail 'vfio-pci makes no virtual function'
vf=$(bdf_of_vf 0)
[[ $(driver_of "$vf") == vfio-pci ]] || fail "$vf has driver $(driver_of "$vf")"
run_on 1 "opening $vf through VFIO: Permission denied" 'it needs a vf-token=UUID' -- "$vf"
run_on 1 "opening $vf through VFIO: Permission denied" "its vf-token is not this card's" -- "$vf,vf-token=$other"

# There is no link: nobody drives the physical function, and a driver in a guest would know of no virtual ones.
test_card "$vf,vf-token=$token" '' 'dmesg | grep "igbvf.*82576 Virtual Function" && readlink /sys/class/net/eth0/device'

# Now the virtual function is in use, and the physical one has to be opened with the same token.
hold "$vf,vf-token=$token"
kill -KILL "${MONITORS[0]}"
wait "${MONITORS[0]}" 2>/dev/null
run_on 1 "opening $LAB_PF_BDF through VFIO: Permission denied" 'it needs a vf-token=UUID' -- "$LAB_PF_BDF"
run_on 1 "opening $LAB_PF_BDF through VFIO: Permission denied" "its vf-token is not this card's" -- "$LAB_PF_BDF,vf-token=$other"
ends 64 "$STRAIT" run --kernel kernel --memory 64M --exit-port 0xf4 --device "$LAB_PF_BDF,vf-token=$token"
