# shellcheck shell=bash
# What the scripts here share: printed calls, checked words, the interpreter, the checkout as one file. Sourced, not run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
dry_run="" given="" main_args=() words=()

die() {
  echo "error: $*" >&2
  exit 2
}

fail() {
  echo "error: $*" >&2
  exit 1
}

# The words as they could be typed.
quote() {
  local text
  printf -v text '%q ' "$@"
  echo "${text% }"
}

# Print a command, and run it unless --dry-run.
call() {
  echo "+ $(quote "$@")"
  [ -n "$dry_run" ] || "$@"
}

# --help and --dry-run at any place; the other words go into the array `words`.
read_words() {
  local word
  for word in "$@"; do
    case $word in
      -h | --help) usage && exit 0 ;;
      --dry-run) dry_run=yes ;;
      *) words+=("$word") ;;
    esac
  done
}

interpreter() {
  local own=python
  [ ! -x .venv/bin/python ] || own=.venv/bin/python
  echo "${PYTHON:-$own}"
}

need() { # PROGRAM ADDRESS
  [ -n "$dry_run" ] || command -v "$1" >/dev/null || die "$1 is not installed; see $2"
}

check() { # FIELD VALUE PATTERN ALLOWED
  [[ $2 =~ ^($3)$ ]] || die "$1 must be $4, got '$2'"
}

# A part ".." of a path would lead out of the checkout, or of what a bucket holds.
check_folder() { # FIELD VALUE
  local allowed='gs://BUCKET/FOLDER or a folder of the checkout'
  check "$1" "$2" '(gs://[a-z0-9][a-z0-9_.-]+/)?[A-Za-z0-9_.][A-Za-z0-9_./-]*' "$allowed"
  case /${2#gs://}/ in */../*) die "$1 must be $allowed, without '..', got '$2'" ;; esac
}

check_name() { check "$1" "$2" '[a-z]([-a-z0-9]{0,38}[a-z0-9])?' 'up to 40 of a-z, 0-9 and -, beginning with a letter'; }

# Every option that was given must be one of the command's own.
allow() { # COMMAND OPTIONS
  local option
  for option in $given; do
    case " $2 " in *" $option "*) ;; *) die "$option is not an option of $1; allowed: $2" ;; esac
  done
}

# What stands behind "--" goes to jaxcluster.main as it is; what would fail only on the machine is refused here.
check_main_args() {
  local word config=""
  workdir=""
  for word in ${main_args[@]+"${main_args[@]}"}; do
    case $word in
      --config=*) config=${word#*=} ;;
      --workdir=*) workdir=${word#*=} ;;
      --*=*) ;;
      *) die "options of the run are written --name=value, got '$word'" ;;
    esac
  done
  [ -n "$config" ] || die "--config is missing; write it behind --, for example -- --config=configs/aspc_mnist.py"
  [ -n "$workdir" ] || die "--workdir is missing; write it behind --, for example -- --workdir=gs://BUCKET/mnist-seed0"
  [ -f "$root/$config" ] || die "--config must be a file of this checkout, got '$config'"
  check_folder --workdir "$workdir"
}

# The files a run needs, as they are now (edits and new configs too, without what git ignores), in one file.
pack() { # FILE
  echo "+ pack jaxcluster, configs, launch of $root into $1"
  [ -z "$dry_run" ] || return 0
  (
    cd "$root"
    git ls-files -z --cached --others --exclude-standard -- jaxcluster configs launch pyproject.toml setup.py README.md LICENSE |
      while IFS= read -r -d '' file; do [ ! -f "$file" ] || printf '%s\0' "$file"; done | # not what was deleted
      tar -czf "$1" --null -T -
  ) || die "the checkout could not be packed: $root must be a git checkout"
}
