#!/usr/bin/env bash
# Train on a Cloud TPU (v2 to v6e): ask for it, install, run on all its workers, fetch the results, delete it.
set -euo pipefail
# shellcheck source=launch/calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"

usage() {
  cat <<'TEXT'
Usage: launch/tpu.sh COMMAND NAME --zone=ZONE [--project=PROJECT] [--dry-run] [options]

  create NAME --type=TYPE [--spot] [--runtime=VERSION] [--valid-until=6h]
                            ask for a TPU; the request ends by itself if none is free within --valid-until
  wait NAME                 until it is there; fails if it is refused or taken away
  install NAME              this checkout (edits too), a virtual environment and jax[tpu], on all workers
  copy NAME PATH ...        data, files or folders, into the checkout on all workers
  run NAME -- --config=FILE --workdir=DIR [--name=value ...]
                            the same `python -m jaxcluster.main ...` on all workers, in the background
  follow NAME [--then-delete]
                            its output, until it ends; then delete the TPU, but only if the run ended
                            with exit code 0 and its results lie in gs://
  status NAME               of the TPU and of the run on each worker
  stop NAME                 ask the run to save and end (SIGTERM); the TPU stays
  fetch [NAME] --from=WORKDIR --to=DIR
                            results to this machine; NAME and --zone only if WORKDIR lies on the TPU
  delete NAME               the TPU and all on it; payment ends; shows what else there is in the zone

TYPE is v2-N, v3-N, v4-N, v5p-N (N cores, two a chip), v5litepod-N or v6e-N (N chips). Newer TPUs: launch/gke.sh.
--dry-run prints what would be called and calls nothing. POLL_SECONDS is how often `wait` asks (default 30).

Once: gcloud auth login; gcloud config set project PROJECT; gcloud services enable tpu.googleapis.com;
gcloud storage buckets create gs://BUCKET --location=REGION.

A spot TPU can be taken away at any time. Its state is then SUSPENDED: delete it, then create, wait, install and run
again, the run with the same arguments: with --workdir=gs://BUCKET/FOLDER it goes on from its last checkpoint.

Not tried on a real TPU so far: the calls are checked against the published gcloud reference, the part that runs on
a worker was tried on an ordinary Linux machine. --then-delete works only while this machine is awake and connected.
TEXT
}

case ${1:-} in
  -h | --help) usage && exit 0 ;;
  --dry-run) dry_run=yes && shift ;;
esac
[ $# -ge 1 ] || { usage >&2 && exit 2; }
command=$1 zone="" project="" type="" runtime="" spot="" valid_until=6h from="" to="" then_delete="" words=()
shift
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --) shift && main_args=("$@") && break ;;
    --dry-run) dry_run=yes ;;
    --spot) spot=yes ;;
    --then-delete) then_delete=yes ;;
    --zone=*) zone=${1#*=} ;;
    --project=*) project=${1#*=} ;;
    --type=*) type=${1#*=} ;;
    --runtime=*) runtime=${1#*=} ;;
    --valid-until=*) valid_until=${1#*=} ;;
    --from=*) from=${1#*=} ;;
    --to=*) to=${1#*=} ;;
    -*) die "unknown option '$1'; options are written --name=value, see launch/tpu.sh --help" ;;
    *) words+=("$1") ;;
  esac
  case $1 in --dry-run) ;; --*) given="$given ${1%%=*}" ;; esac
  shift
done

case $command in
  create) allow create "--zone --project --type --spot --runtime --valid-until" ;;
  fetch) allow fetch "--zone --project --from --to" ;;
  follow) allow follow "--zone --project --then-delete" ;;
  wait | install | copy | run | status | stop | delete) allow "$command" "--zone --project" ;;
  *) die "COMMAND must be create, wait, install, copy, run, follow, status, stop, fetch or delete, got '$command'" ;;
esac
[ "$command" = run ] || [ ${#main_args[@]} -eq 0 ] || die "-- belongs to run only, not to $command"

name=${words[0]:-}
if [ "$command" != fetch ] || [[ $from != gs://* ]]; then
  check_name NAME "$name"
  check --zone "$zone" '[a-z]+-[a-z]+[0-9]+-[a-z0-9]+' 'a zone such as us-central1-a'
fi
[ "$command" = copy ] || [ ${#words[@]} -le 1 ] || die "$command takes one NAME, got also '${words[1]}'"
[ -z "$project" ] || check --project "$project" '[a-z][-a-z0-9:.]+' 'a project ID such as my-project-123'
need gcloud https://cloud.google.com/sdk/docs/install
at=("--zone=$zone") in_project=()
[ -z "$project" ] || { at+=("--project=$project") && in_project=("--project=$project"); }

on_workers() { # all|NUMBER COMMAND OF worker.sh
  local which=$1
  shift
  call gcloud compute tpus tpu-vm ssh "$name" "${at[@]}" "--worker=$which" \
    "--command=bash jaxcluster/launch/worker.sh $(quote "$@")"
}

copy_to_workers() { # FILES TO
  call gcloud compute tpus tpu-vm scp "$@" "${at[@]}" --recurse --worker=all
}

state() {
  gcloud compute tpus queued-resources describe "$name" "${at[@]}" '--format=value(state.state)'
}

remind() {
  [ -n "$dry_run" ] || echo "$name is paid for until: launch/tpu.sh delete $name $(quote "${at[@]}")"
}

create() {
  local version=$runtime chips=${type##*-} options=()
  check --type "$type" '(v2|v3|v4|v5p|v5litepod|v6e)-[1-9][0-9]*' \
    'v2-N, v3-N, v4-N, v5p-N, v5litepod-N or v6e-N (newer ones: launch/gke.sh)'
  check --valid-until "$valid_until" '[1-9][0-9]*[smhd]' 'a time such as 30m, 6h or 2d'
  case $type in
    v6e-* | v5litepod-* | *[02468]) ;;
    *) die "--type must have an even N for v2, v3, v4 and v5p (cores, two a chip), got '$type'" ;;
  esac
  case $type in
    v6e-*) version=${version:-v2-alpha-tpuv6e} ;;
    v5litepod-*) version=${version:-v2-alpha-tpuv5-lite} ;;
    v5p-*) version=${version:-v2-alpha-tpuv5} && chips=$((chips / 2)) ;;
    *) version=${version:-tpu-ubuntu2204-base} && chips=$((chips / 2)) ;;
  esac
  check --runtime "$version" '[a-z0-9.-]+' 'a TPU software version such as v2-alpha-tpuv6e'
  [ -z "$spot" ] || options+=(--spot)
  call gcloud compute tpus queued-resources create "$name" "${at[@]}" "--node-id=$name" "--accelerator-type=$type" \
    "--runtime-version=$version" "--valid-until-duration=$valid_until" ${options[@]+"${options[@]}"}
  echo "$type is $chips chips: each hour that it exists costs $chips chip-hours, used or not"
  remind
}

wait_until_there() {
  local now last="" seconds=${POLL_SECONDS:-30}
  check POLL_SECONDS "$seconds" '[0-9]{1,5}' 'a whole number of seconds, below 100000'
  if [ -n "$dry_run" ]; then
    call gcloud compute tpus queued-resources describe "$name" "${at[@]}" '--format=value(state.state)'
    echo "  again every $seconds s until it prints ACTIVE"
    return
  fi
  while true; do
    now=$(state)
    [ "$now" = "$last" ] || echo "$name: $now"
    last=$now
    case $now in
      ACTIVE) remind && return ;;
      FAILED | SUSPENDING | SUSPENDED | DELETING)
        fail "$name is $now and will not come; delete it, then create it again"
        ;;
    esac
    sleep "$seconds"
  done
}

install() {
  local folder=TEMPORARY
  if [ -z "$dry_run" ]; then
    folder=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$folder'" EXIT
  fi
  pack "$folder/jaxcluster.tar.gz"
  copy_to_workers "$folder/jaxcluster.tar.gz" "$name:"
  call gcloud compute tpus tpu-vm ssh "$name" "${at[@]}" --worker=all \
    "--command=mkdir -p jaxcluster && tar -xzf jaxcluster.tar.gz -C jaxcluster && bash jaxcluster/launch/worker.sh install"
  remind
}

copy() {
  local path paths=("${words[@]:1}")
  [ ${#paths[@]} -ge 1 ] || die "copy needs a file or folder, for example: launch/tpu.sh copy $name usps.npz --zone=$zone"
  for path in "${paths[@]}"; do
    [ -e "$path" ] || die "PATH must be a file or folder, got '$path'"
  done
  copy_to_workers "${paths[@]}" "$name:jaxcluster/"
}

run() {
  check_main_args
  case $workdir in
    gs://*) ;;
    *) echo "note: --workdir=$workdir lies on the first worker and is lost with it; gs://BUCKET/... stays" ;;
  esac
  on_workers all start "${main_args[@]}"
  remind
}

follow() {
  local code=0 end
  on_workers 0 follow || code=$?
  if [ -z "$then_delete" ]; then
    remind
    exit "$code"
  elif [ -n "$dry_run" ]; then
    on_workers 0 status
    echo "  and only if it says exit code 0 and a workdir in gs://"
    delete
    return
  fi
  # A lost connection also ends the call above: only the worker's own words say that the run has ended, and how.
  end=$(gcloud compute tpus tpu-vm ssh "$name" "${at[@]}" --worker=0 '--command=bash jaxcluster/launch/worker.sh status') ||
    keep 1 "its state cannot be asked for"
  [[ $end =~ ended,\ exit\ code\ ([0-9]+),\ workdir\ ([^[:space:]]*) ]] || keep 1 "the run has not ended: $end"
  code=${BASH_REMATCH[1]}
  [ "$code" -eq 0 ] || keep "$code" "the run did not end well: $end"
  [[ ${BASH_REMATCH[2]} == gs://* ]] || keep 1 "the results lie on the TPU, fetch them first: $end"
  delete
}

keep() { # EXIT CODE, WHY: what --then-delete says where it does not delete
  echo "error: $name is not deleted and still costs: $2" >&2
  remind
  exit "$1"
}

fetch() {
  [ -n "$from" ] || die "--from is missing: the --workdir of the run"
  [ -n "$to" ] || die "--to is missing: a folder of this machine"
  check_folder --from "$from"
  check --to "$to" '[^-:][^:]*' "a folder of this machine, without ':' and not beginning with '-'"
  call mkdir -p "$to"
  case $from in
    gs://*) call gcloud storage rsync "$from" "$to" --recursive ${in_project[@]+"${in_project[@]}"} ;;
    *)
      call gcloud compute tpus tpu-vm scp "$name:jaxcluster/$from" "$to" "${at[@]}" --recurse --worker=0
      remind
      ;;
  esac
}

delete() {
  call gcloud compute tpus queued-resources delete "$name" "${at[@]}" --force --quiet
  [ -n "$dry_run" ] || echo "deleted; in $zone there is now:"
  call gcloud compute tpus queued-resources list "${at[@]}"
}

case $command in
  wait) wait_until_there ;;
  status)
    call gcloud compute tpus queued-resources describe "$name" "${at[@]}" '--format=value(state.state)'
    on_workers all status
    remind
    ;;
  stop) on_workers all stop && remind ;;
  *) "$command" ;;
esac
