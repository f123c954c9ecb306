# BARs by the guest's own accesses, with nobody's driver in between: one of 8 GiB, one smaller than a page, and one of I/O ports are where
# the guest puts them, at any time, and nowhere else; what is not decoded reads all ones; what the guest reads and writes is the device's.
source "$CASE_LIB"
memory=$(card_of 1af4:1110) card=$(card_of 8086:10d3)

# The first, the middle and the last eight bytes of the large BAR, 2.
places='0 0x100000000 0x1fffffff8'
# on_host [VALUE...]: what the host itself reads there, or writes.
on_host() {
	local device=/sys/bus/pci/devices/$memory start place
	bind_to "$memory" ''
	start=$(sed -n '3s/ .*//p' "$device/resource")
	echo 1 >"$device/enable"
	for place in $places; do
		busybox devmem $((start + place)) 64 "${@:1:1}"
		shift $(($# > 0))
	done | paste -sd' '
	echo 0 >"$device/enable"
}

# What both guests' commands begin with.
cat >tools <<'TEXT'
# put DEVICE OFFSET SIZE VALUE: one write to its configuration space, past the guest's kernel.
put() {
	bytes='' value=$4
	for i in $(seq $3); do
		bytes="$bytes\\$(printf %03o $((value & 255)))"
		value=$((value >> 8))
	done
	printf "$bytes" | dd of=/sys/bus/pci/devices/$1/config bs=$3 seek=$(($2 / $3)) conv=notrunc 2>/dev/null
}
# get DEVICE OFFSET: four bytes of it.
get() { printf '%#x\n' $(($(od -An -tu4 -j $(($2)) -N 4 /sys/bus/pci/devices/$1/config))); }
bar() { sed -n "$(($2 + 1))s/ .*//p" /sys/bus/pci/devices/$1/resource; }
TEXT

{ cat tools && echo "places='$places'" && cat; } >commands <<'TEXT'
device=0000:00:01.0 small=$(bar 0000:00:01.0 0) large=$(bar 0000:00:01.0 2)
say() { # LABEL ADDRESS
	values=
	for place in $places; do values="$values $(devmem $(($2 + place)) 64)"; done
	echo "$1$values"
}
put $device 4 2 2
say found $large
n=0x1122334455667700
for place in $places; do devmem $((large + place)) 64 $((n += 1)); done
say written $large

for size in 1 2 4; do
	put $device 4 $size 0
	say off-$size $large
	put $device 4 $size 2
	say on-$size $large
done

# BAR 2 is two registers of 32 bits, of which the lower stays 0. Memory Enable is set.
put $device 0x1c 4 6
say moved $((6 << 32))
say left $large
devmem $((6 << 32)) 64 0x1122334455667704
# By all ones and back, the guest learns its size.
put $device 0x18 4 0xffffffff
put $device 0x1c 4 0xffffffff
echo "size $(get $device 0x18) $(get $device 0x1c)"
say away $((6 << 32))
put $device 0x18 4 0
put $device 0x1c 4 6
say sized $((6 << 32))
# A move while nothing is decoded counts from when it is again.
put $device 4 2 0
put $device 0x1c 4 $((large >> 32))
say nowhere $large
put $device 4 2 2
say back $large
say gone $((6 << 32))

# BAR 0 has 256 bytes, which to the guest are a page; its first register keeps what is written to it.
devmem $small 32 0x5a5a5a5a
echo "small $(devmem $small 32)"
put $device 0x10 4 0xc8001300
echo "small-moved $(get $device 0x10) $(devmem 0xc8001000 32) $(devmem $small 32)"
devmem 0xc8001000 32 0xa5a5a5a5
put $device 0x10 4 $small
echo "small-back $(devmem $small 32) $(devmem 0xc8001000 32)"
TEXT
guest_initrd "$LAB_INITRD" commands memory.img

# The card has its registers in BAR 0, and in BAR 2 a port that says which register and one that is its value. 0x5200 is the first of the
# table of multicast addresses, which keeps anything; 0x5400 the first bytes of the card's own address. Power state is at 0xcc.
{ cat tools && cat; } >commands <<'TEXT'
device=0000:00:01.0 registers=$(bar 0000:00:01.0 0) ports=$(bar 0000:00:01.0 2)
through() { # BASE [VALUE]: register 0x5200 by the ports
	/strait/port $1=0x5200 $(($1 + 4))${2:+=$2}
}
say() { # LABEL BASE: by memory, by the ports
	echo "$1 $(devmem $((registers + 0x5200)) 32) $(through $2) $(devmem $((registers + 0x5400)) 32)"
}
put $device 4 2 3
devmem $((registers + 0x5200)) 32 0x11223344
say memory $ports
through $ports 0x55667788
say ports $ports
put $device 4 2 2
say ports-off $ports
put $device 4 2 3
say ports-on $ports
put $device 0x18 4 0x8001
say ports-moved 0x8000
say ports-left $ports
put $device 0x18 4 $ports

for size in 1 2 4; do
	put $device 0xcc $size 3
	echo "asleep-$size $(get $device 0xcc) $(devmem $((registers + 0x5400)) 32) $(through $ports)"
	put $device 0xcc $size 0
	echo "awake-$size $(get $device 0xcc) $(devmem $((registers + 0x5400)) 32)"
done
devmem $((registers + 0x5200)) 32 0x99aabbcc
say again $ports
TEXT
guest_initrd "$LAB_INITRD" commands card.img "$LAB_FILES/port"

# guest IMAGE DEVICE: its console, and then what the guest said, in the file `console`.
guest() {
	"$STRAIT" run --kernel "$LAB_KERNEL" --initrd "$1" --device "$2" --timeout "$GUEST_SECONDS" --metrics metrics --verbose \
		--cmdline "$GUEST_KERNEL module_blacklist=e1000e" >console 2>log || fail "status $?: $(<console)"
	cat console log
	sed -i 's/\r$//' console
	! grep withdrew log || fail 'a mapping was still there when the host took its own away'
}

# says LABEL VALUE...
says() {
	grep -qx "$*" console || fail "the guest did not say: $*"
}

accesses() { metric metrics "userspace_exits.by_device.$1" || echo 0; }

# test_memory KEYS: with a large BAR that the guest finds as the host left it, and the host as the guest did.
test_memory() {
	local host='0xABCDEF0000000001 0xABCDEF0000000002 0xABCDEF0000000003' nothing='0xFFFFFFFFFFFFFFFF 0xFFFFFFFFFFFFFFFF 0xFFFFFFFFFFFFFFFF'
	local guests='0x1122334455667701 0x1122334455667702 0x1122334455667703' last='0x1122334455667704 0x1122334455667702 0x1122334455667703'
	# shellcheck disable=SC2086 # three values
	on_host $host >/dev/null
	[[ $(on_host) == "$host" ]] || fail 'the host cannot reach the card'
	lend "$memory"
	guest memory.img "$memory$1"
	says found "$host"
	says written "$guests"
	for size in 1 2 4; do
		says "off-$size" "$nothing"
		says "on-$size" "$guests"
	done
	says moved "$guests"
	says left "$nothing"
	says size 0xc 0xfffffffe
	says away "$nothing"
	says sized "$last"
	says nowhere "$nothing"
	says back "$last"
	says gone "$nothing"
	[[ $(on_host) == "$last" ]] || fail "the host found something else than the guest left: $(on_host)"

	says small 0x5A5A5A5A
	says small-moved 0xc8001000 0x5A5A5A5A 0xFFFFFFFF
	says small-back 0xA5A5A5A5 0xFFFFFFFF
}

test_memory ''
(($(accesses "$memory BAR 2") == 0)) || fail 'accesses to the large BAR were trapped'
(($(accesses "$memory BAR 0") == 0)) || fail 'accesses to the small BAR were trapped'
test_memory ,mmap=off
echo "$(accesses "$memory BAR 2") accesses to the large BAR were trapped"
(($(accesses "$memory BAR 2") == 28)) || fail 'not every access to the large BAR was trapped'

lend "$card"
guest card.img "$card"
address=$(sed -n 's/^memory .* //p' console)
[[ $address == 0x????5452 ]] || fail "the card's address is not 52:54:..."
says memory 0x11223344 0x11223344 "$address"
says ports 0x55667788 0x55667788 "$address"
says ports-off 0x55667788 0xFFFFFFFF "$address"
says ports-on 0x55667788 0x55667788 "$address"
says ports-moved 0x55667788 0x55667788 "$address"
says ports-left 0x55667788 0xFFFFFFFF "$address"
for size in 1 2 4; do
	says "asleep-$size" 0x3 0xFFFFFFFF 0xFFFFFFFF
	says "awake-$size" 0 "$address"
done
says again 0x99AABBCC 0x99AABBCC "$address"
# None came while they were not decoded. (The card alone would have answered with all ones, too.)
echo "$(accesses "$card BAR 2") accesses to its ports"
(($(accesses "$card BAR 2") == 12)) || fail 'its ports were there while I/O was off, or in D3, or not where they should be'
