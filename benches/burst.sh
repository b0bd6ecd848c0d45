#!/usr/bin/env bash
# Sends a burst of deliveries to a hook that runs four at a time, and prints the server's memory as rows of a
# Markdown table. No command ends before all deliveries are in, so that all others wait at the same moment.
# Fails unless each delivery ran exactly once.
#
#   benches/burst.sh
#
# From the environment: COUNT (10000); HOOKRUNNER, another binary than target/release/hookrunner.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly COUNT=${COUNT:-10000} HOOKRUNNER=${HOOKRUNNER:-target/release/hookrunner}
# A run takes milliseconds; a machine that needs longer than this for all has something else to do.
readonly SECONDS_MAX=600

fail() { echo "burst.sh: $*" >&2; exit 1; }
[ -x "$HOOKRUNNER" ] || fail "there is no $HOOKRUNNER: run \`cargo build --release\` first"
command -v curl >/dev/null || fail "curl is not installed"

scratch=$(mktemp -d)
server=
# Only what was started here is ended, by its process id.
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

cat >"$scratch/hooks.yaml" <<YAML
- id: burst
  execute-command: /bin/sh
  concurrency: { max: 4, queue-limit: $COUNT }
  pass-arguments-to-command:
    - { source: string, name: -c }
    - { source: string, name: ': <"$scratch/gate"; echo "\$N" >>"$scratch/ran"' }
  pass-environment-to-command:
    - { source: url, name: "n", envname: "N" }
YAML
: >"$scratch/ran"
mkfifo "$scratch/gate"
"$HOOKRUNNER" -hooks "$scratch/hooks.yaml" -ip 127.0.0.1 -port 0 -verbose 2>"$scratch/log" &
server=$!

# wait_for WHAT COMMAND…: until the command succeeds.
wait_for() {
  local what=$1 until=$((SECONDS + SECONDS_MAX))
  shift
  until "$@"; do
    kill -0 "$server" 2>/dev/null || fail "the server ended: $(tail -n 3 "$scratch/log")"
    [ "$SECONDS" -lt "$until" ] || fail "$what takes longer than $SECONDS_MAX s"
    sleep 0.1
  done
}
address() { sed -n 's|.*serving .* on http://\([0-9.:]*\)/.*|\1|p' "$scratch/log"; }
is_serving() { [ -n "$(address)" ]; }
has_all_run() { [ "$(wc -l <"$scratch/ran")" -ge "$COUNT" ]; }
# memory FIELD: VmRSS is what it takes now, VmHWM what it took at most, in MiB.
memory() { awk -v field="$1:" '$1 == field { printf "%.1f", $2 / 1024 }' "/proc/$server/status"; }

wait_for "the start" is_serving
idle=$(memory VmRSS)
started=$(date +%s.%N)
curl --silent --show-error --request POST --output /dev/null --write-out '%{http_code}\n' \
  "http://$(address)/hooks/burst?n=[1-$COUNT]" >"$scratch/answers"
accepted=$(date +%s.%N)
[ "$(grep -c '^200$' "$scratch/answers")" -eq "$COUNT" ] ||
  fail "not all were accepted: $(sort "$scratch/answers" | uniq -c | tr '\n' ' ')"
all_wait=$(memory VmRSS)
# Whoever reads from the gate may pass from now on.
exec 3<>"$scratch/gate"
wait_for "running all" has_all_run
ended=$(date +%s.%N)
peak=$(memory VmHWM) end=$(memory VmRSS)
# The stop waits for what is left, so that nothing runs a second time unseen.
kill -TERM "$server"
wait "$server" || fail "the server did not stop well"
server=
[ "$(wc -l <"$scratch/ran")" -eq "$COUNT" ] && [ "$(sort -u "$scratch/ran" | wc -l)" -eq "$COUNT" ] ||
  fail "not each delivery ran exactly once: $(wc -l <"$scratch/ran") runs of $(sort -u "$scratch/ran" | wc -l)"

seconds() { awk -v from="$1" -v to="$2" 'BEGIN { printf "%.1f", to - from }'; }
cat <<TABLE
| A burst of $COUNT deliveries, \`max: 4\` | |
|---|---:|
| until all were accepted, s | $(seconds "$started" "$accepted") |
| from then until all had run, each once, s | $(seconds "$accepted" "$ended") |
| resident memory before, MiB | $idle |
| when all but four wait, MiB | $all_wait |
| at the peak, MiB | $peak |
| at the end, MiB | $end |
TABLE
