#!/usr/bin/env bash
# Run one config with several seeds, one after another; an interrupted sweep goes on where it was.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: launch/seeds.sh [--dry-run] CONFIG SEEDS [--config.FIELD=VALUE ...]

  CONFIG   a config file, for example configs/aspc_usps.py; some take an arm, configs/clustergan_usps_balanced.py:paper
  SEEDS    comma-separated, for example 0,1,2

Runs `python -m jaxcluster.main` in runs/CONFIG-seedN for each seed and prints each run's results.
PYTHON names the interpreter (default: .venv/bin/python if there is one, else python).
TEXT
}

dry_run=""
[ "${1:-}" = "--dry-run" ] && { dry_run=yes; shift; }
case "${1:-}" in -h | --help) usage; exit 0 ;; esac
[ $# -ge 2 ] || { usage >&2; exit 2; }
config=$1 seeds=$2
shift 2
[ -f "${config%%:*}" ] || { echo "error: no config file '$config'" >&2; exit 2; }
[[ $seeds =~ ^[0-9]+(,[0-9]+)*$ ]] || { echo "error: SEEDS must be numbers with commas between, got '$seeds'" >&2; exit 2; }

python=${PYTHON:-python}
[ -z "${PYTHON:-}" ] && [ -x .venv/bin/python ] && python=.venv/bin/python

IFS=, read -ra list <<<"$seeds"
for seed in "${list[@]}"; do
  command=("$python" -m jaxcluster.main "--config=$config" "--config.seed=$seed" "$@")
  echo "+ ${command[*]}"
  [ -n "$dry_run" ] || "${command[@]}"
done
