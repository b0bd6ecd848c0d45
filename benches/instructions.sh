#!/usr/bin/env bash
# Counts the instructions of the server for one request, under callgrind: a figure that does not depend on what
# else the machine does. Fails when a checked request takes over 10 % more than benches/instructions.txt says.
#
#   benches/instructions.sh [--keep]
#
#   --keep  writes the figures to benches/instructions.txt instead of comparing
#
# From the environment: HOOKRUNNER, the binary (target/release/hookrunner).
set -euo pipefail
cd "$(dirname "$0")/.."

readonly KEPT=benches/instructions.txt TOLERANCE_PERCENT=10
# Two counts of different length, so that what start and end take falls out.
readonly FEW=100 MANY=600
export BENCH_SECRET=not-a-secret-but-a-benchmark
. benches/common.sh
case "$*" in '' | --keep) ;; *) fail "unknown arguments \`$*\`" ;; esac

need_valgrind

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

# exchange ADDRESS REQUEST-FILE COUNT EXPECTED: sends the request COUNT times on one connection.
exchange() {
  local request answer length='' head line expected=$4
  request=$(cat "$2"; printf x)
  request=${request%x}
  exec 3<>"/dev/tcp/${1%:*}/${1#*:}"
  for _ in $(seq "$3"); do
    printf '%s' "$request" >&3
    head= length=
    while IFS= read -r line <&3; do
      line=${line%$'\r'}
      [ -n "$line" ] || break
      head+="$line;"
      case ${line,,} in content-length:*) length=${line##* } ;; esac
    done
    answer=
    [ "${length:-0}" = 0 ] || IFS= read -r -N "$length" answer <&3
    case "$head$answer" in $expected) ;; *) fail "got $head$answer" ;; esac
  done
  exec 3>&-
}

# count REQUEST-FILE COUNT EXPECTED: sets `all`, and `own`, which leaves the hash function out.
count() {
  local out=$scratch/callgrind.out port
  rm -f "$out"
  port=$(free_port)
  valgrind --tool=callgrind --callgrind-out-file="$out" "$hookrunner" -hooks benches/stages.yaml \
    -ip 127.0.0.1 -port "$port" >"$scratch/log" 2>&1 &
  server=$!
  for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    kill -0 $server 2>/dev/null || { cat "$scratch/log"; fail 'the server did not start'; }
    sleep 0.1
  done
  exchange "127.0.0.1:$port" "$1" "$2" "$3"
  kill -TERM $server
  wait $server || { cat "$scratch/log"; fail 'the server failed'; }
  server=
  all=$(sed -n 's/^\(summary\|totals\): *//p' "$out" | tail -1)
  local hash
  hash=$(callgrind_annotate --threshold=100 "$out" | sed 's/,//g' |
    awk '/sha2::.*compress|sha256.*compress|compress256/ { total += $1 } END { print total + 0 }')
  own=$((all - hash))
}

# measure NAME REQUEST-FILE EXPECTED: prints "NAME ALL OWN" for one request.
measure() {
  local few_all few_own
  count "$2" $FEW "$3"
  few_all=$all few_own=$own
  count "$2" $MANY "$3"
  echo "$1 $(((all - few_all) / (MANY - FEW))) $(((own - few_own) / (MANY - FEW)))"
}

printf 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' >"$scratch/index"
for hook in by-rule by-verify run; do
  "$hookrunner" send --sender github --secret-env BENCH_SECRET --event push --data @benches/push.json \
    --dry-run "http://127.0.0.1/hooks/$hook" >"$scratch/$hook"
done

{
  measure index "$scratch/index" 'HTTP/1.1 200 *OK'
  measure checked "$scratch/by-rule" 'HTTP/1.1 200 *Hook rules were not satisfied.'
  measure verified "$scratch/by-verify" 'HTTP/1.1 200 *Hook rules were not satisfied.'
  measure run "$scratch/run" 'HTTP/1.1 200 *'
} >"$scratch/figures"

echo 'request   instructions  without the hash'
awk '{ printf "%-9s %12d %17d\n", $1, $2, $3 }' "$scratch/figures"
if [ "$*" = --keep ]; then
  {
    echo '# Instructions of the server for one request, in all and without the hash function. By benches/instructions.sh --keep.'
    cat "$scratch/figures"
  } >$KEPT
  exit
fi
awk -v tolerance=$TOLERANCE_PERCENT '
  /^#/ { next }
  NR == FNR { kept[$1] = $3; next }
  { grown = 100 * ($3 - kept[$1]) / kept[$1] }
  grown > tolerance && ($1 == "checked" || $1 == "verified") {
    printf "%s: %.1f %% more instructions than the %d of '$KEPT'\n", $1, grown, kept[$1]; failed = 1
  }
  END { exit failed }
' $KEPT "$scratch/figures"
