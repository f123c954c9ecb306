# shellcheck shell=bash
# shellcheck disable=SC2154 # $logs, $passed and $failed are of sections.sh
# ./check --full: everything at length, in parts that are remembered. Sourced by ../../check after sections.sh.

# Rounds of the tests that repeat something against another thread; a tenth of the random operations on whole functions; seconds of
# fuzzing for each of a harness's parts, and for each bug that is planted.
kvm_rounds=10000 random_rounds=100000
fuzz_seconds=300 fuzz_parts=2 planted_seconds=120
# What the cases of one part may take by their own limits; a longer case is a part of its own. Those of the table of devices run twice, but
# none takes half of what it may.
lab_seconds=500 devices_seconds=750

# key_of PART: of the files that the part depends on, as git has them and with these changes. A part that passed on the same files need not run
# again, whatever became of the others since.
declare -A keys=()
key_of() {
	local kind inputs=()
	case $1 in
	fuzz-build | coverage | planted-bugs)
		kind=fuzz
		inputs=(base boot cli devices host kvm vfio vmm tests/fuzz tests/fakes tests/models tests/domains CMakeLists.txt CMakePresets.json cmake)
		;;
	fuzz-*) kind=${1%-*} && mapfile -t inputs < <(inputs_of_fuzzer "${kind#fuzz-}") ;;
	lab-*) kind=lab && inputs=(. ':!docs' ':!*.md' ':!tests/bench' ':!quickstart' ':!.ci' ':!tests/fuzz' ':!tests/unit' ':!tests/check') ;;
	*) kind=rest && inputs=(. ':!docs/*.md' ':!ARCHITECTURE.md' ':!tests/bench' ':!quickstart' ':!.ci' ':!tests/lab' ':!tests/check') ;;
	esac
	[[ ${keys[$kind]:-} ]] || keys[$kind]=$({ git ls-files --stage -- "${inputs[@]}" && git diff -- "${inputs[@]}"; } | sha1sum | cut -c1-12)
	key=${keys[$kind]}
}

# inputs_of_fuzzer NAME: what it is built from, as build/fuzz says, and its corpora.
inputs_of_fuzzer() {
	local program corpus
	read -r _ program _ corpus < <(grep "^$1 " build/fuzz/fuzzers)
	printf '%s\n' CMakePresets.json cmake
	# shellcheck disable=SC2086 # the corpora are words
	{
		# Paths are from the build's own directory where a compiler's cache makes them so.
		objects_of "$program" | xargs ninja -C build/fuzz -t deps | sed -n 's/^ \+//p' | (cd build/fuzz && xargs realpath -ms)
		printf '%s\n' $corpus
	} | sed -n "s|^$PWD/||p" | sort -u
}

# objects_of PROGRAM: its own, and those of the floors' libraries that its linker took, by its map: libstrait_base.a(error.cc.o).
objects_of() {
	ninja -C build/fuzz -t inputs "${1#"$PWD/build/fuzz/"}" | grep '\.o$' | awk -v map="$1.map" '
		BEGIN { while ((getline line <map) > 0) if (match(line, /libstrait_[a-z_]+\.a\([^)]+\)/)) taken[substr(line, RSTART + 3, RLENGTH - 4)] = 1 }
		match($0, /\/strait_[a-z_]+\.dir\//) {
			library = substr($0, RSTART + 1, RLENGTH - 6)
			name = $0
			sub(/.*\//, "", name)
			if (!((library ".a(" name) in taken)) next
		}
		{ print }'
}

# selected NAME: whether that part is asked for; all are where nothing is.
selected() {
	local pattern
	((${#patterns[@]})) || return 0
	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2053 # a pattern
		[[ $1 != $pattern ]] || return 0
	done
	return 1
}

# part NAME COMMAND...: unless it passed before, runs it if it is asked for, and records how it ended: on which files, passed, failed, seconds,
# when. Every part is named in `parts`.
part() {
	local name=$1 start=$SECONDS before=("$passed" "$failed") good bad key recorded
	shift
	parts+=("$name")
	key_of "$name"
	if [[ -f $state/$name && ($name != *-build || -d build/${name%-build}) ]] && read -r recorded good bad _ <"$state/$name" &&
		[[ $recorded == "$key" ]] && ((good && !bad)); then
		count "$good" "$bad"
		return
	fi
	selected "$name" || return 0
	say "part $name"
	"$@" || true
	good=$((passed - before[0])) bad=$((failed - before[1]))
	((good + bad)) || { count 0 1 && bad=1; }
	echo "$key $good $bad $((SECONDS - start)) $(date --utc +%FT%TZ)" >"$state/$name"
}

built() {
	build "$1" && count 1 0
}

# fuzz NAME PROGRAM CORPUS...: libFuzzer on a copy of the corpus that grows from part to part.
fuzz() {
	local name=$1 program=$2
	shift 2
	mkdir -p "$state/corpus/$name" "$state/findings"
	if step "fuzzing $name for $fuzz_seconds s" "$program" -max_total_time="$fuzz_seconds" -print_final_stats=1 -timeout=20 \
		-rss_limit_mb=4096 -artifact_prefix="$state/findings/$name-" "$state/corpus/$name" "$@"; then
		say "$name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$logs/step") inputs"
		count 1 0
	else
		say "$name: what it found is in $state/findings"
		count 0 1
	fi
}

fuzz_all() {
	local name program corpus number
	part fuzz-build built fuzz
	[[ -f build/fuzz/fuzzers ]] || { parts+=('fuzz-*') && return; }
	while read -r name program _ corpus; do
		for ((number = 1; number <= fuzz_parts; number++)); do
			# shellcheck disable=SC2086 # the corpora are words
			part "fuzz-$name-$number" fuzz "$name" "$program" $corpus
		done
	done <build/fuzz/fuzzers
}

# lab_batches NAME SECONDS COMMAND...: the parts NAME-1 and so on: COMMAND with some of the cases that standard input lists as tests/lab/run
# --list does, of one configuration and SECONDS altogether by their limits.
lab_batches() {
	local prefix=$1 limit=$2 batch=() budget=0 last='' number=0 name config seconds
	shift 2
	while read -r name config seconds _ <&3; do
		if ((${#batch[@]})) && { [[ $config != "$last" ]] || ((budget + seconds > limit)); }; then
			part "$prefix-$((number += 1))" "$@" "${batch[@]}"
			batch=() budget=0
		fi
		batch+=("$name") budget=$((budget + seconds)) last=$config
	done 3<&0 </dev/null
	((!${#batch[@]})) || part "$prefix-$((number + 1))" "$@" "${batch[@]}"
}

# lab_all BUILD: the lab's cases.
lab_all() {
	lab_batches "lab-$1" "$lab_seconds" run_lab_cases "build/$1/strait" < <(tests/lab/run --list)
}

# lab_devices: the cases of cards, which run with QEMU, too. The record has each part's table.
lab_devices() {
	lab_batches lab-devices "$devices_seconds" compare_monitors < <(tests/lab/run --list | grep ^card-)
}

compare_monitors() {
	# shellcheck disable=SC2154,SC2034 # $name is of part; run_lab_cases knows them
	local lab_options=(--devices "$state/$name.md")
	run_lab_cases build/release/strait "$@"
}

# random_operations: a million on whole functions, and those on MSI-X alone, with AddressSanitizer and UndefinedBehaviorSanitizer.
random_operations() {
	local program
	for program in vfio/unit_vfio devices/unit_devices; do
		if step "random operations: $program" env STRAIT_TEST_ROUNDS="$random_rounds" UBSAN_OPTIONS=halt_on_error=1 \
			"build/asan/tests/unit/$program" --gtest_filter='*Random*'; then
			say "$(grep operations, "$logs/step" || echo "$program passed")"
			count 1 0
		else
			count 0 1
		fi
	done
}

# planted_bugs: each fuzzer finds those that are planted in its target. Linking those writes other maps than objects_of wants.
planted_bugs() {
	local good bad
	(cd build/fuzz && find tests -name "*.map" -print0 | tar --null -T - -cf "$logs/maps.tar")
	tests/fuzz/planted/run --seconds "$planted_seconds" | tee "$logs/planted" | sed -u 's/^/    /' || true
	tar -C build/fuzz -xf "$logs/maps.tar"
	read -r good bad < <(sed -n '$s/^\([0-9]\+\) passed, \([0-9]\+\) failed$/\1 \2/p' "$logs/planted" | grep . || echo 0 1)
	count "$good" "$bad"
}

# run_full [PATTERN...]: all parts, or those whose names match.
run_full() {
	local preset patterns=("$@") parts=()
	state=${XDG_STATE_HOME:-$HOME/.local/state}/strait/full-check
	mkdir -p "$state"
	say "the record of what passed: $state"
	install_packages lab coverage || return 0

	export STRAIT_TEST_ROUNDS=$kvm_rounds
	part release-build built release
	for section in unit kvm fuzz; do
		part "release-$section" "run_$section"
	done
	part coverage run_coverage
	for preset in asan tsan; do
		part "$preset-build" built "$preset"
		part "$preset-tests" run_sanitizer "$preset"
	done
	part random-operations random_operations
	part lab-images lab_images
	LAB_FULL=1 lab_all release
	lab_all asan
	lab_devices
	fuzz_all
	part planted-bugs planted_bugs
	summarise
}

lab_images() {
	must 'making the emulated host and the test guest' tests/lab/lab --prepare && count 1 0
}

# join_tables FILE...: one table of devices.
join_tables() {
	cat "$1"
	shift
	tail -q -n +7 "$@"
}

# summarise: docs/full-check.md, and docs/devices.md once its parts have passed, from the record of these files.
summarise() {
	local name key recorded good bad seconds when total=(0 0) open=() rows=() tables=()
	for name in "${parts[@]}"; do
		key_of "$name"
		if [[ ! -f $state/$name ]] || ! read -r recorded good bad seconds when <"$state/$name" || [[ $recorded != "$key" ]]; then
			open+=("$name")
			continue
		fi
		total=($((total[0] + good)) $((total[1] + bad)))
		rows+=("| $name | $good | $bad | $seconds | $when |")
		[[ $name != lab-devices-* ]] || tables+=("$state/$name.md")
	done
	mkdir -p docs
	{
		echo '# The last full check'
		echo
		echo "$(date --utc +%F), commit $(git rev-parse --short=12 HEAD), $(nproc) processors, Linux $(uname -r | cut -d- -f1)." \
			"Written by \`./check --full\`: ${total[0]} passed, ${total[1]} failed; each fuzzer runs for" \
			"$((fuzz_seconds * fuzz_parts)) s, tests against another thread for $kvm_rounds rounds, random tests for" \
			"$((random_rounds * 10)) operations on whole functions. A part counts as long as the files that it depends on are the same."
		echo
		if ((${#open[@]})); then
			echo "Not run on these files yet: ${open[*]}."
			echo
		fi
		echo '| part | passed | failed | seconds | ended (UTC) |'
		echo '|---|---|---|---|---|'
		((!${#rows[@]})) || printf '%s\n' "${rows[@]}"
	} >docs/full-check.md
	say 'the summary is in docs/full-check.md'
	[[ ${open[*]} == *lab-devices-* ]] || join_tables "${tables[@]}" >docs/devices.md
}
