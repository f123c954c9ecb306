# A guest's own verdict is strait's exit code: 64 and the verdict for run, the command's success or failure for test. The first
# guests are no Linux: a few instructions that check what PVH promises, say so and give a verdict.
source "$CASE_LIB"

# cmp dword [ebx], the magic number of hvm_start_info; jne past the end of the code
start_info_in_ebx='81 3b 78 c5 6e 33 0f 85 00 10 00 00'
for verdict in 0 7 31 200; do
	pvh_kernel kernel "$start_info_in_ebx" "$(say hello)" "$(verdict "$verdict")" "$HALT"
	ends $((verdict > 31 ? 95 : 64 + verdict)) "$STRAIT" run --kernel kernel --memory 32M --exit-port 0xf4 --timeout 30 >console
	grep -q hello console || fail 'the guest was not heard'
done
# Without --exit-port the port is nothing, and the guest goes on.
ends 4 "$STRAIT" run --kernel kernel --memory 32M --timeout 1

verdict_of() {
	"$STRAIT" test --kernel "$LAB_KERNEL" --initrd "$LAB_INITRD" --timeout "$GUEST_SECONDS" -- "$@"
}
ends 0 verdict_of 'seq 1 500; echo the last word' >console
grep -q 'the last word' console || fail 'the verdict cut off what the guest said before'
ends 65 verdict_of false
ends 95 verdict_of 'exit 40'
