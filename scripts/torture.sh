#!/usr/bin/env bash
# Tries for hours what make test only touches, part by part; each part is bounded in time, and a part that fails does not keep the
# others from running. At the end there is a line for each part; the exit is 1 when one failed. With names of parts: only those.
set -uo pipefail
cd "$(dirname "$0")/.."

targets=$(git grep -hoE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | wc -l)
kills='WhatWasAcknowledgedSurvivesKills|AnUpgradeThatIsKilled|CommandsThatAreKilled|ARestoreThatIsKilled|EveryAcknowledgedEventSurvivesAKill'
power='APowerCutLosesNothing|ACommitIsSynced|NoAnswerLeavesBefore'
disks='ADiskThatFails|AFullDisk|ADatabaseWhoseDiskIsFull|AReadOnlyDisk|APostgreSQLThatDoesNotSync'
nodes='SeveralNodesKeepNothing|AnotherGoesOnWhereTheHolderDied|ANodeThatLosesItsDatabase|AnOlderAndANewerBinary|TheVersionBeforeAndThisOne|AnOlderBinaryMakesRoom'
doors='ACrowdAtTheDoor|ASourceThatFloods|AServerWithoutFreeFileDescriptors|AHomeIsServedIn256MB|AClockThatGoesBack'
rules='HouseAgreesWithTheReference'
soak='ASoakHasFlatMemory'
plants='EveryPlantedBreakIsFound'
all="$kills|$power|$disks|$nodes|$doors|$rules|$soak|$plants"

# name · most minutes · what it does · command
parts=(
  "kills|150|kill -9 under load on both engines, while it starts, imports, backs up, restores, migrates, changes its charter|go test -count=1 -v -timeout 145m -run '$kills' ./cmd/rapport ./store"
  "power|70|a record of writes and syncs, cut all over|go test -count=1 -v -timeout 65m -run '$power' ./cmd/rapport ./store"
  "disks|40|disks that are full, fail, lie, hang, or may only be read|go test -count=1 -v -timeout 35m -run '$disks' ./cmd/rapport ./store"
  "nodes|90|three processes over one PostgreSQL, holders of leases that die, a database that goes away, two versions at once|go test -count=1 -v -timeout 85m -run '$nodes' ./cmd/rapport"
  "doors|40|crowds, floods, no descriptors, little memory, wrong clocks|go test -count=1 -v -timeout 35m -run '$doors' ./cmd/rapport"
  "rules|60|random histories against the reference, on both engines, -rapid.checks=300|go test -count=1 -v -timeout 55m -run '$rules' ./cmd/rapport -rapid.checks=300"
  "soak|45|half an hour of everything, with flat memory|go test -count=1 -v -timeout 40m -run '$soak' ./cmd/rapport"
  "plants|120|breaks planted in the house, each found by the test that is there for it|go test -count=1 -v -timeout 115m -run '$plants' ./cmd/rapport"
  "suite|120|every other test, with more rounds|go test -count=1 -timeout 110m -skip '$all' ./..."
  "races|150|the whole suite with the race detector, as make test runs it|RAPPORT_TORTURE=0 go test -count=1 -race -timeout 140m ./..."
  "fuzz|$((targets * 11))|each of $targets fuzz targets for ten minutes|./scripts/fuzz.sh 10m"
)

chosen=()
for p in "${parts[@]}"; do
  IFS='|' read -r name _ <<<"$p"
  [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] && chosen+=("$p")
done
for want in "$@"; do
  [[ " $(printf '%s\n' "${parts[@]}" | cut -d'|' -f1 | tr '\n' ' ')" == *" $want "* ]] || { echo "There is no part $want. Parts: $(printf '%s\n' "${parts[@]}" | cut -d'|' -f1 | tr '\n' ' ')" >&2; exit 2; }
done

logs=$(mktemp -d "${TMPDIR:-/tmp}/rapport-torture.XXXXXX")
echo "The parts, one after the other, and how long each may take at most; what they say is kept in $logs:"
total=0
for p in "${chosen[@]}"; do
  IFS='|' read -r name minutes what _ <<<"$p"
  printf '  %-8s %4d min  %s\n' "$name" "$minutes" "$what"
  total=$((total + minutes))
done
printf '  %-8s %4d min\n' "in all" "$total"

export RAPPORT_TORTURE=1
summary=() failed=0
for p in "${chosen[@]}"; do
  name=${p%%|*}
  minutes=$(cut -d'|' -f2 <<<"$p")
  command=$(cut -d'|' -f4- <<<"$p")
  began=$SECONDS
  echo "== $name ($(date '+%H:%M'))"
  timeout --kill-after=60 "$((minutes * 60))" bash -c "$command" >"$logs/$name" 2>&1
  code=$?
  took=$(((SECONDS - began) / 60))
  case $code in
  0) verdict="ok" ;;
  124 | 137) verdict="OUT OF TIME" failed=1 ;;
  *) verdict="FAILED" failed=1 ;;
  esac
  [ $code -eq 0 ] || grep -E '^\s*--- FAIL|^FAIL|^panic|WARNING: DATA RACE|failed:' "$logs/$name" | head -20
  grep -E '^\s+[a-z_]+_test\.go:[0-9]+: .*[0-9]' "$logs/$name" | head -40
  summary+=("$(printf '  %-8s %4d min  %s' "$name" "$took" "$verdict")")
done
echo "What came of it ($logs):"
printf '%s\n' "${summary[@]}"
exit $failed
