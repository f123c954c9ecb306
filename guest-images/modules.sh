# shellcheck shell=bash
# Takes modules out of a Debian kernel's tree. Sourced, not run.

# kernel_version TREE: the version of the one kernel in it.
kernel_version() {
	basename "$(dirname "$(echo "$1"/lib/modules/*/kernel)")"
}

# copy_modules TREE ROOT MODULE...: copies the modules and what they depend on to ROOT/lib/modules, unpacked (unpacking here costs
# nothing; in an emulated machine it does), and writes the order in which they can be loaded, one path a line, to ROOT/modules.order.
copy_modules() {
	local tree=$1 root=$2 version module file path
	shift 2
	version=$(kernel_version "$tree")
	mkdir -p "$root/lib/modules/$version"
	for module in "$@"; do
		modprobe -d "$tree" -S "$version" --show-depends "$module"
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while read -r file; do
		path=lib/modules/$version/${file#"$tree/lib/modules/$version/"}
		mkdir -p "$root/${path%/*}"
		case $file in
		*.xz) xz -dc "$file" >"$root/${path%.xz}" ;;
		*.zst) zstd -qdc "$file" >"$root/${path%.zst}" ;;
		*) cp "$file" "$root/$path" ;;
		esac
		path=${path%.xz}
		echo "/${path%.zst}"
	done >"$root/modules.order"
}

# index_modules ROOT: writes what modprobe needs to find them.
index_modules() {
	local version
	version=$(basename "$1"/lib/modules/*)
	touch "$1/lib/modules/$version"/modules.{order,builtin,builtin.modinfo} # depmod warns without
	depmod -b "$1" "$version"
}
