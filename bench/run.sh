#!/usr/bin/env bash
# Everything `make bench` measures; about 45 minutes on two cores. ROUNDS and FRAMES make it shorter or longer.
#   bench/run.sh FRAMELIFT
set -euo pipefail
cd "$(dirname "$0")/.."
framelift=$1
python=.venv-peers/bin/python
assets=$(.venv/bin/python tools/fetch_demo_assets.py)
clip=build/bench/bbb_320x180.mp4 model=$assets/realesr-animevideov3-x4.param
mkdir -p build/bench
[[ -f $clip ]] || tools/small_clip.sh "$assets/bigbuckbunny.mp4" "$clip"

$python bench/kernels.py "$(dirname "$framelift")"
$python bench/preprocess.py "$(dirname "$framelift")"
$python bench/memory_flat.py "$framelift"
$python bench/network_vs_openvino.py "$framelift" --model "$model" --rounds "${ROUNDS:-5}"
$python bench/compare.py "$framelift" "$clip" --model "$model" --rounds "${ROUNDS:-5}" --frames "${FRAMES:-48}"
# The HDR networks' published weights and the pictures to judge them by are not fetched.
real=${FRAMELIFT_SHARED:-../shared}/assets
if [[ -d $real/weights/hdrtvnetpp ]]; then
  $python bench/hdr.py "$framelift" --weights "$real/weights/hdrtvnetpp" --clip "$assets/bigbuckbunny.mp4" --rounds "${ROUNDS:-5}"
  $python bench/hdr_quality.py "$framelift" --assets "$real"
fi
weights=$real/weights/segmentation/selfie_segmentation.tflite clip=$real/video/intel_asl_walk.mkv
if [[ -f $weights && -f $clip ]]; then
  $python bench/segment.py "$framelift" --model "$weights" --clip "$clip" --rounds "${ROUNDS:-5}"
fi
if [[ -d $real/weights ]]; then
  $python bench/int8.py "$framelift" --upscale "$real/weights/realesrgan/"{realesr-animevideov3-x4,RealESRGAN_General_x4_v3}.param \
    --hdr "$real/weights/hdrtvnetpp/Ensemble_AGCM_LE.pth" --calibrate "$real/video/bigbuckbunny.mp4" \
    "$real/video/nasa_13013_2video_2audio_2subs.mp4" "$real/video/roadtrip-vp92-10bit.webm" --check "$real/video/intel_asl_walk.mkv"
fi
$python bench/expand.py "$framelift" --rounds "${ROUNDS:-5}"
small=tests/golden/srvgg_x2.weights.safetensors
$python bench/profiler.py "$framelift" --model "$small" --frames 300
$python bench/batching.py "$(dirname "$framelift")"
tuned=(--model "$small=320x180")
[[ -f $weights ]] && tuned+=(--model "$weights=256x256")
$python bench/tuning.py "$framelift" "${tuned[@]}" --rounds 12 --seconds 0.25
$python bench/render.py
