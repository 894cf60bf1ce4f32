#!/usr/bin/env bash
# Everything `make check` looks at besides the tests.
#   tools/lint.sh BUILD_DIR   check (BUILD_DIR has compile_commands.json)
#   tools/lint.sh --format    format all C++ files in place
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -d '' sources < <(find include src apps integrations tests bench -type f \
  \( -name '*.h' -o -name '*.hpp' -o -name '*.cpp' -o -name '*.cu' \) -print0 2>/dev/null | sort -z)

if [[ ${1:-} == --format ]]; then
  clang-format -i "${sources[@]}"
  exit
fi
build=$1
failed=0

step() {
  local name=$1 started=$SECONDS
  shift
  if "$@"; then
    echo "lint: $name: ok ($((SECONDS - started)) s)"
  else
    echo "lint: $name: FAILED" >&2
    failed=1
  fi
}

check_layers_self_test() {
  local output
  output=$(python3 tools/check_layers.py --self-test 2>&1) || { echo "$output"; return 1; }
}

step "format of ${#sources[@]} files" clang-format --dry-run -Werror "${sources[@]}"
step "layer check can fail" check_layers_self_test
step "layers" python3 tools/check_layers.py
step "headers compile alone" python3 tools/check_headers.py "$build"
step "clang-tidy on changed files" python3 tools/tidy_changed.py "$build"
exit $failed
