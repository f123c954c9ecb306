# shellcheck shell=bash
# The cache that guest-images/ and tests/lab/ share. Sourced, not run.
#
# An entry is a directory named after what made it: NAME-KEY, where KEY is a digest of everything that goes in. A changed
# script or package list therefore never meets a stale entry. Entries are made aside and renamed, so one that exists is whole.

cache_root() {
	printf '%s\n' "${STRAIT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/strait}"
}

# key_of WORD... FILES: a digest of words and of the content of files. Words that name a file count by that file's content.
key_of() {
	local item
	for item in "$@"; do
		if [[ -f $item ]]; then cat "$item"; else printf '%s\n' "$item"; fi
	done | sha256sum | cut -c1-12
}

# cache_entry NAME KEY COMMAND [ARG...]: prints the entry's path. On a miss it first runs COMMAND ARG... DIRECTORY, which fills
# the directory. COMMAND is a program of its own, because bash ignores `set -e` in a function called here, and a maker that
# failed half way would pass for one that succeeded.
cache_entry() {
	local name=$1 key=$2 root entry making
	shift 2
	root=$(cache_root)
	entry=$root/$name-$key
	if [[ ! -d $entry ]]; then
		mkdir -p "$root"
		(
			# One maker at a time for each name. With the lock held, anything half made is left over from a run that was killed.
			flock 9
			[[ ! -d $entry ]] || exit 0
			rm -rf "$root/.making-$name".*
			echo "making $name (once; then it is cached)" >&2
			making=$(mktemp -d "$root/.making-$name.XXXXXX") && chmod 755 "$making" || exit
			if ! "$@" "$making" >&2; then
				echo "strait cache: could not make $name" >&2
				rm -rf "$making"
				exit 1
			fi
			mv -T "$making" "$entry" || exit
			# Superseded entries are large. One in use has been touched lately, and is left alone.
			find "$root" -maxdepth 1 -name "$name-????????????" ! -path "$entry" -mtime +3 -exec rm -rf {} +
		) 9>"$root/.lock-$name" || return
	fi
	touch "$entry"
	printf '%s\n' "$entry"
}
