# Reads the contestants' commands, then their results, and prints Markdown: medians of the boot times, their ratio to the best of
# QEMU's machines in the same run, and the counts.
function cell(name, metric) { return (name, metric) in values ? median(values[name, metric]) : "" }
function rates(list,    n, i, v, text) {
	n = split(list, v, " ")
	for (i = 1; i <= n; i++) text = text sprintf("%s%d", i > 1 ? " " : "", v[i] / 1e6)
	return text
}
FILENAME ~ /commands$/ { command[++commands] = $0; next }
{
	values[$1, $2] = values[$1, $2] " " $3
	if (!seen[$1]++) names[++n] = $1
}
END {
	for (i = 1; i <= n; i++) {
		time[names[i]] = median(values[names[i], "boot_s"])
		if (names[i] ~ /^(microvm|q35)$/ && (best == "" || time[names[i]] < best)) best = time[names[i]]
	}
	print "exec to guest init, median of " rounds " alternating rounds; the ratio is to the better of microvm and q35 (with the kernel's self-tests"
	print "of its ciphers, which the others leave out: to microvm-selftests):\n"
	print "| contestant | seconds | ratio | all rounds |\n|---|---:|---:|---|"
	for (i = 1; i <= n; i++) printf "| %s | %.2f | %.2f |%s |\n", names[i], time[names[i]],
		time[names[i]] / (names[i] ~ /selftests/ ? time["microvm-selftests"] : best), values[names[i], "boot_s"]
	print "\nKVM exits over a whole boot and reboot, and the monitor's own memory (PSS without guest RAM and device mappings):\n"
	print "| contestant | exits | exits to user space | own memory, KiB |\n|---|---:|---:|---:|"
	for (i = 1; i <= n; i++) if ((names[i], "exits") in values) {
		printf "| %s | %d | %d | %d |\n", names[i], cell(names[i], "exits"), cell(names[i], "userspace_exits"), cell(names[i], "own_kib")
	}
	if (seconds > 0) {
		print "\nExits to user space (and all exits) while the guest talks to the host through the function: 1,000 pings, then " seconds " s of TCP each way;"
		print "medians of alternating rounds, and the rates of all rounds:\n"
		print "| contestant | 1,000 pings | TCP out | TCP in | round trip, ms | out, Mb/s | in, Mb/s |\n|---|---:|---:|---:|---:|---:|---:|"
		for (i = 1; i <= n; i++) if ((names[i], "pinged_exits") in values) {
			printf "| %s", names[i]
			split("pinged sent received", word, " ")
			for (j = 1; j <= 3; j++) printf " | %d (%d)", cell(names[i], word[j] "_userspace_exits"), cell(names[i], word[j] "_exits")
			printf " |%s | %s | %s |\n", values[names[i], "round_trip_ms"], rates(values[names[i], "sent_bps"]), rates(values[names[i], "received_bps"])
		}
	}
	print "\nThe commands, INITRD standing for the guest's:\n\n```"
	for (i = 1; i <= commands; i++) print command[i]
	print "```"
}
