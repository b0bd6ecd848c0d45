#!/usr/bin/env bash
# Measures the resident memory of the idle server with the example's hooks. Fails when it is over 15 % more than
# benches/memory.txt says.
#
#   benches/memory.sh [--keep]
#
#   --keep  writes the figure to benches/memory.txt instead of comparing
#
# From the environment: HOOKRUNNER, the binary (target/release/hookrunner).
set -euo pipefail
cd "$(dirname "$0")/.."

# Libraries and file systems of other machines make some difference; without link-order.txt it is 60 % more.
readonly KEPT=benches/memory.txt TOLERANCE_PERCENT=15 STARTS=5
# Enough for what the server still does once it is up.
readonly IDLE_SECONDS=1
. benches/common.sh
case "$*" in '' | --keep) ;; *) fail "unknown arguments \`$*\`" ;; esac

# Prints how many KiB are resident when the server has been up for a while.
measure() {
  "$hookrunner" -hooks hooks.example.yaml -ip 127.0.0.1 -port 0 -verbose >"$scratch/log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    ! grep -q 'serving .* on http' "$scratch/log" || break
    kill -0 $server 2>/dev/null || { cat "$scratch/log" >&2; fail 'the server did not start'; }
    sleep 0.1
  done
  sleep $IDLE_SECONDS
  awk '/^Rss:/ { print $2 }' /proc/$server/smaps_rollup
  kill -TERM $server
  wait $server || { cat "$scratch/log" >&2; fail 'the server failed'; }
  server=
}

# What was just written can be in the page cache in pieces so large that more is mapped than needed: have it read anew.
sync "$hookrunner" || true
dd if="$hookrunner" iflag=nocache count=0 status=none || true
for _ in $(seq $STARTS); do measure; done >"$scratch/figures"
resident=$(sort -n "$scratch/figures" | sed -n "$((STARTS / 2 + 1))p")
echo "resident when idle: $resident KiB, median of $STARTS starts"

if [ "$*" = --keep ]; then
  echo '# Resident memory of the idle server in KiB. By benches/memory.sh --keep.' >$KEPT
  echo "$resident" >>$KEPT
  exit
fi
kept=$(sed '/^#/d' $KEPT)
[ $((100 * resident)) -le $(((100 + TOLERANCE_PERCENT) * kept)) ] ||
  fail "over $TOLERANCE_PERCENT % more than the $kept KiB of $KEPT; benches/link-order.sh may want to be run again"
