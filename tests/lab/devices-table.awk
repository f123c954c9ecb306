# Reads what cases noted of devices (DEVICE|INTERRUPTS|BARS|MONITOR|RESULT) and prints Markdown: a line for each device and kind of interrupt.
# What did not work once did not work.
BEGIN { FS = "|" }
{
	row = $1 " | " $2 " | " $3
	if (!seen[row]++) rows[++n] = row
	if (result[row, $4] == "" || result[row, $4] == "works") result[row, $4] = $5
}
function shown(row, monitor) { return (row, monitor) in result ? result[row, monitor] : "not tried" }
END {
	print "| device | interrupts | BARs | strait | QEMU |\n|---|---|---|---|---|"
	for (i = 1; i <= n; i++) printf "| %s | %s | %s |\n", rows[i], shown(rows[i], "strait"), shown(rows[i], "qemu-as-strait")
}
