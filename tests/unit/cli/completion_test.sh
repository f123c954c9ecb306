# Completes the line $3 with the completion $1 on a host whose sysfs is $2, and prints what there is to choose, one a line: "(files)" for
# readline's own completion of files, and a candidate that wants more behind it with "..." at its end.
# shellcheck shell=bash source=../../../docs/strait.bash
source "$1"
_strait_sysfs=$2

told_readline=()
compopt() {
	told_readline+=("$2")
}

# As readline does it: words end at blanks, and at its other characters, which are words of their own.
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
COMP_LINE=$3 COMP_POINT=${#3} COMP_WORDS=() word=
for ((i = 0; i < ${#COMP_LINE}; i++)); do
	char=${COMP_LINE:i:1}
	if [[ $char == ["$COMP_WORDBREAKS"] ]]; then
		[[ ! $word ]] || COMP_WORDS+=("$word")
		[[ $char == ' ' ]] || COMP_WORDS+=("$char")
		word=
	else
		word+=$char
	fi
done
COMP_WORDS+=("$word")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))

_strait
for reply in "${COMPREPLY[@]}"; do
	if [[ " ${told_readline[*]} " == *' nospace '* ]]; then echo "$reply..."; else echo "$reply"; fi
done
[[ " ${told_readline[*]} " != *' default '* ]] || echo '(files)'
