#!/usr/bin/env bash
# The 320x180 version of a 1280x720 clip, with its sound, that the demo and the benches start from.
#   tools/small_clip.sh CLIP OUT.mp4
# The clip carries no colour tags, which at 1280x720 means BT.709; at 320x180 that has to be said.
set -euo pipefail
exec ffmpeg -hide_banner -loglevel error -nostdin -y -i "$1" -vf scale=320:180:flags=area -c:v libx264 -crf 12 \
  -preset slow -colorspace bt709 -color_primaries bt709 -color_trc bt709 -c:a copy "$2"
