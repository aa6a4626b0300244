#!/usr/bin/env bash
# Run one config with several seeds, one after another; an interrupted sweep goes on where it was.
set -euo pipefail
# shellcheck source=launch/calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"

usage() {
  cat <<'TEXT'
Usage: launch/seeds.sh [--dry-run] CONFIG SEEDS [--config.FIELD=VALUE ...]

  CONFIG   a config file, for example configs/aspc_usps.py; some take a variant, configs/clustergan_usps_balanced.py:paper
  SEEDS    comma-separated, for example 0,1,2

Runs `python -m jaxcluster.main` in runs/CONFIG-seedN for each seed and prints each run's results.
--dry-run, at any place, prints what would be run and runs nothing.
PYTHON names the interpreter (default: .venv/bin/python if there is one, else python).
TEXT
}

read_words "$@"
[ ${#words[@]} -ge 2 ] || { usage >&2 && exit 2; }
config=${words[0]} seeds=${words[1]}
[ -f "${config%%:*}" ] || die "no config file '$config'"
check SEEDS "$seeds" '[0-9]+(,[0-9]+)*' 'numbers with commas between'

python=$(interpreter)
IFS=, read -ra list <<<"$seeds"
for seed in "${list[@]}"; do
  call "$python" -m jaxcluster.main "--config=$config" "--config.seed=$seed" "${words[@]:2}"
done
