# The ways in which Linux ends are told apart: power-off is 0, and so is a reboot that ends the run; a triple fault is 3, a panic is 5.
source "$CASE_LIB"

# ends_with STATUS REASON HOW [CMDLINE]: HOW is the guest's last command.
ends_with() {
	echo "$3" >commands
	guest_initrd "$LAB_INITRD" commands guest.img
	ends "$1" "$STRAIT" run --kernel "$LAB_KERNEL" --initrd guest.img --on-reboot exit --timeout "$GUEST_SECONDS" --metrics metrics \
		--cmdline "$GUEST_KERNEL ${4:-}"
	[[ $(metric metrics reason) == *"$2"* ]] || fail "$3 ${4:-}: $(metric metrics reason)"
	echo "'$3' ${4:-}: $1, $(metric metrics reason)"
}

ends_with 0 'powered off' 'poweroff -f'
ends_with 0 'reboot (ACPI)' 'reboot -f'
ends_with 0 'reboot (port 0x64)' 'reboot -f' reboot=k
ends_with 3 'triple fault' 'reboot -f' reboot=t
ends_with 5 'panicked' 'echo c >/proc/sysrq-trigger'
