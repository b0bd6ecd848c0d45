# What the scripts that run one server share; to be sourced from the repository's root.
# Sets hookrunner, the binary, and scratch, a directory that goes with the script, as does the process in server.
hookrunner=${HOOKRUNNER:-target/release/hookrunner}
fail() { echo "${0##*/}: $*" >&2; exit 1; }
[ -x "$hookrunner" ] || fail "there is no $hookrunner: cargo build --release"

need_valgrind() {
  ! command -v valgrind >/dev/null || return 0
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends valgrind >&2
}

scratch=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -KILL $server 2>/dev/null || true; rm -rf "$scratch"' EXIT
