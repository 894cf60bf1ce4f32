#!/usr/bin/env bash
# Everything that takes an NVIDIA GPU: builds framelift on a bare CUDA machine (nvcc, g++, cmake, ninja, a python3 that
# has PyTorch for CUDA; no FFmpeg, no OpenVINO, no network), runs the tests there on the GPU, measures framelift beside
# PyTorch and writes one JSON. At most ten minutes on 16 cores.
#   tools/gpu_check.sh --pack   here, first: the Debian packages that such a machine lacks -> build/gpu_pack (carry it along)
#   tools/gpu_check.sh          there: -> $OUT/gpu.json, or bench/results/gpu.json where OUT is not set
#   tools/gpu_check.sh --dry    anywhere: the same on the CPU at tiny sizes -> build/gpu_dry/gpu.json, to try this script
#   tools/gpu_check.sh --dry --packed   and with the packed packages instead of the installed ones
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'gpu_check: %s\n' "$*"; }

fail() {
  say "$*" >&2
  exit 1
}

mode=gpu packed=auto
for argument in "$@"; do
  case $argument in
    --pack) mode=pack ;;
    --dry) mode=dry ;;
    --packed) packed=yes ;;
    *) fail "unknown option $argument (known: --pack, --dry, --packed)" ;;
  esac
done

# ---- the pack: files of installed Debian packages, and the shared libraries that those need beyond the C and C++ ones
pack_archive=build/gpu_pack/packages.tar.gz
packages=(
  libfmt-dev libspdlog-dev nlohmann-json3-dev libcli11-dev libtomlplusplus-dev libexpected-dev
  libgtest-dev libbenchmark-dev libhwy-dev libzimg-dev libopenexr-dev libimath-dev zlib1g-dev
  libzip-dev libcurl4-openssl-dev libssl-dev pkgconf pkgconf-bin
  libprotobuf-dev protobuf-compiler
)

# Plain files and links of the packages that a build reads, as paths without the first slash.
package_files() {
  dpkg -L "${packages[@]}" |
    grep -E '^/usr/(include|lib|share/(cmake|pkgconfig|pkg-config))/|^/usr/bin/(pkgconf|protoc)$' |
    grep -vE '/lib(crypto|ssl|curl|z|zimg|proto(buf|buf-lite|c))\.a$|^/usr/lib/python' |
    while read -r path; do
      [[ -d $path && ! -L $path ]] || printf '%s\n' "${path#/}"
    done
}

# What the dynamic linker loads for a library or program, without what every Linux has.
needed_libraries() {
  ldd "$@" 2>/dev/null | awk '$3 ~ /^\// { print $3 }' | sort -u |
    grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv|libstdc\+\+|libgcc_s)\.so'
}

# copy_library PATH FOLDER: the library and every name of it, from PATH down to the file itself, that CMake files, linkers
# and programs ask for.
copy_library() {
  local path=$1 next
  while [[ -L $path ]]; do
    next=$(readlink "$path")
    ln -sfn "$(basename "$next")" "$2/$(basename "$path")"
    [[ $next == /* ]] || next=$(dirname "$path")/$next
    path=$next
  done
  cp "$path" "$2"
  next=$(objdump -p "$path" | awk '$1 == "SONAME" { print $2 }')
  [[ -z $next || -e $2/$next ]] || ln -s "$(basename "$path")" "$2/$next"
}

make_pack() {
  command -v dpkg >/dev/null || fail "--pack takes Debian with the packages of tools/setup.sh"
  local stage path
  stage=$(mktemp -d)
  package_files | tar -C / -cf - --files-from=- | tar -C "$stage" -xf -
  local libraries=("$stage"/usr/bin/{pkgconf,protoc}) folder=$stage/usr/lib/x86_64-linux-gnu
  while read -r path; do
    libraries+=("/${path#"$stage"/}")
    copy_library "/${path#"$stage"/}" "$folder"
  done < <(find "$stage" -name '*.so*')
  while read -r path; do
    copy_library "$path" "$folder"
  done < <(needed_libraries "${libraries[@]}")
  mkdir -p "$(dirname "$pack_archive")"
  tar -C "$stage" -czf "$pack_archive" usr
  rm -rf "$stage"
  say "$pack_archive: $(du -h "$pack_archive" | cut -f1)"
}

if [[ $mode == pack ]]; then
  make_pack
  exit
fi

# ---- where things are
started=$SECONDS
if [[ $mode == dry ]]; then
  build=build/gpu_dry device=cpu out=build/gpu_dry/gpu.json
else
  build=build/gpu device=cuda out=${OUT:-bench/results}/gpu.json
fi
[[ $packed == yes ]] && build+=_packed
python=${PYTHON:-python3}
if [[ $mode == dry && -x .venv-peers/bin/python ]]; then python=.venv-peers/bin/python; fi
torch=$("$python" -c 'import torch; print(torch.__path__[0])' 2>/dev/null) ||
  fail "$python has no PyTorch; set PYTHON to one that has"
# The engine is built against the same libtorch that its peer runs on.
command -v cmake >/dev/null || fail "cmake is missing"
command -v ninja >/dev/null || fail "ninja is missing"

options=(-DCMAKE_BUILD_TYPE=Release -DFRAMELIFT_FFMPEG=OFF -DFRAMELIFT_OPENVINO=OFF -DFRAMELIFT_DISPLAY=OFF
  -DFRAMELIFT_TORCH=ON -Dframelift_torch_root="$torch")
if [[ $packed == auto ]]; then
  packed=no
  [[ $mode == gpu && -f $pack_archive ]] && packed=yes
fi
if [[ $packed == yes ]]; then
  [[ -f $pack_archive ]] || fail "$pack_archive is missing; make it with tools/gpu_check.sh --pack on Debian 12"
  prefix=$PWD/$build/packages
  mkdir -p "$prefix"
  tar -C "$prefix" -xzf "$pack_archive"
  libraries=$prefix/usr/lib/x86_64-linux-gnu
  # CMake and pkg-config find them here; programs find the shared ones by RPATH, and so do these each other.
  for program in pkgconf protoc; do
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s/usr/bin/%s "$@"\n' "$libraries" "$prefix" "$program" >"$prefix/$program"
    chmod +x "$prefix/$program"
  done
  export PKG_CONFIG=$prefix/pkgconf PKG_CONFIG_SYSROOT_DIR=$prefix
  export PKG_CONFIG_LIBDIR=$libraries/pkgconfig:$prefix/usr/share/pkgconfig
  link="-Wl,--disable-new-dtags -Wl,-rpath,$libraries -Wl,-rpath-link,$libraries"
  options+=(-DFRAMELIFT_PROTOC="$prefix/protoc" -DCMAKE_PREFIX_PATH="$prefix/usr" -DCMAKE_LIBRARY_ARCHITECTURE=x86_64-linux-gnu
    -DCMAKE_CXX_FLAGS="-isystem $prefix/usr/include/x86_64-linux-gnu -isystem $prefix/usr/include"
    -DCMAKE_EXE_LINKER_FLAGS="$link" -DCMAKE_SHARED_LINKER_FLAGS="$link" -DCMAKE_MODULE_LINKER_FLAGS="$link")
fi
if [[ $mode == gpu ]]; then
  options+=(-DFRAMELIFT_CUDA=ON)
  nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader || fail "no NVIDIA GPU here"
fi

# ---- build
mkdir -p "$build"
targets=(framelift framelift_torch test_golden test_onnx test_ops test_pipeline_jobs test_preprocess test_postprocess)
cmake -G Ninja -S . -B "$build" "${options[@]}" >"$build/configure.log" 2>&1 ||
  { tail -n 20 "$build/configure.log" >&2; fail "configuring failed: $build/configure.log"; }
if [[ $packed == yes ]] && grep -E '_(LIBRARY|LIBRARIES|DIR)[^=]*=/usr/(lib|share|include)' "$build/CMakeCache.txt"; then
  say "the packages above are this system's own, not those of the pack"
fi
if grep -q libframelift_torch_cuda "$build/build.ninja"; then targets+=(framelift_torch_cuda); fi
cmake --build "$build" --target "${targets[@]}" >"$build/build.log" 2>&1 ||
  { grep -E 'error|FAILED' "$build/build.log" | head -n 20 >&2; fail "building failed: $build/build.log"; }
say "built in $((SECONDS - started)) s"
framelift=$build/bin/framelift
"$framelift" doctor

# ---- tests: each program's result as XML, for the JSON below
mkdir -p "$build/tests"
failed=0
for test in test_golden test_onnx test_ops test_pipeline_jobs test_preprocess test_postprocess; do
  result=ok
  timeout 150 "$build/bin/$test" --gtest_brief=1 --gtest_output="xml:$build/tests/$test.xml" >"$build/tests/$test.log" 2>&1 ||
    { result=FAILED failed=1; grep -aE 'FAILED|Failure' "$build/tests/$test.log" | head -n 20 || true; }
  say "$test: $result ($((SECONDS - started)) s)"
done

# ---- a whole job
rm -f "$build/out.y4m"
"$framelift" upscale test:96x64:5 "$build/out.y4m" --model tests/golden/srvgg_x2.weights.safetensors --backend torch \
  --device "$device" --quiet || failed=1
[[ $(head -c 23 "$build/out.y4m") == 'YUV4MPEG2 W192 H128 F25' ]] || { say "the job's output is wrong"; failed=1; }

# ---- figures
bench=(bench/gpu.py "$framelift" --out "$build/figures.json" --deadline $((560 - (SECONDS - started))))
if [[ $mode == dry ]]; then bench+=(--dry --seconds 0.2); fi
"$python" "${bench[@]}" || failed=1
mkdir -p "$(dirname "$out")"
"$python" - "$build" "$out" "$device" <<'PYTHON'
import json, pathlib, subprocess, sys
import xml.etree.ElementTree as xml

build, out, device = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3]
tests = {}
for path in sorted((build / "tests").glob("*.xml")):
    cases = list(xml.parse(path).getroot().iter("testcase"))
    log = (build / "tests" / f"{path.stem}.log").read_text(errors="replace")
    tests[path.stem] = {
        "run": len(cases),
        "failed": [f"{case.get('classname')}.{case.get('name')}" for case in cases if case.find("failure") is not None],
        "skipped": sum(case.find("skipped") is not None for case in cases),
        "why_skipped": sorted({case.find("skipped").get("message", "").strip().split("\n")[-1]
                               for case in cases if case.find("skipped") is not None}),
        "on_the_gpu": [line for line in log.split("\n") if line.startswith("cuda ")]}
doctor = subprocess.run([build / "bin/framelift", "doctor"], capture_output=True, text=True).stdout.split("\n")
out.write_text(json.dumps({"doctor": doctor, "tests": tests, **json.loads((build / "figures.json").read_text())}, indent=1) + "\n")
PYTHON
say "wrote $out ($((SECONDS - started)) s)"
((failed == 0)) || fail "something failed, see above"
