#!/usr/bin/env bash
# Installs what framelift's build needs on Debian 12: apt packages (with sudo unless root) and the PyPI packages of
# tools/requirements.txt in .venv. Does only what is missing; does nothing, and needs no network, when all is there.
#   tools/setup.sh          to build, test and run
#   tools/setup.sh --lint   also clang-format and clang-tidy, for `make check`
#   tools/setup.sh --torch  also libtorch (about 1.3 GB) into .venv, for training and NVIDIA GPUs
#   tools/setup.sh --peers  also .venv-peers: PyTorch, OpenVINO and ncnn in Python (about 5 GB), for `make bench`
set -euo pipefail
cd "$(dirname "$0")/.."

build_packages=(
  g++ cmake ninja-build pkg-config ccache git ca-certificates python3-venv python3-dev
  ffmpeg libavformat-dev libavcodec-dev libavutil-dev libavfilter-dev libswscale-dev
  libhwy-dev libzimg-dev libopenexr-dev libzip-dev zlib1g-dev libcurl4-openssl-dev libssl-dev
  libprotobuf-dev protobuf-compiler
  libcli11-dev libspdlog-dev libfmt-dev nlohmann-json3-dev libtomlplusplus-dev libexpected-dev
  libsdl2-dev libgtest-dev libbenchmark-dev xvfb xauth
)
lint_packages=(clang clang-format clang-tidy)

say() { printf 'setup: %s\n' "$*"; }

fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

# Installs the apt packages among "$@" that dpkg does not know as installed.
install_packages() {
  command -v dpkg-query >/dev/null || fail "this script knows Debian; elsewhere install the packages it lists yourself"
  local missing=() package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  local root=()
  if ((EUID != 0)); then
    command -v sudo >/dev/null || fail "missing packages, and neither root nor sudo: apt-get install ${missing[*]}"
    root=(sudo)
  fi
  say "installing ${#missing[@]} Debian packages: ${missing[*]}"
  local log
  log=$(mktemp)
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
  if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
    # Package lists are missing or old.
    "${apt[@]}" update >"$log" 2>&1 || { tail -n 20 "$log" >&2; fail "apt-get update failed"; }
    "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 ||
      { tail -n 20 "$log" >&2; fail "apt-get install failed"; }
  fi
  rm -f "$log"
}

# install_venv FOLDER REQUIREMENTS [PIP OPTIONS]: a virtual environment with exactly the pinned versions.
install_venv() {
  local folder=$1 requirements=$2 python=/usr/bin/python3
  shift 2
  [[ -x $python ]] || python=python3
  if [[ ! -x $folder/bin/python ]] || ! "$folder/bin/python" -c '' 2>/dev/null; then
    say "making $folder"
    "$python" -m venv --clear "$folder"
    echo '*' >"$folder/.gitignore"
  fi
  if ! "$folder/bin/python" - "$requirements" <<'PYTHON'
import importlib.metadata, sys
pins = [line.split("#")[0].strip() for line in open(sys.argv[1])]
for name, version in (pin.split("==") for pin in pins if pin):
    try:
        if importlib.metadata.version(name) != version:
            sys.exit(1)
    except importlib.metadata.PackageNotFoundError:
        sys.exit(1)
PYTHON
  then
    say "installing $requirements into $folder"
    "$folder/bin/python" -m pip install -q --disable-pip-version-check "$@" -r "$requirements"
  fi
}

# once NAME FILES... -- COMMAND...: runs COMMAND unless it succeeded before with the same content of FILES.
once() {
  local stamp=build/setup/$1 files=()
  shift
  while [[ $1 != -- ]]; do
    files+=("$1")
    shift
  done
  shift
  local digest
  digest=$(cat "${files[@]}" | sha256sum)
  [[ -f $stamp && $(<"$stamp") == "$digest" ]] && return 0
  "$@"
  mkdir -p build/setup
  printf '%s\n' "$digest" >"$stamp"
}

[[ -x .venv/bin/python ]] || rm -f build/setup/venv build/setup/torch
[[ -x .venv-peers/bin/python ]] || rm -f build/setup/peers

lint=no peers=no torch=no
for argument in "$@"; do
  case $argument in
    --lint) lint=yes ;;
    --peers) peers=yes ;;
    --torch) torch=yes ;;
    *) fail "unknown option $argument (known: --lint, --peers, --torch)" ;;
  esac
done

once packages tools/setup.sh -- install_packages "${build_packages[@]}"
[[ $lint == no ]] || once lint tools/setup.sh -- install_packages "${lint_packages[@]}"
once venv tools/setup.sh tools/requirements.txt -- install_venv .venv tools/requirements.txt
[[ $torch == no ]] ||
  once torch tools/setup.sh tools/requirements-torch.txt -- install_venv .venv tools/requirements-torch.txt --no-deps
[[ $peers == no ]] || once peers tools/setup.sh bench/peers/requirements.txt -- install_venv .venv-peers bench/peers/requirements.txt
