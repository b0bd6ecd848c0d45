#!/usr/bin/env bash
# Measures hookrunner against adnanh/webhook and against bare servers that do the least of the same work,
# in turn on this machine, and prints a Markdown table of medians. How and why: docs/performance.md.
#
#   benches/compare.sh [--many-hooks] [--large] [--burst]
#
#   --many-hooks  adds a hooks file of 10,000 hooks against one of ten
#   --large       adds resident memory after many pushes of 1 MB
#   --burst       adds time to answer of a background hook while its runs pile up
#
# From the environment: ROUNDS (3), DURATION of one load (5s), STARTS per round (5), LARGE_COUNT (10000);
# WEBHOOK and HOOKRUNNER, other binaries than Debian's and the one built here.
set -euo pipefail
cd "$(dirname "$0")/.."

ROUNDS=${ROUNDS:-3}
DURATION=${DURATION:-5s}
STARTS=${STARTS:-5}
LARGE_COUNT=${LARGE_COUNT:-10000}
readonly CONNECTIONS=16 THREADS=2
# What wrk may need on top of a load's duration, and how long all large pushes to one server may take.
readonly SLACK_SECONDS=30 LARGE_SECONDS_MAX=600
# The key that the hooks below know and that benches/bare signs with.
readonly SECRET=not-a-secret-but-a-benchmark

fail() { echo "compare.sh: $*" >&2; exit 1; }
progress() { echo "-- $*" >&2; }

with_many_hooks=no with_large=no with_burst=no
for argument in "$@"; do
  case $argument in
    --many-hooks) with_many_hooks=yes ;;
    --large) with_large=yes ;;
    --burst) with_burst=yes ;;
    -h | --help) sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
    *) fail "unknown argument \`$argument\`; see --help" ;;
  esac
done
[[ $DURATION =~ ^([0-9]+)s$ ]] || fail "DURATION is whole seconds, such as 5s, not \`$DURATION\`"
readonly SECONDS_OF_LOAD=${BASH_REMATCH[1]}

scratch=$(mktemp -d)
declare -A pid_of=() port_of=()

# Only what was started here is ended, by its process id.
stop() {
  local pid=${pid_of[$1]:-}
  [ -n "$pid" ] || return 0
  unset "pid_of[$1]"
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
}
stop_all() {
  local name
  for name in "${!pid_of[@]}"; do stop "$name"; done
}
trap 'stop_all; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# ---- what is needed

install_tools() {
  local missing=() as_root=()
  [ -n "${WEBHOOK:-}" ] || command -v webhook >/dev/null || missing+=(webhook)
  command -v wrk >/dev/null || missing+=(wrk)
  command -v curl >/dev/null || missing+=(curl)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || fail "install ${missing[*]} first"
  [ "$(id -u)" = 0 ] || as_root=(sudo)
  progress "installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends \
    "${missing[@]}" >&2
}

check_webhook() {
  if [ -z "${WEBHOOK:-}" ]; then
    WEBHOOK=$(command -v webhook)
    local homepage
    homepage=$(dpkg-query -W -f '${Homepage}' webhook 2>/dev/null || true)
    [ "$homepage" = https://github.com/adnanh/webhook ] ||
      fail "$WEBHOOK is not Debian's package of adnanh/webhook; name the binary to compare with in WEBHOOK"
  fi
  webhook_version=$("$WEBHOOK" -version | sed 's/.*version //')
}

build() {
  local target=${CARGO_TARGET_DIR:-target}
  progress 'building'
  if [ -z "${HOOKRUNNER:-}" ]; then
    cargo build --quiet --locked --release --target-dir "$target" >&2
    HOOKRUNNER=$target/release/hookrunner
  fi
  cargo build --quiet --locked --release --manifest-path benches/bare/Cargo.toml --target-dir "$target/bare" >&2
  bare=$target/bare/release
  hookrunner_version=$("$HOOKRUNNER" -version | sed 's/.*version //')
}

# What was just written can be in the page cache in pieces so large that more is mapped than needed. It is read anew,
# as after a boot.
settle() {
  local file
  sync "$@" || true
  for file; do dd if="$file" iflag=nocache count=0 status=none || true; done
}

# ---- the hooks, for both servers the same

# hook ID REPOSITORY MORE-KEYS: an entry whose rule checks the signature, the branch and the repository.
hook() {
  cat <<HOOK
- id: $1
  execute-command: /bin/true
  $3
  trigger-rule:
    and:
      - match: {type: payload-hmac-sha256, secret: $SECRET, parameter: {source: header, name: X-Hub-Signature-256}}
      - match: {type: value, value: refs/heads/main, parameter: {source: payload, name: ref}}
      - match: {type: value, value: $2, parameter: {source: payload, name: repository.full_name}}
HOOK
}

# The same by `verify`, which only hookrunner knows.
verified_hook() {
  cat <<HOOK
- id: verified
  execute-command: /bin/true
  verify: {sender: github, secret: $SECRET}
  trigger-rule:
    and:
      - match: {type: value, value: refs/heads/main, parameter: {source: payload, name: ref}}
      - match: {type: value, value: another/repository, parameter: {source: payload, name: repository.full_name}}
HOOK
}

write_hooks() {
  {
    hook checked another/repository 'response-message: unreachable'
    hook run harbour/tides 'include-command-output-in-response: true'
    verified_hook
    printf -- '- {id: background, execute-command: /bin/sleep, pass-arguments-to-command: [{source: string, name: "5"}]}\n'
  } >"$scratch/hooks.yaml"
  local number
  {
    for number in $(seq 9); do hook "other-$number" another/repository 'response-message: unreachable'; done
    hook checked another/repository 'response-message: unreachable'
  } >"$scratch/ten.yaml"
  if [ $with_many_hooks = yes ]; then
    for number in $(seq 9999); do hook "other-$number" another/repository 'response-message: unreachable'; done \
      >"$scratch/many.yaml"
    hook checked another/repository 'response-message: unreachable' >>"$scratch/many.yaml"
  fi
}

# ---- servers

free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 10000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return
    fi
  done
  fail 'no free port'
}

# command_of SERVER PORT HOOKS-FILE: sets `command`. A server may have a name before its own, as `ten.webhook`.
command_of() {
  case $1 in
    *webhook) command=("$WEBHOOK" -ip 127.0.0.1 -port "$2" -hooks "$3") ;;
    *hookrunner) command=("$HOOKRUNNER" -ip 127.0.0.1 -port "$2" -hooks "$3") ;;
    bare-*) command=("$bare/$1" "127.0.0.1:$2") ;;
  esac
}

# start SERVER HOOKS-FILE: sets pid_of and port_of, returns when `/` answers.
start() {
  local name=$1 port
  port=$(free_port)
  command_of "$name" "$port" "$2"
  "${command[@]}" </dev/null >"$scratch/$name.log" 2>&1 &
  pid_of[$name]=$! port_of[$name]=$port
  for _ in $(seq 300); do
    kill -0 "${pid_of[$name]}" 2>/dev/null || { cat "$scratch/$name.log" >&2; fail "$name did not start"; }
    if [ "$(curl -s -m 5 "http://127.0.0.1:$port/" || true)" = OK ]; then return; fi
    sleep 0.1
  done
  fail "$name does not answer"
}

resident_kib() { awk '/^VmRSS:/ { print $2 }' "/proc/${pid_of[$1]}/status"; }

# post SERVER HOOK SIGNATURE: prints status and body.
post() {
  curl -s -m 10 -w ' %{http_code}' -H 'Content-Type: application/json' -H 'X-GitHub-Event: push' \
    -H "X-Hub-Signature-256: $3" --data-binary "@benches/push.json" "http://127.0.0.1:${port_of[$1]}/hooks/$2"
}

expect() { [ "$2" = "$3" ] || fail "$1: got \`$2\`, wanted \`$3\`"; }

# verify SERVER: what is measured is what it should be.
verify() {
  local refused
  expect "$1, checked" "$(post "$1" checked "$signature")" 'Hook rules were not satisfied. 200'
  expect "$1, run" "$(post "$1" run "$signature")" ' 200'
  refused=$(post "$1" run "${signature%??}zz")
  expect "$1, a wrong signature" "${refused##* }" 500
}

verify_bare() {
  expect 'bare-hmac' "$(post bare-hmac checked "$signature")" 'Hook rules were not satisfied. 200'
  expect 'bare-hmac, a wrong signature' "$(post bare-hmac checked sha256=00 | sed 's/.* //')" 500
  expect 'bare-run' "$(post bare-run run "$signature")" ' 200'
}

# ---- measuring

# note KEY VALUE: one round's figure. median KEY: of all rounds; empty when there is none.
note() {
  echo "$2" >>"$scratch/figure.$1"
}
median() {
  [ -s "$scratch/figure.$1" ] || return 0
  sort -g "$scratch/figure.$1" |
    awk '{ v[NR] = $1 } END { print (NR % 2) ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# wrk_line SECONDS CONNECTIONS THREADS URL: "requests/s p50 p99 failed" of one load.
wrk_line() {
  timeout -k 5 $(($1 + SLACK_SECONDS)) \
    wrk --latency -d "${1}s" -c "$2" -t "$3" -s benches/load.lua "$4" | sed -n 's/^load: //p'
}

# load MEASURE SERVER PATH [PUSH-FILE]: one load, noted as MEASURE.SERVER.rate and .p99.
load() {
  local rate p99 failed
  read -r rate _ p99 failed < <(PUSH=${4:-} SIGNATURE=$signature \
    wrk_line "$SECONDS_OF_LOAD" $CONNECTIONS $THREADS "http://127.0.0.1:${port_of[$2]}$3") ||
    fail "wrk failed on $2$3"
  [ "$failed" = 0 ] || fail "$failed requests failed: $2$3"
  note "$1.$2.rate" "$rate"
  note "$1.$2.p99" "$p99"
  progress "  $1 $2: $rate/s, p99 $p99 µs"
}

# start_times SERVER HOOKS-FILE KEY
start_times() {
  local port took
  for _ in $(seq "$STARTS"); do
    port=$(free_port)
    command_of "$1" "$port" "$2"
    took=$("$bare/first-answer" "127.0.0.1:$port" "${command[@]}") || fail "$1 did not start"
    note "$3" "$took"
  done
}

# In every second round the servers change places, so that neither always has the warmer machine.
round() {
  local servers=(webhook hookrunner) server rate p99 failed
  [ $(($1 % 2)) = 1 ] || servers=(hookrunner webhook)
  progress "round $1 of $ROUNDS"
  for server in "${servers[@]}"; do
    start_times "$server" "$scratch/hooks.yaml" "start.$server"
  done
  for server in "${servers[@]}" bare-get bare-hmac bare-run; do
    start "$server" "$scratch/hooks.yaml"
  done
  sleep 1
  for server in "${servers[@]}"; do
    note "idle.$server" "$(resident_kib "$server")"
    verify "$server"
  done
  expect 'hookrunner, verified' "$(post hookrunner verified "$signature")" 'Hook rules were not satisfied. 200'
  expect 'hookrunner, not verified' "$(post hookrunner verified sha256=00 | sed 's/.* //')" 401
  verify_bare
  for server in "${servers[@]}" bare-get; do load get "$server" /; done
  for server in "${servers[@]}" bare-hmac; do load checked "$server" /hooks/checked benches/push.json; done
  load verified hookrunner /hooks/verified benches/push.json
  for server in "${servers[@]}" bare-run; do load run "$server" /hooks/run benches/push.json; done
  for server in "${servers[@]}"; do note "loaded.$server" "$(resident_kib "$server")"; done
  stop_all
  read -r rate p99 failed < <("$bare/bare-spawn" "$SECONDS_OF_LOAD") || fail 'bare-spawn failed'
  [ "$failed" = 0 ] || fail "$failed runs of bare-spawn failed"
  note run.bare-spawn.rate "$rate"
  note run.bare-spawn.p99 "$p99"
  progress "  run bare-spawn: $rate/s, p99 $p99 µs"
}

many_hooks() {
  local server count number
  for server in webhook hookrunner; do
    for count in ten many; do
      start_times "$server" "$scratch/$count.yaml" "$count-start.$server"
      start "$count.$server" "$scratch/$count.yaml"
      expect "$server, $count hooks" "$(post "$count.$server" checked "$signature")" 'Hook rules were not satisfied. 200'
    done
  done
  for number in $(seq "$ROUNDS"); do
    for count in ten many; do
      for server in webhook hookrunner; do load hooks "$count.$server" /hooks/checked benches/push.json; done
    done
  done
  stop_all
}

# The push with a text of a megabyte as its first value, so that the signature is over all of it.
large() {
  local server rate
  {
    printf '{"padding":"'
    head -c 1000000 /dev/zero | tr '\0' x
    printf '",'
    tail -c +2 benches/push.json
  } >"$scratch/large.json"
  for server in webhook hookrunner; do
    start "$server" "$scratch/hooks.yaml"
    rate=$(timeout -k 5 "$LARGE_SECONDS_MAX" "$bare/push-many" "127.0.0.1:${port_of[$server]}" /hooks/checked \
      "$scratch/large.json" "$LARGE_COUNT" "$CONNECTIONS") || fail "large pushes to $server failed"
    progress "  large $server: $rate/s"
    note "large.$server.rate" "$rate"
    note "large.$server" "$(resident_kib "$server")"
    sleep 5
    note "large-later.$server" "$(resident_kib "$server")"
    stop "$server"
  done
}

# Four seconds of one request after the other to a hook that sleeps five seconds in the background.
burst() {
  local server second p50 p99 failed
  for server in webhook hookrunner; do
    start "$server" "$scratch/hooks.yaml"
    for second in 1 2 3 4; do
      read -r _ p50 p99 failed < <(wrk_line 1 1 1 "http://127.0.0.1:${port_of[$server]}/hooks/background") ||
        fail "wrk failed on $server"
      [ "$failed" = 0 ] || fail "$failed background requests to $server failed"
      note "burst-$second.$server.p50" "$p50"
      note "burst-$second.$server.p99" "$p99"
      note "burst-$second.$server.running" "$(pgrep -c -P "${pid_of[$server]}" || true)"
    done
    # The sleeping runs end by themselves; the server goes first only when they have.
    sleep 6
    stop "$server"
  done
}

# ---- the table

# Rounded to what the measurement carries: three digits, or whole thousands in full.
number() {
  awk -v value="$1" 'BEGIN {
    if (value == "") print "–"
    else if (value >= 100) printf "%.0f\n", value
    else if (value >= 10) printf "%.1f\n", value
    else printf "%.2f\n", value }'
}
scaled() {
  [ -z "$1" ] || awk -v value="$1" -v by="$2" 'BEGIN { print value / by }'
}
ratio() {
  if [ -z "$1" ] || [ -z "$2" ]; then echo '–'; else awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f×\n", a / b }'; fi
}

# row LABEL DIVISOR WEBHOOK-KEY HOOKRUNNER-KEY [BARE-KEY]
row() {
  local webhook hookrunner bare=''
  webhook=$(median "$3")
  hookrunner=$(median "$4")
  [ -z "${5:-}" ] || bare=$(median "$5")
  echo "| $1 | $(number "$(scaled "$webhook" "$2")") | $(number "$(scaled "$hookrunner" "$2")") |" \
    "$(number "$(scaled "$bare" "$2")") | $(ratio "$hookrunner" "$webhook") | $(ratio "$hookrunner" "$bare") |"
}

print_table() {
  local machine sha='without SHA instructions'
  ! grep -qwE 'sha_ni|sha2' /proc/cpuinfo || sha='with SHA instructions'
  machine="$(nproc) cores, $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1) $sha"
  machine+=", Linux $(uname -r | cut -d . -f 1,2)"
  echo "$(date -u +%F); $machine; median of $ROUNDS rounds of $DURATION; push of $(wc -c <benches/push.json) bytes;" \
    "$CONNECTIONS connections from the same cores; load average at the start: $load_average."
  echo
  echo "| | adnanh/webhook $webhook_version | hookrunner $hookrunner_version | bare | to webhook | to bare |"
  echo '|---|---:|---:|---:|---:|---:|'
  row '`GET /`, requests/s' 1 get.webhook.rate get.hookrunner.rate get.bare-get.rate
  row '`GET /`, p99, ms' 1000 get.webhook.p99 get.hookrunner.p99 get.bare-get.p99
  row 'push checked, not met, requests/s' 1 checked.webhook.rate checked.hookrunner.rate checked.bare-hmac.rate
  row 'push checked, not met, p99, ms' 1000 checked.webhook.p99 checked.hookrunner.p99 checked.bare-hmac.p99
  row 'the same by `verify`, requests/s' 1 none verified.hookrunner.rate checked.bare-hmac.rate
  row 'the same by `verify`, p99, ms' 1000 none verified.hookrunner.p99 checked.bare-hmac.p99
  row 'push running `/bin/true`, requests/s' 1 run.webhook.rate run.hookrunner.rate run.bare-run.rate
  row 'push running `/bin/true`, p99, ms' 1000 run.webhook.p99 run.hookrunner.p99 run.bare-run.p99
  row '`posix_spawn` of `/bin/true` in a loop, runs/s' 1 none none run.bare-spawn.rate
  row 'resident memory, idle, MiB' 1024 idle.webhook idle.hookrunner
  row 'resident memory, after the load, MiB' 1024 loaded.webhook loaded.hookrunner
  row 'start to first answer, ms' 1 start.webhook start.hookrunner
  if [ $with_many_hooks = yes ]; then
    row 'ten hooks: push checked, requests/s' 1 hooks.ten.webhook.rate hooks.ten.hookrunner.rate
    row '10,000 hooks: push checked, requests/s' 1 hooks.many.webhook.rate hooks.many.hookrunner.rate
    row 'ten hooks: start to first answer, ms' 1 ten-start.webhook ten-start.hookrunner
    row '10,000 hooks: start to first answer, ms' 1 many-start.webhook many-start.hookrunner
  fi
  if [ $with_large = yes ]; then
    row 'pushes of 1 MB, requests/s' 1 large.webhook.rate large.hookrunner.rate
    row "resident memory, after $LARGE_COUNT pushes of 1 MB, MiB" 1024 large.webhook large.hookrunner
    row 'resident memory, 5 s later, MiB' 1024 large-later.webhook large-later.hookrunner
  fi
  if [ $with_burst = yes ]; then
    local second
    for second in 1 2 3 4; do
      row "burst, second $second: time to answer, p50, ms" 1000 "burst-$second".{webhook,hookrunner}.p50
      row "burst, second $second: time to answer, p99, ms" 1000 "burst-$second".{webhook,hookrunner}.p99
      row "burst, second $second: runs in flight at its end" 1 "burst-$second".{webhook,hookrunner}.running
    done
  fi
}

install_tools
check_webhook
build
write_hooks
signature=$("$bare/sign" benches/push.json)
settle "$WEBHOOK" "$HOOKRUNNER"
load_average=$(cut -d ' ' -f 1 /proc/loadavg)
progress "adnanh/webhook $webhook_version ($WEBHOOK), hookrunner $hookrunner_version ($HOOKRUNNER)"
for number in $(seq "$ROUNDS"); do round "$number"; done
[ $with_many_hooks = no ] || { progress 'many hooks'; many_hooks; }
[ $with_large = no ] || { progress 'large pushes'; large; }
[ $with_burst = no ] || { progress 'burst'; burst; }
print_table
