#!/usr/bin/env bash
# Upscales a short clip four times with framelift and shows the result beside ordinary scaling.
#   tools/demo.sh FRAMELIFT     (called by `make demo`, after the build)
set -euo pipefail
cd "$(dirname "$0")/.."
framelift=$1
work=build/demo out=out/demo
mkdir -p "$work" "$out"
quiet=(-hide_banner -loglevel error -nostdin -y)
started=$SECONDS

assets=$(.venv/bin/python tools/fetch_demo_assets.py --out "$work/assets")
"$framelift" models import "$assets/realesr-animevideov3-x4.param" --name animevideov3 --overwrite

# 1280x720 would become 5120x2880: minutes on a small machine. The demo starts from 320x180, with the clip's sound.
small=$work/bbb_320x180.mp4
tools/small_clip.sh "$assets/bigbuckbunny.mp4" "$small"

result=$out/bbb_upscaled.mkv
"$framelift" upscale "$small" "$result" --model animevideov3 --overwrite --stats "$out/stats.json"

# The same part of one frame twice: scaled by Lanczos, and by framelift.
picture=$out/before_after.png frame=60
ffmpeg "${quiet[@]}" -i "$small" -i "$result" -filter_complex "\
[0:v]select=eq(n\,$frame),scale=1280:720:flags=lanczos,crop=640:720:100:0[left];\
[1:v]select=eq(n\,$frame),crop=640:720:100:0[right];\
[left][right]hstack,drawbox=x=639:y=0:w=2:h=720:color=white:t=fill" -frames:v 1 -update 1 "$picture"

frames=$(ffprobe -v error -select_streams v:0 -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$result")
expected=$(ffprobe -v error -select_streams v:0 -count_packets -show_entries stream=nb_read_packets -of csv=p=0 "$small")
[[ $frames == "$expected" ]] || { echo "demo: $result has $frames frames, the input has $expected" >&2; exit 1; }
fps=$(.venv/bin/python -c 'import json, sys; print("%.2f" % json.load(open(sys.argv[1]))["fps"])' "$out/stats.json")
echo
echo "result:       $PWD/$result ($frames frames, 320x180 -> 1280x720, $fps fps)"
echo "before/after: $PWD/$picture (left: Lanczos, right: framelift)"
echo "time:         $((SECONDS - started)) s without the build"
