# shellcheck shell=bash disable=SC2154 # lab sets what is used here
# The QEMU that emulates the host, and its command line. Sourced by lab.

# find_qemu: sets the array `qemu` to the command that starts one. QEMU before 8.0 has no igb, and the virtual functions of
# 10.0.0 to 10.0.3 do not work, so the system's is used from 10.0.4 on; otherwise it comes from the host's own package tree,
# through that tree's loader, which needs neither root nor chroot. Both as mended-qemu makes them; $STRAIT_QEMU as it is.
find_qemu() {
	local version tree libraries program loader=() data=()
	if [[ ${STRAIT_QEMU:-} ]]; then
		qemu=("$STRAIT_QEMU")
		"${qemu[@]}" --version >/dev/null
		return
	fi
	version=$(qemu-system-x86_64 --version 2>/dev/null | sed -n 's/.*version \([0-9.]*\).*/\1/p')
	if [[ $version && $(printf '%s\n' 10.0.4 "$version" | sort -V | head -n 1) == 10.0.4 ]]; then
		program=$(command -v qemu-system-x86_64)
	else
		tree=$("$here/../../guest-images/debian-tree" lab-host trixie apt "$here/packages/host") || return
		libraries=$tree/usr/lib/x86_64-linux-gnu
		export QEMU_MODULE_DIR=$libraries/qemu
		program=$tree/usr/bin/qemu-system-x86_64
		loader=("$libraries/ld-linux-x86-64.so.2" --library-path "$libraries:$libraries/pulseaudio")
		data=(-L "$tree/usr/share/qemu" -L "$tree/usr/share/seabios")
	fi
	program=$("$here/mended-qemu" "$program") || return
	qemu=("${loader[@]}" "$program" "${data[@]}")
	"${qemu[@]}" --version >/dev/null
}

# host_arguments: sets the array `arguments` from lab's options.
host_arguments() {
	# shellcheck disable=SC2054 # QEMU's arguments have commas
	arguments=(
		-nodefaults -no-user-config -display none -no-reboot
		-machine q35,kernel-irqchip=off -cpu EPYC-v4 -smp "$cpus" -m "$memory" -nic none
		-kernel "$images/vmlinux" -initrd "$images/initrd.img" -append "$kernel_cmdline"
		-serial "file:$run/console"
		-device isa-debug-exit,iobase=0xf4,iosize=1

		# Its disks: the shared system, which is never written to, this run's files, and what the script hands back. (Not 9p or
		# virtiofs: a monitor that writes its guest's console byte by byte is then slower than the guest.)
		-drive "if=none,id=root,format=raw,snapshot=on,cache=unsafe,file=$images/root.ext4"
		-device virtio-blk-pci,drive=root,serial=lab-root
		-drive "if=none,id=files,format=raw,cache=unsafe,file=$run/files.ext4"
		-device virtio-blk-pci,drive=files,serial=lab-files
		-drive "if=none,id=out,format=raw,cache=unsafe,file=$run/out.ext4"
		-device virtio-blk-pci,drive=out,serial=lab-out

		# The script's output and the host's own reports.
		-device virtio-serial-pci
		-chardev "file,id=output,path=$run/output" -device virtserialport,chardev=output,name=lab.output
		-chardev "file,id=status,path=$run/status" -device virtserialport,chardev=status,name=lab.status
		# QEMU's own monitor, for scripts that inject faults: both ends of the socket are in this process.
		-chardev "socket,id=monitor,path=$run/monitor,server=on,wait=off" -mon chardev=monitor,mode=readline
		-chardev "socket,id=monitor-port,path=$run/monitor" -device virtserialport,chardev=monitor-port,name=lab.monitor

		# A disk that is the last picture of a screen: the monitor's screendump writes the file behind it.
		-drive "if=none,id=picture,format=raw,readonly=on,file=$run/picture"
		-device virtio-blk-pci,drive=picture,serial=lab-picture

		# The card, behind a root port as on a real board. Its virtual functions become 0000:01:10.0 and 0000:01:10.2.
		-device pcie-root-port,id=rp1,slot=1,chassis=1
		-netdev user,id=n0,restrict=on -device igb,id=card,netdev=n0,bus=rp1,mac=52:54:00:12:34:56
	)
	if [[ $iommu ]]; then
		arguments+=(-device "intel-iommu,intremap=$intremap,caching-mode=off${aw_bits:+,aw-bits=$aw_bits}")
	fi
	# With a thread for each processor a nested guest goes wrong in some place or other once in an hour of hard work; README.md has the evidence.
	arguments+=(-accel "tcg,thread=$([[ $multi_thread ]] && echo multi || echo single)")
	local number=0 card
	for card in "${cards[@]}"; do
		add_card "$card" $((number += 1))
	done
	arguments+=("${qemu_args[@]}")
}

# card_kinds: what --card takes.
card_kinds=(e1000 e1000e virtio-net nvme nvme-sriov nvme-vectors xhci xhci-msi display vga edu ivshmem multi)

# add_card KIND NUMBER: one more device for the host, behind a root port of its own. Network cards are on a network that has nobody but
# 10.0.2.2; disks hold 64 MiB of zeroes, and an NVMe disk's serial number is its kind; a display's name in QEMU's monitor is screen-KIND, that
# of the virtio-net card, which can report errors of its own, virtio-net.
add_card() {
	local port=card-port$2 net=card-net$2 disk=card-disk$2 controller=card-controller$2
	arguments+=(-device "pcie-root-port,id=$port,slot=$((10 + $2)),chassis=$((10 + $2))")
	case $1 in
	nvme* | xhci*)
		truncate -s 64M "$run/$disk"
		arguments+=(-drive "if=none,id=$disk,format=raw,cache=unsafe,file=$run/$disk")
		;;
	# No memory is behind it but where it is written to.
	ivshmem) arguments+=(-object "memory-backend-ram,id=$disk,size=8G,share=on,reserve=off") ;;
	display | vga | edu) ;;
	*) arguments+=(-netdev "user,id=$net,restrict=on") ;;
	esac
	case $1 in
	e1000) arguments+=(-device "pcie-pci-bridge,id=$controller,bus=$port" -device "e1000,netdev=$net,bus=$controller,addr=1") ;;
	e1000e) arguments+=(-device "e1000e,netdev=$net,bus=$port") ;;
	virtio-net) arguments+=(-device "virtio-net-pci,id=$1,netdev=$net,bus=$port,disable-legacy=on,iommu_platform=on,aer=on") ;;
	nvme) arguments+=(-device "nvme,drive=$disk,serial=$1,bus=$port") ;;
	nvme-sriov)
		arguments+=(-device "nvme-subsys,id=$controller-subsystem"
			-device "nvme,id=$controller,subsys=$controller-subsystem,serial=$1,bus=$port,sriov_max_vfs=2,sriov_vq_flexible=8,sriov_vi_flexible=6"
			-device "nvme-ns,drive=$disk,bus=$controller")
		;;
	nvme-vectors) arguments+=(-device "nvme,drive=$disk,serial=$1,bus=$port,msix_qsize=2048") ;;
	xhci) arguments+=(-device "qemu-xhci,id=$controller,bus=$port" -device "usb-storage,drive=$disk,bus=$controller.0") ;;
	xhci-msi) arguments+=(-device "qemu-xhci,msi=on,msix=off,id=$controller,bus=$port" -device "usb-storage,drive=$disk,bus=$controller.0") ;;
	display) arguments+=(-device "bochs-display,id=screen-$1,bus=$port") ;;
	vga) arguments+=(-device "VGA,id=screen-$1,bus=$port") ;;
	edu) arguments+=(-device "edu,bus=$port,dma_mask=0xffffffffffffffff") ;;
	ivshmem) arguments+=(-device "ivshmem-plain,memdev=$disk,bus=$port") ;;
	multi) arguments+=(-device "e1000e,netdev=$net,bus=$port,addr=0.0,multifunction=on" -device "edu,bus=$port,addr=0.1") ;;
	esac
}
