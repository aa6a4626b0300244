#!/usr/bin/env bash
# Train with several processes of this machine, as several hosts would: to try a run of many hosts before paying for it.
set -euo pipefail
# shellcheck source=launch/calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"

usage() {
  cat <<'TEXT'
Usage: launch/local.sh [--dry-run] PROCESSES ARGUMENTS OF jaxcluster.main

  PROCESSES   how many, from 1 on; they find each other at a free port of this machine (PORT names another)

For CPUs: the GPUs or TPUs of one machine are driven by one process alone (--devices).
Ends when all have ended, with the exit code of the first that failed. Ctrl-C and SIGTERM go to all of them.
--dry-run, at any place, prints what would be run and runs nothing.
PYTHON names the interpreter (default: .venv/bin/python if there is one, else python).
TEXT
}

read_words "$@"
[ ${#words[@]} -ge 2 ] || { usage >&2 && exit 2; }
processes=${words[0]} port=${PORT:-}
check PROCESSES "$processes" '[1-9][0-9]*' 'a number from 1 on'
[[ $port =~ ^([1-9][0-9]{0,4})?$ ]] && [ "${port:-1}" -le 65535 ] || die "PORT must be a port, 1 to 65535, got '$port'"

python=$(interpreter)
if [ -n "$dry_run" ]; then
  port=${port:-PORT}
elif [ -z "$port" ]; then
  port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
fi

started=()
trap 'kill -TERM "${started[@]}" 2>/dev/null || true' INT TERM
for ((i = 0; i < processes; i++)); do
  command=("$python" -m jaxcluster.main "--coordinator=127.0.0.1:$port" "--processes=$processes" "--process=$i" "${words[@]:1}")
  echo "+ $(quote "${command[@]}")"
  [ -n "$dry_run" ] || { "${command[@]}" & started+=($!); }
done

code=0
for process in ${started[@]+"${started[@]}"}; do
  while true; do # a signal ends `wait` early
    ended=0
    wait "$process" || ended=$?
    kill -0 "$process" 2>/dev/null || break
  done
  [ "$code" -ne 0 ] || code=$ended
done
exit "$code"
