# shellcheck shell=bash
# The sections of ../../check and how their results are counted. Sourced there, from the project's root.

passed=0 failed=0 lab_options=() lab_pid=''
logs=$(mktemp -d "${TMPDIR:-/tmp}/strait-check.XXXXXX")
trap '[[ ! $lab_pid ]] || { kill "$lab_pid" && wait "$lab_pid"; } 2>/dev/null; rm -rf "$logs"' EXIT
! command -v ccache >/dev/null || export CMAKE_CXX_COMPILER_LAUNCHER=ccache
# A test waits for nobody who types.
exec </dev/null

say() {
	printf '[%4d s] %s\n' "$SECONDS" "$*"
}

# finish: the closing line.
finish() {
	echo "$passed passed, $failed failed"
	((passed && !failed))
	exit
}

# count PASSED FAILED: adds a section's results.
count() {
	passed=$((passed + $1)) failed=$((failed + $2))
}

# step WHAT COMMAND...: runs it with its output in $logs/step, shown only if it fails, and says now and then that it goes on.
step() {
	local what=$1 pid beat=0
	shift
	say "$what"
	"$@" >"$logs/step" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.2
		beat=$((beat + 1))
		((beat % 150)) || say "  ... $(tail -n 1 "$logs/step" | tr -d '\r' | cut -c1-110)"
	done
	wait "$pid" && return
	tail -n 60 "$logs/step"
	say "failed: $what"
	return 1
}

# must WHAT COMMAND...: a step without which nothing can be tested, counted only if it fails.
must() {
	step "$@" || { count 0 1 && return 1; }
}

install_packages() {
	local sets=(--build)
	[[ " $* " != *' lab '* ]] || sets+=(--lab)
	[[ " $* " != *' coverage '* ]] || sets+=(--dev)
	must 'installing what is missing' scripts/install-packages "${sets[@]}"
}

# build PRESET [TARGET...]: all of it, or only these. What runs beside comes first.
build() {
	local preset=$1 targets=()
	shift
	((!$#)) || targets=(--target "$@")
	must "configuring: $preset" cmake --preset "$preset" &&
		must "building: $preset${*:+: $*}" nice cmake --build --preset "$preset" -j "${CHECK_JOBS:-$(nproc)}" "${targets[@]}"
}

# run_ctest NAME DIRECTORY [COMMAND...]: the tests of that build directory, COMMAND in front of ctest.
run_ctest() {
	local name=$1 directory=$2 start=$SECONDS status=0 total bad skipped
	shift 2
	say "$name: $(ctest --test-dir "$directory" --show-only 2>/dev/null | sed -n 's/^Total Tests: //p') tests"
	"$@" ctest --test-dir "$directory" --verbose --no-tests=error --timeout 300 --output-junit "$logs/junit.xml" \
		>"$logs/ctest" 2>&1 || status=$?
	read -r total bad skipped < <(junit_counts "$logs/junit.xml")
	if ((status)); then
		((bad)) || bad=1
		show_failures "$logs/ctest"
	fi
	show_skipped "$logs/ctest"
	count $((total - bad - skipped)) "$bad"
	say "$name: $((total - bad - skipped)) passed, $bad failed, $skipped skipped ($((SECONDS - start)) s)"
	rm -f "$logs/junit.xml"
}

# junit_counts FILE: tests, failures and skipped ones. A test whose program is missing counts as failed.
junit_counts() {
	awk '/<testcase/ { total++ }
		/<skipped/ { /SKIP_/ ? skipped++ : failed++ }
		/<failure/ { failed++ }
		END { print total + 0, failed + 0, skipped + 0 }' "$1" 2>/dev/null || echo 0 0 0
}

# show_failures LOG: the output of the tests that failed, from `ctest --verbose`.
show_failures() {
	local number
	sed -n '/^The following tests FAILED:/,$p' "$1" | head -n 40
	sed -n '/^The following tests FAILED:/,$p' "$1" | sed -n 's/^[[:space:]]*\([0-9]\+\) - .*(\(Failed\|Timeout\|.*SEGFAULT\|Subprocess.*\|SIG.*\)).*/\1/p' |
		head -n 5 | while read -r number; do
		grep "^$number: " "$1" | tail -n 60
	done
	grep -q '^The following tests FAILED:' "$1" || tail -n 40 "$1"
}

# show_skipped LOG: why tests were skipped, each reason once.
show_skipped() {
	grep -A 1 ': Skipped$' "$1" | sed -n 's/^[0-9]\+: //p' | grep -v ': Skipped$' | sort | uniq -c |
		sed 's/^ *\([0-9]\+\) \(.*\)/    \1 skipped: \2/' || true
}

run_unit() {
	run_ctest 'unit tests' build/release/tests/unit
}

run_kvm() {
	run_ctest 'KVM tests' build/release/tests/kvm
}

run_fuzz() {
	run_ctest 'corpus replays' build/release/tests/fuzz
}

run_sanitizers() {
	local sanitizer
	for sanitizer in asan tsan; do
		run_sanitizer "$sanitizer"
	done
}

# run_sanitizer asan|tsan
run_sanitizer() {
	local in_front=(env ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
		TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1)
	build "$1" || return 0
	# GCC 12's ThreadSanitizer does not know the address space layouts of newer kernels.
	[[ $1 != tsan ]] || ! setarch -R true 2>/dev/null || in_front=(setarch -R "${in_front[@]}")
	run_ctest "all with $1" "build/$1/tests" "${in_front[@]}"
}

# run_coverage: each corpus has to reach 80 % of the lines of what its harness is for.
run_coverage() {
	local name program covers corpus start lines
	build coverage || return 0
	while read -r name program covers corpus; do
		start=$SECONDS
		# shellcheck disable=SC2086 # the corpora are words
		LLVM_PROFILE_FILE=$logs/$name.profraw "$program" $corpus >"$logs/replay" 2>&1 || cat "$logs/replay"
		llvm-profdata-19 merge -o "$logs/$name.profdata" "$logs/$name.profraw" || true
		# shellcheck disable=SC2086
		lines=$(llvm-cov-19 report "$program" -instr-profile="$logs/$name.profdata" ${covers//,/ } 2>/dev/null |
			awk '/^TOTAL/ { print int($10) }')
		if ((${lines:-0} >= 80)); then
			count 1 0
			say "coverage: corpus $name reaches $lines % of the lines of $covers ($((SECONDS - start)) s)"
		else
			count 0 1
			say "coverage: corpus $name reaches only ${lines:-0} % of the lines of $covers"
		fi
	done <build/coverage/fuzzers
}

# run_lab_cases MONITOR CASE...: counts what tests/lab/run says, with the options $lab_options if there are any; every case has to have run.
run_lab_cases() {
	start_lab_cases "$@"
	shift
	finish_lab_cases $#
}

# start_lab_cases MONITOR CASE...: the same in the background, until finish_lab_cases NUMBER-OF-CASES.
start_lab_cases() {
	local monitor=$1
	shift
	tests/lab/run --strait "$monitor" "${lab_options[@]}" "$@" >"$logs/lab" 2>&1 &
	lab_pid=$!
}

finish_lab_cases() {
	local good bad
	tail --pid="$lab_pid" -n +1 -F "$logs/lab" 2>/dev/null | sed -u 's/^/    /'
	wait "$lab_pid" || true
	lab_pid=''
	read -r good bad < <(sed -n '$s/^\([0-9]\+\) passed, \([0-9]\+\) failed$/\1 \2/p' "$logs/lab" | grep . || echo 0 0)
	if ((good + bad < $1)); then
		say "lab: only $((good + bad)) of $1 cases ran"
		bad=$(($1 - good))
	fi
	count "$good" "$bad"
}

lab_cases() {
	tests/lab/run --list | awk '{ print $1 }'
}

# start_lab: begins with the lab's cases, which leave the processors time for the other sections.
start_lab() {
	local cases
	must 'making the emulated host and the test guest' tests/lab/lab --prepare || return 0
	build release strait kvm_tests hand_over port toggle_mask || return 0
	mapfile -t cases < <(lab_cases)
	say "lab: ${#cases[@]} cases, beside what follows"
	start_lab_cases build/release/strait "${cases[@]}"
}

run_lab() {
	[[ ! $lab_pid ]] || finish_lab_cases "$(lab_cases | wc -l)"
	if wants sanitizers && build asan; then
		say 'lab: two cases with asan'
		run_lab_cases build/asan/strait vf-ping kill-restart
	fi
	say 'lab: done'
}
