# On the data path strait is not there: 1,000 pings and TCP each way cause no exit to user space, while the interrupts of the guest and
# the host's counters rise. What strait counts is what the host's kernel counts.
source "$CASE_LIB"

seconds=3
[[ ! ${LAB_FULL:-} ]] || seconds=10
events=/sys/kernel/tracing/events/kvm/kvm_userspace_exit

# Marks pass through the card, for text on the console would cost exits.
await_mark() {
	timeout "$GUEST_SECONDS" busybox nc -l -p "$1" </dev/null >/dev/null || fail "the guest did not reach mark $1"
}

exits() {
	sed -n 's/^ *Hits: *//p' "$events/hist"
}

host_interrupts() {
	interrupts "vfio-msix.*$LAB_VF0"
}

pf_packets() {
	ethtool -S "$LAB_PF" | awk '$1 == "rx_packets:" { print $2 }'
}

cat >commands <<TEXT
$(declare -f interrupts)
mark() { nc -w 5 10.9.0.1 "\$1" </dev/null; sleep 2; }
mark 7001
sleep 3
mark 7002
before=\$(interrupts eth0)
ping -q -A -c 1000 10.9.0.1 >/tmp/ping
iperf3 -c 10.9.0.1 -t $seconds >/tmp/out 2>&1
iperf3 -c 10.9.0.1 -t $seconds -R >/tmp/in 2>&1
after=\$(interrupts eth0)
mark 7003
grep received /tmp/ping
grep receiver /tmp/out
grep receiver /tmp/in
echo "interrupts \$((after - before))"
echo "interfaces" \$(ls /sys/class/net)
TEXT
guest_initrd "$LAB_INITRD_NET" commands guest.img
iperf3 --server --daemon --pidfile "$PWD/iperf3.pid"
echo hist:keys=reason >"$events/trigger"
trap 'kill "$(tr -d "\0" <iperf3.pid)"; echo "!hist:keys=reason" >"$events/trigger"' EXIT

await_mark 7001 & idle_begins=$!
await_mark 7002 & traffic_begins=$!
await_mark 7003 & traffic_ends=$!
GUEST_INITRD=guest.img in_place="perf stat -x, -o perf -a -e kvm:kvm_userspace_exit --" \
	strait_on_vf run --metrics metrics >console 2>&1 </dev/null &
MONITOR=$!
wait "$idle_begins" || fail "$(<console)"
idle=$(exits)
wait "$traffic_begins" || fail "$(<console)"
start=$(exits) interrupts=$(host_interrupts) packets=$(pf_packets)
wait "$traffic_ends" || fail "$(<console)"
end=$(exits)
echo "exits to user space: $start up to here, $((start - idle)) in 3 s without traffic, $((end - start)) with traffic"
interrupts=$(($(host_interrupts) - interrupts)) packets=$(($(pf_packets) - packets))
echo "the host counted $interrupts interrupts of $LAB_VF0, and its own side of the card $packets packets received"
wait "$MONITOR" || fail "strait ended with status $?: $(<console)"
cat console

((end == start)) || fail 'traffic caused exits to user space'
[[ $(metric metrics devices.0.bar_traps) == 0 ]] || fail "BAR accesses were trapped: $(<metrics)"
grep -q '1000 packets received' console || fail 'pings were lost'
(($(grep -c receiver console) == 2)) || fail 'no TCP'
grep -q '^interfaces eth0 lo' console || fail 'the guest has another network interface'
guest_interrupts=$(tr -d '\r' <console | sed -n 's/^interrupts //p')
((guest_interrupts >= 1000 && interrupts >= 1000 && packets >= 1000)) || fail 'a counter did not rise'

perf=$(sed -n 's/^\([0-9]*\),.*kvm_userspace_exit.*/\1/p' perf) strait=$(metric metrics userspace_exits.total)
echo "perf counted $perf exits to user space, strait $strait"
((perf > 0 && (perf - strait) ** 2 * 10000 <= perf ** 2)) || fail 'perf and strait differ by more than 1%'
