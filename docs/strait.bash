# bash completion for strait(1): commands, options, their values, PCI addresses and network interfaces of this host.
# CMake installs it as share/bash-completion/completions/strait; without the bash-completion package: . strait.bash
# shellcheck shell=bash

# Where the host is described.
_strait_sysfs=/sys

_strait_commands='run test ctl devices doctor vf bind release from-libvirt explain help'
_strait_run_options='--kernel --initrd --cmdline --memory --hugepages --prefault --prefault-threads --cpus --pin --numa --rt --dedicated --cpu-hide-kvm --device --timeout --control --metrics --exit-port
	--on-reboot --kernel-entry --no-kernel-cache --config --verbose --help'
_strait_vf_keys='mac= vlan= vlanQoS= vlanProto= spoofchk= trust= link_state= min_tx_rate= max_tx_rate='
# The keys of --device: of every function; of one with an address, too; of one whose descriptors were handed over.
_strait_keys='addr= rombar= romfile= p2p= vf-token= mmap= irqfd= ioeventfd= route-batch= dyn-msix='
_strait_address_keys="managed= group= $_strait_keys"
_strait_descriptor_keys='container-fd= group-fd= fd='

# The words of the command line up to the cursor, in the array words, the last of them in cur: as the shell will see them, not cut at the
# colons and equals signs of addresses and keys as COMP_WORDS is.
_strait_split() {
	local line=${COMP_LINE:0:COMP_POINT} i piece
	words=()
	for ((i = 0; i <= COMP_CWORD; i++)); do
		piece=${COMP_WORDS[i]}
		if [[ ! ${words+set} || $line == [[:space:]]* ]]; then
			line=${line#"${line%%[![:space:]]*}"}
			words+=('')
		fi
		((i < COMP_CWORD)) || piece=$line
		words[-1]+=$piece
		line=${line#"$piece"}
	done
	cur=${words[-1]}
}

# _strait_offer CANDIDATE...: whole words, of which those that go on from what is there are taken. Readline replaces only what is behind the
# last place where it cuts. A candidate that ends like a key or a list wants more behind it.
_strait_offer() {
	local head=${cur%"${cur##*["$COMP_WORDBREAKS"]}"} one
	for one; do
		[[ $one == "$cur"* ]] || continue
		COMPREPLY+=("${one#"$head"}")
		[[ $one != *[=:] ]] || compopt -o nospace
	done
}

# Files are left to readline, which knows about quotation marks.
_strait_offer_files() {
	compopt -o default
}

# What follows adds to the array found.

# _strait_addresses BEGINNING: PCI functions but for bridges, in full or, where that is how the word begins, in short.
_strait_addresses() {
	local path bdf full=() short=()
	for path in "$_strait_sysfs"/bus/pci/devices/*; do
		[[ -e $path/class && $(<"$path/class") != 0x06* ]] || continue
		bdf=${path##*/}
		[[ $bdf != "$1"* ]] || full+=("$bdf")
		[[ $bdf != "0000:$1"* ]] || short+=("${bdf#0000:}")
	done
	if ((${#full[@]})); then found+=("${full[@]}"); else found+=("${short[@]}"); fi
}

# _strait_interfaces [sriov_totalvfs]: network interfaces of PCI functions, or of those that can have virtual functions.
_strait_interfaces() {
	local path
	for path in "$_strait_sysfs"/class/net/*; do
		[[ ! -e $path/device/$1 ]] || found+=("${path##*/}")
	done
}

# _strait_vf_numbers PF: of the virtual functions that the interface PF has.
_strait_vf_numbers() {
	local path
	for path in "$_strait_sysfs/class/net/$1"/device/virtfn*; do
		[[ ! -e $path ]] || found+=("${path##*/virtfn}")
	done
}

# _strait_offer_key HEAD KEYS: a key behind HEAD that is not there yet, or the value of the one that is.
_strait_offer_key() {
	local key known=()
	case ${cur##*,} in
	romfile=*) _strait_offer_files ;;
	link_state=*) _strait_offer "$1"link_state={auto,enable,disable} ;;
	vlanProto=*) _strait_offer "$1"vlanProto=802.1{q,ad} ;;
	managed=* | group=* | rombar=* | p2p=* | mmap=* | irqfd=* | ioeventfd=* | route-batch=* | dyn-msix=* | spoofchk=* | trust=*)
		key=${cur##*,}
		_strait_offer "$1${key%%=*}="{on,off}
		;;
	*=*) ;;
	*)
		for key in $2; do
			[[ ,$1 == *",$key"* ]] || known+=("$1$key")
		done
		_strait_offer "${known[@]}"
		;;
	esac
}

# _strait_offer_device HEAD: the value of --device, behind HEAD in the same word: ADDRESS[,KEY=VALUE...] or vf=PF:NUMBER[,KEY=VALUE...].
_strait_offer_device() {
	local head=$1 spec=${cur#"$1"} found=()
	case $spec in
	vf=*,*) _strait_offer_key "${cur%,*}," "$_strait_vf_keys container-fd= $_strait_keys" ;;
	*,managed=on,*) _strait_offer_key "${cur%,*}," "$_strait_vf_keys container-fd= $_strait_address_keys" ;;
	*,*) _strait_offer_key "${cur%,*}," "$_strait_address_keys $_strait_descriptor_keys" ;;
	vf=*:*)
		head+=${spec%%:*}:
		found=(any)
		spec=${spec%%:*}
		_strait_vf_numbers "${spec#vf=}"
		_strait_offer "${found[@]/#/"$head"}"
		;;
	vf=*)
		_strait_interfaces sriov_totalvfs
		found=("${found[@]/#/"${head}vf="}")
		_strait_offer "${found[@]/%/:}"
		;;
	*)
		found=(vf=)
		_strait_addresses "$spec"
		_strait_interfaces
		_strait_offer "${found[@]/#/"$head"}"
		;;
	esac
}

# _strait_offer_value OPTION HEAD: what OPTION takes, behind HEAD in the same word. Fails where it takes nothing.
_strait_offer_value() {
	case $1 in
	--kernel | --initrd | --metrics | --control | --config | --output | -o) _strait_offer_files ;;
	--device) _strait_offer_device "$2" ;;
	--memory) _strait_offer "$2"{512M,1G,2G,4G,8G} ;;
	--hugepages) _strait_offer "$2"{2M,1G,thp,off} ;;
	--prefault) _strait_offer "$2"{on,off} ;;
	--numa) _strait_offer "$2"{auto,off,0,1} ;;
	--cpus) _strait_offer "$2"{1,2,4,8} ;;
	--kernel-entry) _strait_offer "$2"{auto,bzimage,elf} ;;
	--on-reboot) _strait_offer "$2"{reset,exit} ;;
	--cmdline | --timeout | --exit-port | --prefault-threads | --pin | --rt) ;;
	*) return 1 ;;
	esac
}

# The argument at cur, or an option. words are the command, its arguments so far, and cur.
_strait_offer_argument() {
	local options=--help found=() at=$((${#words[@]} - 1))
	case ${words[0]} in
	run | test) options=$_strait_run_options ;;
	devices)
		options='--all --json --help'
		_strait_addresses "$cur"
		_strait_interfaces
		;;
	doctor)
		options='--memory --json --print-config --help'
		_strait_addresses "$cur"
		_strait_interfaces
		;;
	bind)
		options='--force --help'
		_strait_addresses "$cur"
		_strait_interfaces
		;;
	release)
		options='--stale --all --help'
		_strait_addresses "$cur"
		;;
	explain)
		options='--json --help'
		if ((at == 1)); then _strait_offer_files; else _strait_addresses "$cur"; fi
		;;
	from-libvirt)
		options='--output --help'
		_strait_offer_files
		;;
	ctl)
		options='--no-wait --help'
		case $at,${words[2]} in
		1,*) _strait_offer_files ;;
		2,*) found=(ping info add-device remove-device power-button) ;;
		3,add-device)
			# One that is on vfio-pci already.
			if [[ $cur == *,* ]]; then
				_strait_offer_key "${cur%,*}," "group= $_strait_keys"
			else
				_strait_addresses "$cur"
			fi
			;;
		3,remove-device) _strait_addresses "$cur" ;;
		esac
		;;
	vf)
		options='--probe --json --help'
		case $at,${words[1]} in
		1,*) found=(create list set remove) ;;
		2,*) _strait_interfaces sriov_totalvfs ;;
		3,set) _strait_vf_numbers "${words[2]}" ;;
		*,set) _strait_offer_key '' "$_strait_vf_keys" ;;
		esac
		;;
	esac
	# shellcheck disable=SC2086 # the options are words
	if [[ $cur == -* ]]; then _strait_offer $options; else _strait_offer "${found[@]}"; fi
}

_strait() {
	local words cur word arguments=()
	COMPREPLY=()
	_strait_split
	if ((${#words[@]} == 2)); then
		# shellcheck disable=SC2086 # the commands are words
		_strait_offer $_strait_commands --help --version
		return
	fi
	local before=("${words[@]:2:${#words[@]}-3}")
	# What is behind -- belongs to the guest.
	[[ " ${before[*]} " != *' -- '* ]] || return
	if [[ $cur == --*=* ]]; then
		_strait_offer_value "${cur%%=*}" "${cur%%=*}="
	elif ! _strait_offer_value "${words[-2]}" ''; then
		for word in "${before[@]}"; do
			[[ $word == -* ]] || arguments+=("$word")
		done
		words=("${words[1]}" "${arguments[@]}" "$cur")
		_strait_offer_argument
	fi
}

complete -F _strait strait
