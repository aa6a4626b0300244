#!/usr/bin/env bash
# The measurements that want an accelerator, by both papers' algorithms, in pieces of a few minutes.
set -euo pipefail
# shellcheck source=launch/calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"

usage() {
  cat <<'TEXT'
Usage: launch/measure.sh [--dry-run] [--minutes=N] [--seeds=0,1,2,3,4] PART ...

  aspc         ASPC-DA on MNIST, 500 + 100 epochs a seed (paper: ACC .988, NMI .966)
  wide         the same with stretched and sheared images
  clustergan   ClusterGAN on MNIST, convolutional networks (paper: ACC .964, NMI .921)
  frgc         the same on FRGC, from frgc.npz, which you bring (.476, .615)
  cifar10      on CIFAR-10 (.412, .323)
  stl10        on STL-10 (.423, .335)
  hashing      the same with 32 and with 64 bits, and the retrieval figures of their codes
  speed        seconds of ASPC-DA's phases against their matrix products, kernels of a step

Runs lie in runs/; retrieval figures beside the codes. After N minutes what is under way is asked to save and to end
(exit code 124); the same command goes on from there, and skips what is complete. The data must be prepared: see README.
PYTHON names the interpreter (default: .venv/bin/python if there is one, else python).
TEXT
}

minutes="" seeds=0,1,2,3,4 parts=()
for word in "$@"; do
  case $word in
    -h | --help) usage && exit 0 ;;
    --dry-run) dry_run=yes ;;
    --minutes=*) minutes=${word#*=} ;;
    --seeds=*) seeds=${word#*=} ;;
    aspc | wide | clustergan | frgc | cifar10 | stl10 | hashing | speed) parts+=("$word") ;;
    *) die "PART must be aspc, wide, clustergan, frgc, cifar10, stl10, hashing or speed, got '$word'" ;;
  esac
done
[ ${#parts[@]} -gt 0 ] || { usage >&2; exit 2; }
check --minutes "$minutes" '([1-9][0-9]*)?' 'a whole number'
check --seeds "$seeds" '[0-9]+(,[0-9]+)*' 'numbers with commas between'

python=$(interpreter)
IFS=, read -ra list <<<"$seeds"
end=$((SECONDS + 60 * ${minutes:-0}))

run() { # within what is left of the minutes
  [ -n "$minutes" ] && [ -z "$dry_run" ] || { call "$@"; return; }
  echo "+ $(quote "$@")"
  [ "$SECONDS" -lt "$end" ] || exit 124
  timeout --signal=TERM --kill-after=60 $((end - SECONDS)) "$@"
}

cluster() { # CONFIG [options]
  for seed in "${list[@]}"; do
    run "$python" -m jaxcluster.main "--config=$1" "--config.seed=$seed" "${@:2}"
  done
}

hash() { # BITS
  for seed in "${list[@]}"; do
    folder=runs/clustergan_mnist-$1bits-seed$seed
    run "$python" -m jaxcluster.main --config=configs/clustergan_mnist.py "--config.seed=$seed" "--config.m=$1" "--workdir=$folder"
    [ -f "$folder/retrieval.json" ] || run "$python" -m jaxcluster.metrics.retrieval "--codes=$folder/embedding.npy" \
      --labels=runs/mnist_labels.npy --seeds=5 "--out=$folder/retrieval.json"
  done
}

for part in "${parts[@]}"; do
  case $part in
    aspc) cluster configs/aspc_mnist.py ;;
    wide) cluster configs/aspc_mnist.py:wide ;;
    clustergan) cluster configs/clustergan_mnist.py ;;
    frgc | cifar10 | stl10) cluster "configs/clustergan_$part.py" ;;
    hashing)
      [ -n "$dry_run" ] || mkdir -p runs
      save='import numpy, jaxcluster.data as d; numpy.save("runs/mnist_labels.npy", d.load(name="mnist").labels)'
      [ -f runs/mnist_labels.npy ] || run "$python" -c "$save"
      hash 32
      hash 64
      ;;
    speed) ACCELERATOR_BENCH=record run "$python" -m pytest -m bench tests/bench/test_accelerator_bench.py -s ;;
  esac
done
