# A guest that reboots is booted again in the same process, with its function as after power-up and nothing left of the machine before: here
# it reboots without a word to its drivers, in the middle of traffic.
source "$CASE_LIB"
boots=3
[[ ! ${LAB_FULL:-} ]] || boots=10
cat >commands <<'TEXT'
ping -q -c 20 -i 0.05 10.9.0.1 | grep received
ping -q -A 10.9.0.1 >/dev/null &
sleep 1
echo b >/proc/sysrq-trigger
sleep 60
TEXT
guest_initrd "$LAB_INITRD" commands guest.img

# what_it_holds: how many descriptors and mappings the monitor has, and how many virtual machines the host.
what_it_holds() {
	echo "$(ls "/proc/$MONITOR/fd" | wc -l) $(wc -l <"/proc/$MONITOR/maps")" \
		"$(find /sys/kernel/debug/kvm -mindepth 1 -maxdepth 1 -type d | wc -l)"
}
passed() {
	(($(grep -c '20 packets received' console) >= $1))
}
# reboots_with CMDLINE [OPTION...]: lets the guest boot some times, then ends it.
reboots_with() {
	local boot holds=() first last
	GUEST_CMDLINE="$GUEST_KERNEL strait.ip=10.9.0.2/24 $1" GUEST_INITRD=guest.img \
		start_strait_on_vf run --metrics metrics "${@:2}" >console 2>log </dev/null
	for ((boot = 1; boot <= boots; boot++)); do
		wait_until "$GUEST_SECONDS" passed $boot || fail "boot $boot has no traffic: $(<console) $(<log)"
		holds+=("$(what_it_holds)")
	done
	kill -TERM "$MONITOR" # whoever presses the power button gets his end with the next reboot at the latest
	ends 0 wait "$MONITOR"
	cat console
	printf 'descriptors, mappings, machines: %s\n' "${holds[@]}"
	read -ra first <<<"${holds[0]}"
	read -ra last <<<"${holds[boots - 1]}"
	# A thread that comes and goes has two mappings.
	((last[0] == first[0] && last[1] <= first[1] + 2)) || fail 'it holds more and more'
	((last[2] == 1)) || fail 'a former virtual machine is still there'
	(($(metric metrics guest.reboots) >= boots - 1)) || fail "$(metric metrics guest.reboots) reboots counted"
}

[[ -d /sys/kernel/debug/kvm ]] || mount -t debugfs debugfs /sys/kernel/debug
reboots_with ''
reboots_with reboot=k --no-kernel-cache

# A guest that reboots at once, again and again, at a console where nobody types: signals and the timeout are heard all the same.
mkfifo keys
exec 7<>keys
pvh_kernel rebooting "$(say boot)" b0 fe e6 64 "$HALT"
booted() {
	(($(grep -ac boot console) >= $1))
}
"$STRAIT" run --kernel rebooting --memory 32M >console 2>log <&7 &
MONITOR=$!
wait_until 30 booted 5 || fail "no five boots: $(<console) $(<log)"
kill -TERM "$MONITOR"
ends 0 wait "$MONITOR"
status=0
timeout -s KILL 30 "$STRAIT" run --kernel rebooting --memory 32M --timeout 1 <&7 || status=$?
((status == 4)) || fail "exit status $status, not 4"

# --on-reboot exit ends it, and so does strait test, which waits for a verdict.
echo 'reboot -f' >commands
guest_initrd "$LAB_INITRD" commands guest.img
ends 0 "$STRAIT" run --kernel "$LAB_KERNEL" --initrd guest.img --on-reboot exit --timeout "$GUEST_SECONDS"
ends 1 "$STRAIT" test --kernel "$LAB_KERNEL" --initrd "$LAB_INITRD" --timeout "$GUEST_SECONDS" -- reboot -f
