#!/usr/bin/env bash
# Train with several processes of this machine, as several hosts would: to try a run of many hosts before paying for it.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: launch/local.sh [--dry-run] PROCESSES ARGUMENTS OF jaxcluster.main

  PROCESSES   how many, from 1 on; they find each other at a free port of this machine (PORT names another)

For CPUs: the GPUs or TPUs of one machine are driven by one process alone (--devices).
Ends when all have ended, with the exit code of the first that failed. Ctrl-C and SIGTERM go to all of them.
PYTHON names the interpreter (default: .venv/bin/python if there is one, else python).
TEXT
}

dry_run=""
[ "${1:-}" = "--dry-run" ] && { dry_run=yes; shift; }
case "${1:-}" in -h | --help) usage; exit 0 ;; esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
processes=$1
shift
[[ $processes =~ ^[1-9][0-9]*$ ]] || { echo "error: PROCESSES must be a number from 1 on, got '$processes'" >&2; exit 2; }

python=${PYTHON:-python}
[ -z "${PYTHON:-}" ] && [ -x .venv/bin/python ] && python=.venv/bin/python
if [ -z "$dry_run" ]; then
  free='import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
  port=${PORT:-$("$python" -c "$free")}
fi

started=()
trap 'kill -TERM "${started[@]}" 2>/dev/null || true' INT TERM
for ((i = 0; i < processes; i++)); do
  command=("$python" -m jaxcluster.main "--coordinator=127.0.0.1:${port:-PORT}" "--processes=$processes" "--process=$i" "$@")
  echo "+ ${command[*]}"
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
