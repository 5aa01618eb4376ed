#!/usr/bin/env bash
# What action.yml runs: annotations and job summary on stdout and in the runner's files, page and SARIF in $RUNNER_TEMP/grader-report.
set -uo pipefail
bin="${GRADER_BIN:-$RUNNER_TEMP/grader/bin}"
report="$RUNNER_TEMP/grader-report"
mkdir -p "$report"
export GRADER_PREFIX="${SUBMISSION#./}"
[ "$GRADER_PREFIX" = "." ] && GRADER_PREFIX=""
arguments=("${SUBMISSION:-.}")
[ -n "${RUBRIC:-}" ] && arguments+=(-r "$RUBRIC")
[ -n "${EXTRAS:-}" ] || arguments+=(--static)
"$bin/grader" check "${arguments[@]}" --format sarif > "$report/grader.sarif"
"$bin/grader" check "${arguments[@]}" --format github -o "$report"
status=$?
case "${FAIL_ON:-fail}:$status" in
  never:*) exit 0 ;;
  fail:4) exit 0 ;;
  *:0) exit 0 ;;
  *) exit "$status" ;;
esac
