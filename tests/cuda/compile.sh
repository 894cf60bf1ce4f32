#!/usr/bin/env bash
# Every .cu file through nvcc, warnings as errors.
#   tests/cuda/compile.sh FOLDER [NVCC]
set -euo pipefail
folder=$1 nvcc=${2:-}
if [[ ! -x $nvcc ]]; then
  echo "skipped: there is no nvcc (CUDA toolkit) on this machine"
  exit 77
fi
for source in src/backend/torch/cuda/*.cu tests/cuda/*.cu; do
  "$nvcc" -std=c++20 --fmad=false --expt-relaxed-constexpr -arch=sm_90 -Werror all-warnings -Isrc -c "$source" \
    -o "$folder/$(basename "$source").o"
  echo "$source compiles"
done
