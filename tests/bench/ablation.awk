# Reads the results of ablate-on-host.sh and prints Markdown, medians of all rounds; writes the plots' data to the directory `plots`.
function value(name, metric) { return median(values[name, metric]) }
# One row for each contestant that has the first metric; columns are metrics, each in its format and divided by what follows it.
function table(head, columns,    i, j, n, c, part) {
	print head
	n = split(columns, c, " ")
	for (i = 1; i <= names_count; i++) {
		split(c[1], part, ",")
		if (!((names[i], part[1]) in values)) continue
		printf "| %s", names[i]
		for (j = 1; j <= n; j++) {
			split(c[j], part, ",")
			printf " | " part[2], value(names[i], part[1]) / (part[3] ? part[3] : 1)
		}
		print " |"
	}
}
{
	values[$1, $2] = values[$1, $2] " " $3
	if (!seen[$1]++) names[++names_count] = $1
}
END {
	print "One guest with an igb virtual function, one vCPU; the medians of " rounds " alternating rounds. `baseline` has everything on."
	print "\nThe way to the host and back: 1,000 pings one after the other, then " seconds " s of TCP each way.\n"
	print "| contestant | round trip, ms | all rounds | out, Mb/s | in, Mb/s |\n|---|---:|---|---:|---:|"
	for (i = 1; i <= names_count; i++) {
		printf "| %s | %.3f |%s | %d | %d |\n", names[i], value(names[i], "round_trip_ms"), values[names[i], "round_trip_ms"],
			value(names[i], "sent_bps") / 1e6, value(names[i], "received_bps") / 1e6
	}
	print "\nExits to user space, and all exits of the guest in brackets, as the host's kernel counts them (perf) during each:\n"
	print "| contestant | 1,000 pings | TCP out | TCP in |\n|---|---:|---:|---:|"
	split("pinged sent received", word, " ")
	for (i = 1; i <= names_count; i++) {
		printf "| %s", names[i]
		for (j = 1; j <= 3; j++) printf " | %d (%d)", value(names[i], word[j] "_userspace_exits"), value(names[i], word[j] "_exits")
		print " |"
	}
	print "\nFrom boot to power-off, by strait's `--metrics`: exits to user space by reason, then KVM's own counters of exits by reason.\n"
	table("| contestant | to user space: I/O | MMIO | in KVM: I/O | MMIO | HLT | interrupt | window | all |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|", \
		"userspace_exits.by_reason.io,%d userspace_exits.by_reason.mmio,%d kvm.0.io_exits,%d kvm.0.mmio_exits,%d kvm.0.halt_exits,%d kvm.0.irq_exits,%d kvm.0.irq_window_exits,%d kvm.0.exits,%d")
	print "\nWhat each switch changes, from boot to power-off with a function-level reset before it:\n"
	table("| contestant | BAR traps | ioeventfds made | interrupts by our thread | KVM_SET_GSI_ROUTING | KVM_IRQFD | host vectors |\n|---|---:|---:|---:|---:|---:|---:|", \
		"devices.0.bar_traps,%d devices.0.ioeventfds,%d irq_routing.user_deliveries,%d irq_routing.set_gsi_routing_calls,%d irq_routing.irqfd_calls,%d devices.0.host_vectors,%d")
	print "\nA disk (NVMe) with more vectors than its driver uses:\n"
	table("| contestant | host vectors | KVM_SET_GSI_ROUTING |\n|---|---:|---:|", "nvme.devices.0.host_vectors,%d nvme.irq_routing.set_gsi_routing_calls,%d")

	for (last = 23; last > 0; last--) {
		sum = 0
		for (i = 1; i <= names_count; i++) sum += value(names[i], "time." last)
		if (sum) break
	}
	print "\nHow long exits to user space kept the guest waiting (from KVM_RUN's return to the next entry), in exits per bucket:\n"
	printf "| below, us |"
	for (i = 1; i <= names_count; i++) printf " %s |", names[i]
	printf "\n|---:|"
	for (i = 1; i <= names_count; i++) printf "---:|"
	print ""
	for (bucket = 0; bucket <= last; bucket++) {
		printf "| %d |", 2 ^ bucket
		for (i = 1; i <= names_count; i++) printf " %d |", value(names[i], "time." bucket)
		print ""
	}
	print "\n![round trip](ablation-round-trip.svg) ![throughput](ablation-throughput.svg)"
	print "![exits to user space](ablation-exits.svg) ![time of exits](ablation-exit-times.svg)"

	bars = plots "/bars.dat"
	times = plots "/times.dat"
	print "contestant \"round trip\" out in pings \"TCP out\" \"TCP in\"" >bars
	printf "below" >times
	for (i = 1; i <= names_count; i++) {
		printf "\"%s\" %s %s %s", names[i], value(names[i], "round_trip_ms"), value(names[i], "sent_bps") / 1e6, value(names[i], "received_bps") / 1e6 >bars
		for (j = 1; j <= 3; j++) printf " %s", value(names[i], word[j] "_userspace_exits") >bars
		print "" >bars
		printf " \"%s\"", names[i] >times
	}
	print "" >times
	for (bucket = 0; bucket <= last; bucket++) {
		printf "%s", 2 ^ bucket >times
		for (i = 1; i <= names_count; i++) printf " %s", value(names[i], "time." bucket) >times
		print "" >times
	}
}
