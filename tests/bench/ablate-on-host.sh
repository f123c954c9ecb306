# What runs on the lab's host: each contestant, strait with other keys of --device, boots the same guest in turn, which pings the host and
# moves TCP both ways. One line a measurement goes to $LAB_OUT/results: CONTESTANT METRIC VALUE. Arguments: ROUNDS SECONDS, the latter for
# each stream.
source "${LAB_LIB%/*}/case-lib.sh"
set -u
rounds=$1 seconds=$2
results=$LAB_OUT/results
work=/tmp/bench
mkdir -p $work
: >"$results"
export STRAIT=$LAB_FILES/strait STRAIT_CACHE=$work/cache
pings=500
# shellcheck disable=SC2054 # keys of one device have commas between them
contestants=(baseline mmap=off mmap=off,ioeventfd=off irqfd=off ioeventfd=off route-batch=off dyn-msix=off)

record() { echo "$1 $2 $3" >>"$results"; }

# The guest waits for the host's counters after each of its words.
cat >$work/data <<COMMAND
echo ready; sleep 2
ping -c $pings -A -q 10.9.0.1 >/tmp/ping; echo pinged; sleep 2
iperf3 -c 10.9.0.1 -t $seconds --json >/tmp/sent; echo sent; sleep 2
iperf3 -c 10.9.0.1 -t $seconds --json -R >/tmp/received; echo received; sleep 2
sed -n 's|.*min/avg/max = [^/]*/\\([^/]*\\)/.*|round_trip_ms \\1|p' /tmp/ping
sed -n 's/ packets received.*//; s/.*, /answers /p' /tmp/ping
for way in sent received; do echo \${way}_bps \$(sed -n 's/.*"bits_per_second":[^0-9]*\\([0-9.e+]*\\).*/\\1/p' /tmp/\$way | tail -1); done
echo 1 >/sys/class/net/eth0/device/reset
COMMAND
guest_initrd "$LAB_INITRD_NET" $work/data $work/data.img

# exits_until WORD NAME: records the exits of all kinds until the guest says WORD.
exits_until() {
	perf stat -a -x, -e kvm:kvm_userspace_exit,kvm:kvm_exit -o $work/perf bash -c "until grep -aq ^$2 $work/console; do sleep 0.5; done"
	record "$1" "$2_userspace_exits" "$(awk -F, '/userspace/ { print $1 }' $work/perf)"
	record "$1" "$2_exits" "$(awk -F, '/kvm:kvm_exit/ { print $1 }' $work/perf)"
}

data_path() {
	local device=$LAB_VF0 word
	[[ $1 == baseline ]] || device+=,$1
	rm -f $work/metrics
	GUEST_INITRD=$work/data.img GUEST_DEVICE=$device start_strait_on_vf run --metrics $work/metrics >$work/console 2>$work/log </dev/null
	wait_for_guest $work/console ready 120
	sleep 1
	for word in pinged sent received; do exits_until "$1" $word; done
	wait "$MONITOR" || fail "$1: status $?: $(<$work/log)"
	tr -d '\r' <$work/console | awk -v name="$1" '$1 ~ /^(round_trip_ms|answers|sent_bps|received_bps)$/ { print name, $1, $2 }' >>"$results"
	(($(tr -d '\r' <$work/console | sed -n 's/^answers //p') == pings)) || fail "$1: pings were lost: $(<$work/console)"
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
		echo "$(date +%T) round $round: $contestant: $(tr -d '\r' <$work/console | sed -n 's/^round_trip_ms //p') ms"
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
