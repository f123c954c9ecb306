# Kernels, initrds and sizes that cannot work: exit code 1, one line with the cause and the remedy, nothing left behind.
source "$CASE_LIB"

with_kernel() {
	refuses 1 "$1" "${@:2}" -- "$STRAIT" run --kernel "$1" --device "$LAB_VF0"
}

with_kernel missing 'No such file' 'a file that is there'
mkdir directory
with_kernel directory 'not a regular file'
: >empty
with_kernel empty 'is empty'
echo 'Linux version 6.12' >text
with_kernel text 'no Linux kernel' 'bzImage'
with_kernel "$LAB_INITRD" 'cpio archive' 'bzImage'
head -c 1000 "$LAB_KERNEL" >header
with_kernel header 'truncated'
head -c 5M "$LAB_KERNEL" >half
with_kernel half 'truncated' 'copy it again'
cp "$LAB_KERNEL" corrupt
dd if=/dev/urandom of=corrupt bs=64k seek=40 count=1 conv=notrunc status=none
with_kernel corrupt 'corrupt' 'copy the kernel again'
printf 'ARM\x64' | dd of=arm64 bs=1 seek=56 status=none && truncate -s 1M arm64
with_kernel arm64 'another machine: an ARM64 kernel' 'x86-64'
pvh_kernel kernel "$HALT"
cp kernel riscv && printf '\xf3' | dd of=riscv bs=1 seek=18 conv=notrunc status=none
with_kernel riscv 'another machine: RISC-V' 'x86-64'
cp kernel no-note && printf '\x00' | dd of=no-note bs=1 seek=176 conv=notrunc status=none
with_kernel no-note 'without a PVH entry' 'CONFIG_PVH'

with() {
	refuses 1 "${texts[@]}" -- "$STRAIT" run --kernel "$LAB_KERNEL" --device "$LAB_VF0" "$@"
}

texts=('initrd missing' 'No such file' 'a file that is there') && with --initrd missing
texts=('not a regular file') && with --initrd directory
texts=('is empty') && with --initrd empty
truncate -s 600M large
texts=('does not fit' '629145600' '--memory') && with --initrd large
texts=('memory' '--memory') && with --memory 32M
texts=('MiB available' '--memory') && with --memory 500G
texts=('command line' 'shorten') && with --cmdline "$(printf 'x%.0s' {1..3000})"
texts=('metrics' 'No such file' 'can be written') && with --metrics missing/metrics

# No test guest was made.
refuses 1 'no test guest: /nowhere/vmlinuz' 'guest-images/build' -- env STRAIT_GUEST=/nowhere "$STRAIT" test -- true
works_still
