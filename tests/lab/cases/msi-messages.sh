# MSI with several messages, on a USB controller that has sixteen: the host gets as many as the guest enables, and each reaches the guest as
# itself. Linux' driver asks for one, so the guest has none and does by hand what it takes.
source "$CASE_LIB"
card=$(card_of 1b36:000d 2)
lend "$card"

# note_vectors: what the host has for the card, one after the other, as far as it lasts.
note_vectors() {
	local now before='' noted=''
	while :; do
		now=$(host_vectors "$card")
		[[ $now != "$before" || $now == "$noted" ]] || echo $((noted = now))
		before=$now
		sleep 0.1
	done
}
# note_interrupts: how often each of four messages came, as the host's kernel says, in the file `interrupts`.
note_interrupts() {
	while :; do
		awk -v card="($card)" '/vfio-msi\[/ && index($0, card) { print $NF, $2 + $3 }' /proc/interrupts >now
		(($(wc -l <now) < 4)) || cp now interrupts
		sleep 0.2
	done
}

cat >commands <<'TEXT'
	command() { printf "\006\000" | dd of=$config bs=2 seek=2 conv=notrunc 2>/dev/null; } # memory, bus master
	write() { # ADDRESS DWORD...
		at=$(($1)) && shift
		for dword; do devmem $at 32 $(($dword)) && at=$((at + 4)); done
	}
	# The kernel leaves the upper half of its memory alone. Sections are those of xHCI 1.2.
	usb=$(sed -n "1s/ .*//p" /sys/bus/pci/devices/0000:00:01.0/resource)
	contexts=0x18000000 device=0x18001000 input=0x18002000 ring=0x18003000 transfers=0x18004000 segments=0x18005000 events=0x18006000
	command
	messages 2

	for n in 0 1 2 3; do # 5.5.2: interrupters, each with an event ring of one segment and interrupts on
		write $segments+$n*64 $events+$n*0x400 0 16 0
		write $usb+0x1028+$n*32 1
		write $usb+0x1038+$n*32 $events+$n*0x400 0
		write $usb+0x1030+$n*32 $segments+$n*64 0
		write $usb+0x1020+$n*32 2
	done
	for port in $(seq 8) none; do # 5.4.8: the port with the stick
		[ $port != none ] || exit 4
		[ $(($(devmem $((usb + 0x430 + port * 16)) 32) & 1)) = 0 ] || break
	done
	write $usb+0x58 $ring+1 0 # 5.4: command ring, device contexts, one slot, run
	write $usb+0x70 $contexts 0
	write $usb+0x78 1
	write $usb+0x40 5
	write $contexts+8 $device 0
	write $input 0 3 # 4.6.5: the slot and its endpoint 0
	write $input+0x20 "1<<27" "$port<<16"
	write $input+0x40 0 "64<<16|4<<3" $transfers+1 0
	write $ring 0 0 0 "9<<10|1" $input 0 0 "1<<24|11<<10|1" # 6.4.3: enable the slot, address the device
	write $usb+0x2000 0
	for n in 3 1 2; do # 6.4.1.2: set the configuration, and tell interrupter n
		write $transfers 0x10900 0 8 "2<<10|1<<6|1" 0 0 "$n<<22" "4<<10|1<<16|1<<5|1"
		write $usb+0x2004 1
		transfers=$((transfers + 32))
	done
	sleep 2
	no_messages && sleep 2
	messages 1 && sleep 2
	no_messages
TEXT
note_vectors >vectors &
watchers=$!
note_interrupts &
watchers+=" $!"
status=0
GUEST_DEVICE=$card GUEST_CMDLINE="$GUEST_KERNEL mem=256M" \
	strait_on_vf test --timeout "$GUEST_SECONDS" --metrics metrics --verbose -- "$MESSAGES $(<commands)" >console 2>log || status=$?
wait_until 5 test "$(tail -n 1 vectors)" = 0
# shellcheck disable=SC2086 # words
kill $watchers
cat console interrupts
had=$(paste -s -d ' ' vectors)
echo "messages that the host had: $had"
((status == 0)) || fail "status $status: $(<log)"
[[ $had == '0 4 0 2 0' ]] || fail 'these are not those that the guest enabled'
[[ $(metric metrics devices.0.host_vectors) == 4 ]] || fail "strait says $(metric metrics devices.0.host_vectors)"
for message in 0 1 2 3; do
	grep -q "vfio-msi\[$message\].* [1-9]" interrupts || fail "the host did not see message $message"
	grep -q "No irq handler for 0\.$((0x60 + message))" console || fail "the guest did not get message $message"
done
