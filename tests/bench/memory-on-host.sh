# What runs on the lab's host: guests of 4 GiB that do nothing, in memory of each kind, made present by one thread and by two. One line a
# measurement goes to $LAB_OUT/results: CONTESTANT METRIC VALUE. Argument: ROUNDS.
source "${LAB_LIB%/*}/case-lib.sh"
set -u
rounds=$1
results=$LAB_OUT/results
gibibytes=4 pages=2048
trace=/sys/kernel/tracing
mkdir -p /tmp/bench
cd /tmp/bench || exit
: >"$results"
export STRAIT=$LAB_FILES/strait
pvh_kernel kernel "$HALT"
echo $pages >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
(($(</sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages) == pages)) || fail "this host cannot have $pages huge pages"

# all_is_mapped: what is pinned for DMA counts as locked.
all_is_mapped() {
	(($(awk '/^VmLck:/ { print $2 }' "/proc/$MONITOR/status") >= gibibytes << 20))
}

# start KIND THREADS: a guest, until its memory is mapped. Its figures are in the file `metrics`.
start() {
	rm -f metrics
	"$STRAIT" run --kernel kernel --device "$LAB_VF0" --memory ${gibibytes}G --hugepages "$1" --prefault on --prefault-threads "$2" \
		--metrics metrics </dev/null >console &
	MONITOR=$!
	wait_until 300 all_is_mapped || fail "the memory of $1 was not mapped"
	sleep 0.5
	end_it
}

record() {
	echo "$*" >>"$results"
}

for ((round = 1; round <= rounds; round++)); do
	for kind in off thp 2M; do
		for threads in 1 2; do
			start $kind $threads
			record $kind prefault.$threads "$(metric metrics guest.prefault_ns)"
			record $kind map "$(metric metrics dma.map_ns)"
			echo "$(date +%T) round $round: $kind, $threads thread(s): $(tail -n 2 "$results" | awk '{ printf "%s %d ms  ", $2, $3 / 1e6 }')"
		done
	done
done

# In starts of their own, for counting takes time: how many pages of which size the IOMMU's driver maps.
echo 'p:strait_map intel_iommu_map_pages size=%cx:u64 count=%r8:u64' >>$trace/kprobe_events || fail 'the kernel lets nobody count'
event=$trace/events/kprobes/strait_map
for kind in off thp 2M; do
	echo 'hist:keys=size:vals=count' >$event/trigger
	echo 1 >$event/enable
	start $kind 2
	echo 0 >$event/enable
	awk -v kind=$kind '/size:/ { gsub(/[{},:]/, " "); for (i = 1; i < NF; i++) value[$i] = $(i + 1); print kind, "pages." value["size"], value["count"] }' \
		$event/hist >>"$results"
	echo '!hist:keys=size:vals=count' >$event/trigger
done
