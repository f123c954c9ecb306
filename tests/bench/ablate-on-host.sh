# What runs on the lab's host: each contestant, strait with other keys of --device, boots the same guest in turn, which pings the host and
# moves TCP both ways. One line a measurement goes to $LAB_OUT/results: CONTESTANT METRIC VALUE. Arguments: ROUNDS SECONDS, the latter for
# each stream.
source "${LAB_LIB%/*}/case-lib.sh"
source "$LAB_FILES/conversation.sh"
set -u
rounds=$1 seconds=$2
results=$LAB_OUT/results
work=/tmp/bench
mkdir -p $work
: >"$results"
export STRAIT=$LAB_FILES/strait STRAIT_CACHE=$work/cache
# shellcheck disable=SC2054 # keys of one device have commas between them
contestants=(baseline mmap=off mmap=off,ioeventfd=off irqfd=off ioeventfd=off route-batch=off dyn-msix=off)

# The last thing it does is to reset the function.
{ talk_commands "$seconds" && echo 'echo 1 >/sys/class/net/eth0/device/reset'; } >$work/data
guest_initrd "$LAB_INITRD_NET" $work/data $work/data.img

data_path() {
	local device=$LAB_VF0
	[[ $1 == baseline ]] || device+=,$1
	rm -f $work/metrics
	GUEST_INITRD=$work/data.img GUEST_DEVICE=$device conversation strait_on_vf run --metrics $work/metrics
	talk "$1"
	wait "$monitor" || fail "$1: status $?: $(tail -n 5 $work/errors)"
	for metric in irq_routing.{set_gsi_routing_calls,irqfd_calls,user_deliveries} devices.0.{bar_traps,ioeventfds,host_vectors} \
		kvm.0.{io_exits,mmio_exits,halt_exits,irq_exits,irq_window_exits,exits} userspace_exits.{total,by_reason.io,by_reason.mmio}; do
		record "$1" "$metric" "$(metric $work/metrics "$metric")"
	done
	for ((bucket = 0; bucket < 24; bucket++)); do
		record "$1" "time.$bucket" "$(metric $work/metrics userspace_exits.by_time.0.$bucket)"
	done
}

iperf3 -s -D >/dev/null
for ((round = 1; round <= rounds; round++)); do
	for contestant in "${contestants[@]}"; do
		data_path "$contestant"
		echo "$(date +%T) round $round: $contestant: $(sed -n 's/^round_trip_ms //p' $work/console) ms"
	done
done

# A card with more vectors than its driver uses.
disk=$(card_of 1b36:0010)
modprobe nvme
lend "$disk"
cd $work || exit
for contestant in baseline dyn-msix=off route-batch=off; do
	device=$disk
	[[ $contestant == baseline ]] || device+=,$contestant
	test_card "$device" '' 'dd if=/dev/nvme0n1 of=/dev/null bs=1M count=4 iflag=direct' >/dev/null
	for metric in devices.0.host_vectors irq_routing.set_gsi_routing_calls; do
		record "$contestant" "nvme.$metric" "$(metric metrics "$metric")"
	done
done
