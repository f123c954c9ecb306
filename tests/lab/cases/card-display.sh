# Displays: what the guest draws into /dev/fb0 is on the screen. One has nothing but its frame buffer and its registers, the other is a
# VGA adapter with an expansion ROM.
source "$CASE_LIB"

# drawing WIDTH HEIGHT: the same on guest and host: bands of blue, green and red, and one of digits. A pixel has four bytes: blue, green, red,
# and one that is not shown, here the end of the line that `yes` repeats.
DRAWING='
	drawing() {
		for colour in "\377\001\002" "\003\377\004" "\005\006\377"; do
			yes "$(printf "$colour")" | head -c $(($1 * $2))
		done
		seq 1000000 | head -c $(($1 * $2))
	}
'
eval "$DRAWING"
cat >commands <<TEXT
$DRAWING
# The console takes the screen, and leaves it, with its cursor.
frame_buffer() { grep -ls 'frame buffer' /sys/class/vtconsole/*/name; }
for i in \$(seq 100); do [ "\$(frame_buffer)" ] && break; sleep 0.1; done
console=\$(dirname "\$(frame_buffer)")/bind
for i in \$(seq 100); do grep -qs 1 \$console && break; sleep 0.1; done
printf '\033[?25l' >/dev/tty1
echo 0 >\$console
grep -H . /sys/class/vtconsole/*/name /sys/class/vtconsole/*/bind
cd /sys/class/graphics/fb0
IFS=, read -r width height <virtual_size
# In one piece: of a write within one line, up to its end, Linux 6.12 shows nothing.
drawing \$width \$height >/tmp/drawing
dd if=/tmp/drawing of=/dev/fb0 bs=16M 2>/dev/null
echo "drawn: \$width \$height \$(cat stride) \$(cat bits_per_pixel) \$(cat name)"
sleep 600
TEXT
guest_initrd "$LAB_INITRD_NET" commands guest.img

# line N: the bytes of that line of the drawing, as the colours of a picture.
line_drawn() {
	dd if=drawn iflag=skip_bytes,count_bytes bs=64K skip=$(($1 * width * 4)) count=$((width * 4)) status=none | od -An -v -tx1 -w4 |
		awk '{ print $3, $2, $1 }'
}

line_shown() {
	dd if=picture iflag=skip_bytes,count_bytes bs=64K skip=$((header + $1 * width * 3)) count=$((width * 3)) status=none | od -An -v -tx1 -w3 |
		awk '{ print $1, $2, $3 }'
}

# shows KIND: the screen is as the guest drew it, in every 40th line, and the last.
shows() {
	local line
	take_picture "$1" picture
	[[ $(head -n 2 picture | tr -d '\0') == $'P6\n'"$width $height" ]] || return
	header=$(head -n 3 picture | wc -c)
	for line in $(seq 0 40 $((height - 1))) $((height - 1)); do
		cmp -s <(line_drawn "$line") <(line_shown "$line") || return
	done
}

# test_display KIND CARD
test_display() {
	lend "$2"
	GUEST_DEVICE=$2 GUEST_INITRD=guest.img start_strait_on_vf run >console 2>&1 </dev/null
	wait_for_guest console drawn: "$GUEST_SECONDS"
	cat console
	read -r _ width height _ < <(grep drawn: console | tr -d '\r')
	drawing "$width" "$height" >drawn
	wait_until 20 shows "$1" && shown=yes || shown=
	cp picture "$LAB_OUT/$1.ppm"
	note_result "$2" "$([[ $shown ]] && echo works || echo 'the screen shows something else')"
	kill -TERM "$MONITOR"
	ends 0 wait "$MONITOR"
	[[ $shown ]] || fail "the screen of $1 shows something else: see $1.ppm"
}

test_display display "$(card_of 1234:1111)"
test_display vga "$(card_of 1234:1111 2)"
