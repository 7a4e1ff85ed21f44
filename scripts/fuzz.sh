#!/usr/bin/env bash
# Runs every fuzz target of the module for the given time each. One that fails does not keep the others from running.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=()
for dir in $(git grep -lE '^func Fuzz' -- '*_test.go' | xargs -r -n1 dirname | sort -u); do
  for target in $(grep -hoE '^func Fuzz[A-Za-z0-9_]+' "$dir"/*_test.go | sed 's/^func //' | sort -u); do
    echo "== $dir $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "./$dir" || failed+=("$dir $target")
  done
done
[ ${#failed[@]} -eq 0 ] || { printf 'failed: %s\n' "${failed[@]}"; exit 1; }
