# A whole boot with a function takes at most 1,000 exits to user space, and strait itself at most 6 MiB of memory.
source "$CASE_LIB"

echo 'ping -q -c 1 10.9.0.1 >/dev/null && echo up; sleep 600' >commands
guest_initrd "$LAB_INITRD" commands guest.img
GUEST_INITRD=guest.img GUEST_CMDLINE='console=ttyS0 quiet panic=-1 strait.ip=10.9.0.2/24' \
	start_strait_on_vf run --metrics metrics >console 2>&1 </dev/null
wait_for_guest console up "$GUEST_SECONDS"

# Not strait's own: the guest's memory (the one mapping of its size) and the card's BARs.
own=$(awk -v guest=$((512 * 1024)) '
	/^[0-9a-f]+-[0-9a-f]+ / { name = $6 }
	/^Size:/ { ram = $2 == guest; found += ram }
	/^Pss:/ && !ram && name !~ /vfio-device/ { pss[name == "" ? "anonymous" : name] += $2; total += $2 }
	END {
		for (name in pss) if (pss[name]) print pss[name] " KiB " name >"/dev/stderr"
		print found == 1 ? total : "no guest memory found"
	}' "/proc/$MONITOR/smaps")
echo "strait's own memory (PSS without the guest's): $own KiB"

kill -TERM "$MONITOR"
ends 0 wait "$MONITOR"
total=$(metric metrics userspace_exits.total)
echo "exits to user space from power-on to power-off: $total"
sed -n '/by_device/,/}/p' metrics
# A sanitizer's bookkeeping is not strait's.
((own <= 6 * 1024)) || grep -q __asan_init "$STRAIT" || fail 'strait takes more than 6 MiB'
((total <= 1000)) || fail 'more than 1,000 exits to user space'
