#!/usr/bin/env bash
# Writes link-order.txt: the functions that the server executes until it is idle, then those of a first run of a hook,
# as callgrind sees them. Takes half a minute; build anew afterwards. docs/performance.md says what it is for.
#
#   cargo build --release && benches/link-order.sh
#
# From the environment: HOOKRUNNER, the binary (target/release/hookrunner).
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C

readonly LIST=link-order.txt
# Enough for what the server does once a second.
readonly IDLE_SECONDS=2
. benches/common.sh

need_valgrind

# Makes a pattern of a function's name. What another compiler or another build may give otherwise becomes a `*`: the
# hash of a crate, where the name refers to a part of itself, the crate that a generic function was made for, and
# what distinguishes copies.
readonly PATTERN='!/^_R/ { print; next }
{
  sub(/\.llvm\.[0-9]+$/, ""); sub(/\.[0-9]+$/, "")
  gsub(/Cs[0-9A-Za-z]+_/, "Cs*_"); gsub(/B[0-9A-Za-z][0-9A-Za-z]?_/, "B*_")
  sub(/B\*_$/, "")
  if (match($0, /Cs\*_[0-9]+[A-Za-z_][0-9A-Za-z_]*$/)) {
    crate = substr($0, RSTART + 4)
    characters = crate + 0
    sub(/^[0-9]+/, "", crate)
    if (length(crate) == characters) $0 = substr($0, 1, RSTART - 1)
  }
  print $0 "*"
}'

# executed PATH...: the functions from the start over a request for each path to the end, a pattern for each.
executed() {
  local out=$scratch/callgrind.out port= path answer
  # One of the example's secrets is there, the others are missed; that of benches/stages.yaml is there.
  GITHUB_WEBHOOK_SECRET=x BENCH_SECRET=x valgrind --tool=callgrind --demangle=no --compress-strings=no \
    --callgrind-out-file="$out" "$hookrunner" -hooks hooks.example.yaml -hooks benches/stages.yaml \
    -ip 127.0.0.1 -port 0 -verbose >"$scratch/log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    port=$(sed -n 's/.*serving .* on http:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$scratch/log")
    [ -z "$port" ] || break
    kill -0 $server 2>/dev/null || { cat "$scratch/log" >&2; fail 'the server did not start'; }
    sleep 0.1
  done
  for path; do
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: link-order\r\nAccept: */*\r\n\r\n' "$path" >&3
    read -r answer <&3
    case $answer in *' 200 OK'*) ;; *) fail "$path: $answer" ;; esac
  done
  sleep $IDLE_SECONDS
  exec 3>&-
  kill -TERM $server
  wait $server || { cat "$scratch/log" >&2; fail 'the server failed'; }
  server=
  sed -n 's/^fn=\([A-Za-z0-9_.]*\).*/\1/p' "$out" | sort -u >"$scratch/names"
  # Functions that are the same to the byte are one, with many names: any of them may be that of its section.
  nm "$hookrunner" | awk '
    NR == FNR { executed[$1]; next }
    tolower($2) == "t" { address[$3] = $1; if ($3 in executed) wanted[$1] }
    END { for (name in address) if (address[name] in wanted) print name }' "$scratch/names" - | awk "$PATTERN" | sort -u
}

executed / >"$scratch/start"
executed / /hooks/hello >"$scratch/run"
[ -s "$scratch/start" ] || fail "$hookrunner does not name its functions as .cargo/config.toml wants"

{
  echo '# The functions that run at the start, for the linker to put side by side. By benches/link-order.sh.'
  echo '# A line for a function that is no longer there does nothing.'
  cat "$scratch/start"
  # Under valgrind the processor has no SHA instructions, and threads run one at a time.
  echo '_RNvNtNtCs*_4sha26sha2567x86_sha8compress*'
  echo '_RINvNtNtNtCs*_5tokio7runtime4task3raw21drop_join_handle_slow*'
  echo '# And those of the first run of a hook.'
  comm -13 "$scratch/start" "$scratch/run"
} >"$LIST"
echo "$LIST: $(grep -vc '^#' $LIST) functions, $(wc -l <"$scratch/start") of them until the server is idle"
