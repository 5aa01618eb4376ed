#!/usr/bin/env bash
# What action.yml runs: annotations and job summary on stdout and in the runner's files, page, SARIF, JUnit in $RUNNER_TEMP/grader-report.
set -uo pipefail
bin="${GRADER_BIN:-$RUNNER_TEMP/grader/bin}"
report="$RUNNER_TEMP/grader-report"
rm -rf "$report"
mkdir -p "$report"
# Findings name files of the submission; GitHub wants them from the root of the repository.
GRADER_PREFIX="${SUBMISSION#./}"
[ "$GRADER_PREFIX" = "." ] && GRADER_PREFIX=""
export GRADER_PREFIX
arguments=("${SUBMISSION:-.}")
[ -n "${RUBRIC:-}" ] && arguments+=(-r "$RUBRIC")
[ -n "${CLASSROOM50:-}" ] && arguments+=(--classroom50 "$CLASSROOM50")
[ -n "${EXTRAS:-}" ] || arguments+=(--static)
"$bin/grader" check "${arguments[@]}" --format github --sarif "$report/grader.sarif" --junit "$report/grader.xml" -o "$report"
status=$?
case "$status" in
  0) exit 0 ;;
  1 | 4) ;;
  *) exit "$status" ;;  # wrong usage or a fault of grader: red, whatever was asked for
esac
case "${FAIL_ON:-fail}" in
  never) exit 0 ;;
  unknown) exit "$status" ;;
  fail)
    # Status 4 says that a person must look; something may have failed besides.
    if [ "$status" = 1 ] || grep -qE '"verdict": "(fail|partial)"' "$report"/*/result.json; then exit 1; fi
    exit 0 ;;
  *)
    echo "::error::fail-on is fail, unknown or never, not '$FAIL_ON'"
    exit 2 ;;
esac
