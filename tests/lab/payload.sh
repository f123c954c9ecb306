# shellcheck shell=bash disable=SC2154 # lab sets what is used here
# The disk with one run's files. Sourced by lab.

# make_payload IMAGE ARG...: what the host finds in /lab: the script and its arguments, files from --file, a guest to boot.
make_payload() {
	local image=$1 staging=$run/payload spec source dest
	shift
	mkdir -p "$staging/files" "$staging/guest" "$staging/bin"
	cp -r "$here/host" "$staging/host"
	cp "$guest"/* "$staging/guest/"
	install -m 755 "$script" "$staging/script"
	# Without an interpreter line the kernel would not run it.
	[[ $(head -c 2 "$script") == '#!' ]] || { echo '#!/bin/bash' && cat "$script"; } >"$staging/script"
	((!$#)) || printf '%s\0' "$@" >"$staging/arguments"
	touch "$staging/arguments"
	printf 'export LAB_VFS=%q LAB_PICTURE=%q\n' "$vfs" "$run/picture" >"$staging/config"

	for spec in "${files[@]}"; do
		source=${spec%%:*} dest=$(basename "$source")
		[[ $spec != *:* ]] || dest=${spec#*:}
		[[ -e $source ]] || die "no such file: $source"
		[[ $dest != /* ]] || die "--file $spec: the destination is relative to \$LAB_FILES"
		mkdir -p "$(dirname "$staging/files/$dest")"
		cp -rL --preserve=mode "$source" "$staging/files/$dest"
	done
	add_libraries "$staging"

	mke2fs -q -t ext4 -O ^has_journal -E root_owner=0:0,lazy_itable_init=1 -d "$staging" "$image" \
		"$(($(du -sm "$staging" | cut -f1) * 5 / 4 + 64))M" >/dev/null
	rm -rf "$staging"
}

# add_libraries STAGING: the shared libraries of the programs in it that the host's system does not have.
add_libraries() {
	local staging=$1 program library
	while read -r program; do
		[[ $(head -c 4 "$program" | tail -c 3) == ELF ]] || continue
		{ ldd "$program" 2>/dev/null || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | while read -r library; do
			host_has_library "$(basename "$library")" && continue
			mkdir -p "$staging/libs"
			cp -Ln "$library" "$staging/libs/"
		done
	done < <(find "$staging/files" -type f -perm /111)
}

host_has_library() {
	debugfs -R "stat /usr/lib/x86_64-linux-gnu/$1" "$images/root.ext4" 2>/dev/null | grep -q '^Inode:'
}
