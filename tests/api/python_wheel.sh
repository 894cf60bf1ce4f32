#!/usr/bin/env bash
# Builds the Python wheel and tries it in a virtual environment of its own, which stays in build/python for the next
# time. Exit code 77: PyPI cannot be reached.
#   tests/api/python_wheel.sh LIBRARY
set -euo pipefail
library=$(realpath "$1")
cd "$(dirname "$0")/../.."
folder=build/python
rm -rf "$folder/wheel"
mkdir -p "$folder/wheel"
if [[ ! -x $folder/venv/bin/pytest ]]; then
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" install -q -r python/requirements-test.txt ||
    { rm -rf "$folder/venv"; echo "PyPI cannot be reached"; exit 77; }
fi
export PATH="$PWD/$folder/venv/bin:$PATH"
pip wheel -q --no-deps --no-build-isolation -w "$folder/wheel" --config-settings "cmake.define.FRAMELIFT_LIBRARY=$library" ./python
pip install -q --no-deps --force-reinstall "$folder"/wheel/*.whl
pytest -q python/tests
