# shellcheck shell=bash
# shellcheck disable=SC2154 # $logs, $passed and $failed are of sections.sh
# ./check --full: everything at length, in parts that are remembered. Sourced by ../../check after sections.sh.

# Rounds of the tests that repeat something against another thread, and seconds of fuzzing for each of a harness's parts.
export STRAIT_TEST_ROUNDS=${STRAIT_TEST_ROUNDS:-100000}
fuzz_seconds=300 fuzz_parts=2
# What the cases of one part may take by their own limits; a longer case is a part of its own.
lab_seconds=500

# state_directory: of this commit and, if there are any, these changes.
state_directory() {
	local key changes
	key=$(git rev-parse --short=12 HEAD)
	changes=$(git diff HEAD -- . ':!docs/full-check.md')
	[[ ! $changes ]] || key+=+$(sha1sum <<<"$changes" | cut -c1-8)
	echo "${XDG_STATE_HOME:-$HOME/.local/state}/strait/full-check/$key"
}

# part NAME COMMAND...: unless it passed before, runs it and records how it ended: passed, failed, seconds, when.
part() {
	local name=$1 start=$SECONDS before=("$passed" "$failed") good bad
	shift
	if [[ -f $state/$name ]] && read -r good bad _ <"$state/$name" && ((good && !bad)); then
		count "$good" "$bad"
		return
	fi
	say "part $name"
	"$@" || true
	good=$((passed - before[0])) bad=$((failed - before[1]))
	((good + bad)) || { count 0 1 && bad=1; }
	echo "$good $bad $((SECONDS - start)) $(date --utc +%FT%TZ)" >"$state/$name"
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
	[[ -f build/fuzz/fuzzers ]] || return 0
	while read -r name program _ corpus; do
		for ((number = 1; number <= fuzz_parts; number++)); do
			# shellcheck disable=SC2086 # the corpora are words
			part "fuzz-$name-$number" fuzz "$name" "$program" $corpus
		done
	done <build/fuzz/fuzzers
}

# lab_all BUILD: the lab's cases, those of one configuration in batches.
lab_all() {
	local preset=$1 batch=() budget=0 last='' number=0 name config seconds
	while read -r name config seconds _; do
		if ((${#batch[@]})) && { [[ $config != "$last" ]] || ((budget + seconds > lab_seconds)); }; then
			part "lab-$preset-$((number += 1))" run_lab_cases "build/$preset/strait" "${batch[@]}"
			batch=() budget=0
		fi
		batch+=("$name") budget=$((budget + seconds)) last=$config
	done < <(tests/lab/run --list)
	((!${#batch[@]})) || part "lab-$preset-$((number + 1))" run_lab_cases "build/$preset/strait" "${batch[@]}"
}

run_full() {
	local preset
	state=$(state_directory)
	mkdir -p "$state"
	say "the record of this commit's parts: $state"
	install_packages lab coverage || return 0

	part release-build built release
	for section in unit kvm fuzz; do
		part "release-$section" "run_$section"
	done
	part coverage run_coverage
	for preset in asan tsan; do
		part "$preset-build" built "$preset"
		part "$preset-tests" run_sanitizer "$preset"
	done
	part lab-images lab_images
	for preset in release asan; do
		lab_all "$preset"
	done
	fuzz_all
	summarise
}

lab_images() {
	must 'making the emulated host and the test guest' tests/lab/lab --prepare && count 1 0
}

# summarise: docs/full-check.md from the record.
summarise() {
	local name good bad seconds when
	mkdir -p docs
	{
		echo '# The last full check'
		echo
		echo "$(date --utc +%F), commit $(basename "$state"), $(nproc) processors, Linux $(uname -r | cut -d- -f1)." \
			"Written by \`./check --full\`: $passed passed, $failed failed; each fuzzer ran for" \
			"$((fuzz_seconds * fuzz_parts)) s, tests with a count for $STRAIT_TEST_ROUNDS rounds."
		echo
		echo '| part | passed | failed | seconds | ended (UTC) |'
		echo '|---|---|---|---|---|'
		find "$state" -maxdepth 1 -type f -printf '%T@ %f\n' | sort -n | while read -r _ name; do
			read -r good bad seconds when <"$state/$name"
			echo "| $name | $good | $bad | $seconds | $when |"
		done
	} >docs/full-check.md
	say 'the summary is in docs/full-check.md'
}
