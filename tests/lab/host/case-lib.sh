# shellcheck shell=bash source-path=SCRIPTDIR source=lib.sh
# What lab cases share: `source "$CASE_LIB"` brings this and lib.sh.
source "$LAB_LIB"

# A guest boots in five seconds on an idle machine. Cases wait this long, for busy ones.
# shellcheck disable=SC2034 # for cases
GUEST_SECONDS=90

# ends STATUS COMMAND [ARG...]: fails unless the command ends with that exit status.
ends() {
	local expected=$1 status=0
	shift
	"$@" </dev/null || status=$?
	((status == expected)) || fail "exit status $status, not $expected: $*"
}

# refuses STATUS TEXT... -- COMMAND [ARG...]: the command is strait with something wrong. Fails unless it ends with that exit status,
# says nothing on standard output, and on standard error one line that holds each TEXT. Sets REFUSAL to the line.
refuses() {
	local expected=$1 texts=() text status=0
	shift
	while [[ $1 != -- ]]; do
		texts+=("$1")
		shift
	done
	shift
	timeout 60 "$@" </dev/null >refusal.out 2>refusal.err || status=$?
	REFUSAL=$(<refusal.err)
	echo "$REFUSAL"
	((status == expected)) || fail "exit status $status, not $expected: $*"
	(($(wc -l <refusal.err) == 1)) || fail "not one line: $*"
	[[ ! -s refusal.out ]] || fail "something on standard output: $(head -c 200 refusal.out)"
	for text in "${texts[@]}"; do
		[[ $REFUSAL == *"$text"* ]] || fail "the message does not say: $text"
	done
}

# metric FILE NAME: a value of a --metrics file; NAME is such as guest.protocol or devices.0.bar_traps. Fails where there is none.
metric() {
	awk -v wanted="$2" '
		/^ *[]}]/ { next }
		{
			depth = match($0, /[^ ]/)
			value = $0
			if (match($0, /"[^"]*": /)) {
				name = substr($0, RSTART + 1, RLENGTH - 4)
				value = substr($0, RSTART + RLENGTH)
			} else {
				name = elements[depth]++
			}
			path[depth] = depth > 3 ? path[depth - 2] "." name : name
			elements[depth + 2] = 0
			if (path[depth] == wanted) {
				gsub(/^"|"?,?$/, "", value)
				print value
				found = 1
			}
		}
		END { exit !found }
	' "$1"
}

# pvh_kernel FILE BYTE...: makes a kernel of 32-bit machine code, given as hexadecimal bytes: an ELF file that is loaded at 1 MiB,
# with a PVH note. Such a guest starts in a fraction of a second.
pvh_kernel() {
	local file=$1
	shift
	# ELF header: 64 bits, x86-64, two program headers. Then one to load the code, one for the note, and the note: Xen, 18, the entry.
	write_bytes >"$file" \
		7f 45 4c 46 02 01 01 00 00 00 00 00 00 00 00 00 02 00 3e 00 01 00 00 00 00 00 10 00 00 00 00 00 \
		40 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 40 00 38 00 02 00 00 00 00 00 00 00 \
		01 00 00 00 07 00 00 00 00 01 00 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 10 00 00 00 00 00 \
		00 01 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 10 00 00 00 00 00 00 \
		04 00 00 00 04 00 00 00 b0 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 \
		14 00 00 00 00 00 00 00 14 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 \
		04 00 00 00 04 00 00 00 12 00 00 00 58 65 6e 00 00 00 10 00
	truncate -s 256 "$file"
	# The code has 256 bytes of room.
	# shellcheck disable=SC2068 # bytes are words
	write_bytes $@ >>"$file"
	truncate -s 512 "$file"
}

write_bytes() {
	printf '%b' "$(printf '\\x%s' "$@")"
}

# Code for pvh_kernel. The pieces follow one another.
# shellcheck disable=SC2034 # for cases
HALT='f4 eb fd' CRASH='0f 0b'  # hlt, and again; ud2 where there is no interrupt table

# verdict N: writes it to port 0xf4.
verdict() {
	printf 'b0 %02x e6 f4' "$1"
}

# say TEXT: writes it to the serial port.
say() {
	printf 'ba f8 03 00 00'
	printf '%s\n' "$1" | od -An -v -tx1 -w1 | sed 's/.*/ b0 & ee/' | tr '\n' ' '
}

# works_still: the first function can still be assigned.
works_still() {
	pvh_kernel works.elf "$(verdict 0)" "$HALT"
	ends 64 "$STRAIT" run --kernel works.elf --memory 32M --device "$LAB_VF0" --exit-port 0xf4 --timeout 30
}
