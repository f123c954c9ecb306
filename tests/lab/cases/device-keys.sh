# The keys of --device: the guest's slot, the expansion ROM (the device's own, another, none), and BARs that are trapped.
source "$CASE_LIB"
card=$(card_of 8086:10d3)
own=/sys/bus/pci/devices/$card/rom
[[ -e $own ]] || fail "$card has no expansion ROM"
echo 1 >"$own"
cat "$own" >rom
echo 0 >"$own"
lend "$card"

# guest KEYS COMMAND: runs COMMAND in a guest with the card and these keys.
guest() {
	test_card "$card,$1" strait.ip=10.0.2.15/24 "$2"
}

read_rom='cd /sys/bus/pci/devices/0000:00:05.0 && echo 1 >rom && sha256sum rom && head -c 2 rom | od -An -tx1'
guest addr=5 "$read_rom; KIND=MSIX; $PING_TEST"
grep -q "$(sha256sum <rom | cut -d' ' -f1)" console || fail 'the ROM is another than on the host'
[[ $(metric metrics devices.0.bar_traps) == 0 ]] || fail 'BARs were trapped'

printf 'another' | dd of=rom bs=1 seek=1000 conv=notrunc status=none
guest "addr=5,romfile=$PWD/rom" "$read_rom"
grep -q "$(sha256sum <rom | cut -d' ' -f1)" console || fail 'the ROM is not what the file says'
refuses 1 'romfile missing' 'No such file' -- "$STRAIT" run --kernel "$LAB_KERNEL" --device "$card,romfile=missing"

guest addr=5,rombar=off '[ ! -e /sys/bus/pci/devices/0000:00:05.0/rom ]'

guest mmap=off "KIND=MSIX; $PING_TEST"
traps=$(metric metrics devices.0.bar_traps)
echo "$traps accesses were trapped"
((traps > 1000)) || fail 'BARs were not trapped'
