#!/usr/bin/env bash
# One worker of a Cloud TPU: install, start the run in the background, follow it, stop it. launch/tpu.sh calls this.
set -euo pipefail
# shellcheck source=launch/calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"

usage() {
  cat <<'TEXT'
Usage: launch/worker.sh [--dry-run] install | start ARGUMENTS OF jaxcluster.main | follow | status | stop

Works in the checkout it lies in. A run belongs to no terminal: a lost connection does not end it.
Its output is in run.log. follow ends with the run, with its exit code.
--dry-run, at any place, prints what would be run and runs nothing; status only reads files, with it or without.
TEXT
}

alive() { # false too if the number has passed to another program
  [ ! -f run.exit ] && [ -f run.pid ] && grep -qsa jaxcluster.main "/proc/$(cat run.pid)/cmdline"
}

state() {
  if [ -f run.exit ]; then
    echo "ended, exit code $(cat run.exit), workdir $(cat run.workdir)"
  elif alive; then
    echo "running, process $(cat run.pid), workdir $(cat run.workdir)"
  elif [ -f run.pid ]; then
    echo "gone without an exit code (killed, or the machine restarted), workdir $(cat run.workdir)"
  else
    echo "no run was started here"
  fi
}

install() {
  # The TPU images have Python 3.10; jaxcluster needs 3.11, so uv brings its own.
  { [ -z "$dry_run" ] && python3 -m uv --version >/dev/null 2>&1; } || call python3 -m pip install --quiet --user uv
  [ -x .venv/bin/python ] || call python3 -m uv venv --quiet --python 3.12 .venv
  call python3 -m uv pip install --quiet --python .venv/bin/python --editable . 'jax[tpu]' 'etils[epath-gcs]'
  call .venv/bin/python -c 'import jax, jaxcluster; print("installed: jaxcluster", jaxcluster.__version__, "jax", jax.__version__)'
}

start() {
  local word main=(.venv/bin/python -u -m jaxcluster.main --distributed "$@")
  [ -z "$dry_run" ] || { echo "+ $(quote "${main[@]}") >run.log, in the background" && return; }
  alive && die "a run is going on ($(state)); stop it first, or follow it"
  [ -x .venv/bin/python ] || die "nothing is installed here; launch/tpu.sh install comes first"
  rm -f run.pid run.exit
  echo "-" >run.workdir
  for word in "$@"; do
    case $word in --workdir=*) echo "${word#*=}" >run.workdir ;; esac
  done
  setsid bash launch/worker.sh supervise "$@" >run.log 2>&1 </dev/null &
  for _ in $(seq 100); do
    [ ! -f run.pid ] || break
    sleep 0.1
  done
  [ -f run.pid ] || die "the run did not start: $(tail -n 3 run.log)"
  state
}

supervise() {
  local code=0
  .venv/bin/python -u -m jaxcluster.main --distributed "$@" &
  echo $! >run.pid.new && mv run.pid.new run.pid # whole or not there
  trap '' HUP TERM
  wait $! || code=$?
  echo "$code" >run.exit.new && mv run.exit.new run.exit
}

follow() {
  [ -z "$dry_run" ] || { echo "+ tail -n 200 -f run.log, until the run ends" && return; }
  [ -f run.pid ] || die "$(state)"
  tail -n 200 -f run.log --pid="$(cat run.pid)"
  for _ in $(seq 100); do
    [ ! -f run.exit ] || break
    sleep 0.1
  done
  state
  [ ! -f run.exit ] || exit "$(cat run.exit)"
  exit 1
}

stop() {
  if alive; then
    call kill -TERM "$(cat run.pid)"
    [ -n "$dry_run" ] || echo "asked process $(cat run.pid) to save and end"
  else
    state
  fi
}

read_words "$@"
cd "$root"
case ${words[0]:-} in
  install | start | supervise | follow | stop) "${words[@]}" ;;
  status) state ;;
  *) usage >&2 && exit 2 ;;
esac
