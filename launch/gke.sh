#!/usr/bin/env bash
# Train on a TPU of Google Kubernetes Engine, where the newest TPUs are: cluster, run, output, end of payment.
set -euo pipefail
# shellcheck source=launch/calls.sh
. "$(dirname "${BASH_SOURCE[0]}")/calls.sh"

usage() {
  cat <<'TEXT'
Usage: launch/gke.sh COMMAND [NAME] --project=PROJECT --region=REGION --cluster=CLUSTER [--dry-run] [options]

  create --bucket=BUCKET    an Autopilot cluster, the JobSet controller, and the right of its jobs to use gs://BUCKET
  run NAME --accelerator=A --topology=T [--chips-per-host=4] [--spot] -- --config=FILE --workdir=gs://BUCKET/FOLDER
                            `python -m jaxcluster.main ...` on each host of one slice
  follow NAME               the output of host 0
  status NAME               of the job and of its pods
  stop NAME                 delete the job; GKE then removes its TPU nodes by itself, some minutes later
  delete                    the cluster and all on it; payment ends

A is tpu-v4-podslice, tpu-v5-lite-podslice, tpu-v5p-slice, tpu-v6e-slice or tpu7x; T its shape in chips: 2x2, 2x4, 4x4
... for v5-lite and v6e, 2x2x1, 2x2x2 ... for the others. One pod per host, each with --chips-per-host chips (1, 4, 8).
tpu7x here has one host (2x2x1): several need a workload policy, which this script does not make.

The checkout goes to gs://BUCKET/jaxcluster-source/NAME.tar.gz. Data: put a file into the bucket and read it below
/bucket, for example --config.data.path=/bucket/data/mine.npz. Results: launch/tpu.sh fetch --from=gs://... --to=DIR.
A spot slice that is taken away comes back by itself, and the run goes on from its last checkpoint. For a change of
the arguments: stop, then run. TPU nodes are paid for while a job holds them, the cluster (a small fee) until delete.
--dry-run prints what would be called, with the manifest, and calls nothing.

Once: gcloud auth login; gcloud services enable container.googleapis.com;
gcloud components install kubectl gke-gcloud-auth-plugin; gcloud storage buckets create gs://BUCKET --location=REGION.

Not tried on a real cluster so far: the calls are checked against the published references, the manifest against the
fields of published examples, and the commands in its pod were run on an ordinary Linux machine.
TEXT
}

JOBSET=https://github.com/kubernetes-sigs/jobset/releases/download/v0.8.1/manifests.yaml

case ${1:-} in
  -h | --help) usage && exit 0 ;;
  --dry-run) dry_run=yes && shift ;;
esac
[ $# -ge 1 ] || { usage >&2 && exit 2; }
command=$1 project="" region="" cluster="" bucket="" accelerator="" topology="" per_host="" spot="" words=()
shift
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage && exit 0 ;;
    --) shift && main_args=("$@") && break ;;
    --dry-run) dry_run=yes ;;
    --spot) spot=yes ;;
    --project=*) project=${1#*=} ;;
    --region=*) region=${1#*=} ;;
    --cluster=*) cluster=${1#*=} ;;
    --bucket=*) bucket=${1#*=} ;;
    --accelerator=*) accelerator=${1#*=} ;;
    --topology=*) topology=${1#*=} ;;
    --chips-per-host=*) per_host=${1#*=} ;;
    -*) die "unknown option '$1'; options are written --name=value, see launch/gke.sh --help" ;;
    *) words+=("$1") ;;
  esac
  case $1 in --dry-run) ;; --*) given="$given ${1%%=*}" ;; esac
  shift
done

case $command in
  create) allow create "--project --region --cluster --bucket" ;;
  run) allow run "--project --region --cluster --accelerator --topology --chips-per-host --spot" ;;
  follow | status | stop | delete) allow "$command" "--project --region --cluster" ;;
  *) die "COMMAND must be create, run, follow, status, stop or delete, got '$command'" ;;
esac
[ "$command" = run ] || [ ${#main_args[@]} -eq 0 ] || die "-- belongs to run only, not to $command"
name=${words[0]:-}
case $command in
  create | delete) [ ${#words[@]} -eq 0 ] || die "$command takes no NAME, got '$name'" ;;
  *)
    check_name NAME "$name"
    [ ${#words[@]} -eq 1 ] || die "$command takes one NAME, got also '${words[1]}'"
    ;;
esac
check --project "$project" '[a-z][-a-z0-9:.]+' 'a project ID such as my-project-123'
check --region "$region" '[a-z]+-[a-z]+[0-9]+' 'a region such as us-central1'
check_name --cluster "$cluster"
need gcloud https://cloud.google.com/sdk/docs/install
need kubectl https://cloud.google.com/kubernetes-engine/docs/how-to/cluster-access-for-kubectl
at=("--location=$region" "--project=$project")
kube=(kubectl "--context=gke_${project}_${region}_$cluster") # never whatever cluster is current

create() {
  local number=PROJECT_NUMBER
  check --bucket "$bucket" '[a-z0-9][a-z0-9_.-]+' 'the name of a bucket, without gs://'
  call gcloud container clusters create-auto "$cluster" "${at[@]}"
  call gcloud container clusters get-credentials "$cluster" "${at[@]}"
  call "${kube[@]}" apply --server-side "--filename=$JOBSET"
  call "${kube[@]}" wait deployment/jobset-controller-manager --namespace=jobset-system --for=condition=Available --timeout=15m
  [ -n "$dry_run" ] || number=$(gcloud projects describe "$project" '--format=value(projectNumber)')
  call gcloud storage buckets add-iam-policy-binding "gs://$bucket" --role=roles/storage.objectUser \
    "--member=principal://iam.googleapis.com/projects/$number/locations/global/workloadIdentityPools/$project.svc.id.goog/subject/ns/default/sa/default"
  echo "the cluster is paid for until: launch/gke.sh delete $(quote "--project=$project" "--region=$region" "--cluster=$cluster")"
}

slice() { # how many hosts, and how many chips each
  local chips=1 side sides
  check --accelerator "$accelerator" 'tpu-v4-podslice|tpu-v5-lite-podslice|tpu-v5p-slice|tpu-v6e-slice|tpu7x' \
    'tpu-v4-podslice, tpu-v5-lite-podslice, tpu-v5p-slice, tpu-v6e-slice or tpu7x'
  case $accelerator in
    tpu-v5-lite-podslice | tpu-v6e-slice) check --topology "$topology" '[1-9][0-9]*x[1-9][0-9]*' 'like 2x4' ;;
    *) check --topology "$topology" '[1-9][0-9]*x[1-9][0-9]*x[1-9][0-9]*' 'like 2x2x1' ;;
  esac
  IFS=x read -ra sides <<<"$topology"
  for side in "${sides[@]}"; do chips=$((chips * side)); done
  [ -n "$per_host" ] || per_host=$((chips < 4 ? chips : 4))
  check --chips-per-host "$per_host" '1|4|8' '1, 4 or 8'
  [ $((chips % per_host)) -eq 0 ] || die "--chips-per-host must divide the $chips chips of --topology=$topology, got '$per_host'"
  hosts=$((chips / per_host))
  [ "$accelerator" != tpu7x ] || [ "$hosts" -eq 1 ] ||
    die "--topology must be 2x2x1 for tpu7x (several hosts need a workload policy, which this script does not make), got '$topology'"
  echo "$topology is $chips chips on $hosts host(s): each hour that the job holds them costs $chips chip-hours"
}

manifest() { # gke.yaml, filled in; arguments of the run as quoted YAML
  local text args="" arg line=$'\n                    '
  shopt -u patsub_replacement 2>/dev/null || true # bash 5.2 would read & in a replacement
  text=$(<"$root/launch/gke.yaml")
  for arg in "${main_args[@]}"; do args="$args- '${arg//\'/\'\'}'$line"; done
  text=${text//\{NAME\}/$name}
  text=${text//\{HOSTS\}/$hosts}
  text=${text//\{CHIPS\}/$per_host}
  text=${text//\{ACCELERATOR\}/$accelerator}
  text=${text//\{TOPOLOGY\}/$topology}
  text=${text//\{BUCKET\}/$bucket}
  text=${text//\{SOURCE\}/$source}
  text=${text//\{SPOT\}/${spot:+cloud.google.com/gke-spot: \"true\"}}
  echo "${text//\{ARGS\}/$args}"
}

run() {
  local folder=TEMPORARY filled
  check_main_args
  [[ $workdir == gs://* ]] || die "--workdir must be gs://BUCKET/FOLDER (a pod keeps no files), got '$workdir'"
  slice
  bucket=${workdir#gs://} && bucket=${bucket%%/*} source=jaxcluster-source/$name.tar.gz
  filled=$(manifest)
  if [ -z "$dry_run" ]; then
    folder=$(mktemp -d)
    # shellcheck disable=SC2064  # the folder of now
    trap "rm -rf '$folder'" EXIT
  fi
  pack "$folder/jaxcluster.tar.gz"
  call gcloud storage cp "$folder/jaxcluster.tar.gz" "gs://$bucket/$source" "--project=$project"
  [ -z "$dry_run" ] || echo "$filled"
  call "${kube[@]}" apply --filename=- <<<"$filled"
  [ -n "$dry_run" ] || echo "its TPU nodes are paid for until it ends, or: launch/gke.sh stop $name $(quote "--project=$project" "--region=$region" "--cluster=$cluster")"
}

follow() {
  call "${kube[@]}" logs "--selector=jobset.sigs.k8s.io/jobset-name=$name,batch.kubernetes.io/job-completion-index=0" \
    --container=train --follow --tail=200
}

status() {
  call "${kube[@]}" get jobset "$name"
  call "${kube[@]}" get pods "--selector=jobset.sigs.k8s.io/jobset-name=$name"
}

stop() {
  call "${kube[@]}" delete jobset "$name"
}

delete() {
  call gcloud container clusters delete "$cluster" "${at[@]}" --quiet
}

"$command"
