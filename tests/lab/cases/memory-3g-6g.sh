# Guests with memory up to the hole below 4 GiB, and with memory above it: one mapping for DMA each, and the card reaches both.
source "$CASE_LIB"

# boot GIB MAPPINGS: the highest zone of memory that Linux has is where it takes the card's buffers from.
boot() {
	local status=0
	GUEST_MEMORY=$1G strait_on_vf test --timeout "$GUEST_SECONDS" --metrics metrics -- '
		set -e
		grep MemTotal /proc/meminfo
		grep "System RAM" /proc/iomem
		awk "/^Node/ { zone = \$4 } /nr_free_pages/ { free[zone] = \$2 } /managed/ { managed[zone] = \$2 }
			END { for (zone in managed) if (managed[zone]) print zone \": \" managed[zone] \" pages, \" managed[zone] - free[zone] \" in use\" }" /proc/zoneinfo
		ping -q -A -c 50 -s 1400 10.9.0.1
		[ "$(awk "/MemTotal/ { print int(\$2 / 1024) }" /proc/meminfo)" -ge $(('"$1"' * 1024 * 95 / 100)) ]
	' >console || status=$?
	cat console
	((status == 0)) || fail "$1 GiB: status $status"
	[[ $(metric metrics dma.map_calls) == "$2" ]] || fail "$1 GiB: $(metric metrics dma.map_calls) DMA mappings, not $2"
	[[ $(metric metrics dma.bytes) == $(($1 << 30)) ]] || fail "$1 GiB: $(metric metrics dma.bytes) bytes mapped for DMA"
}

boot 3 1
! grep -q '^100000000-' console || fail 'a guest of 3 GiB has memory above 4 GiB'
boot 6 2
grep -q '^100000000-1bfffffff : System RAM' console || fail 'a guest of 6 GiB does not have 3 of them above 4 GiB'
grep -q '^Normal: .* [1-9][0-9]* in use' console || fail 'the guest does not use its memory above 4 GiB'
