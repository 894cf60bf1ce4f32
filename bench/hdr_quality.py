#!/usr/bin/env python3
"""Quality of SDR to HDR, the networks beside the classical BT.2446: against an HDR picture of the same scene, bf16 against
f32, and flicker added on real footage, a fade and a cut, with and without --stabilise.

    bench/hdr_quality.py FRAMELIFT --assets FOLDER

FOLDER: weights/hdrtvnetpp, video/bigbuckbunny.mp4 and images/ultrahdr_1280x720.*, an SDR and an HLG picture of one scene.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile

import measure

MODELS = {"AGCM": "AGCM.pth", "AGCM + LE": "Ensemble_AGCM_LE.pth", "AGCM + LE, HR weights": "HR.pth", "BT.2446 A": "bt2446a",
          "BT.2446 C": "bt2446c"}


def ffmpeg(*words):
    subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-y", *map(str, words)], check=True)


class Bench:
    def __init__(self, options, folder):
        self.framelift, self.assets, self.folder = options.framelift, options.assets.resolve(), folder

    def hdr(self, source, model, *options):
        """The lossless result and the job's statistics."""
        path = self.assets / "weights/hdrtvnetpp" / model if model.endswith(".pth") else model
        out, stats = self.folder / "out.mkv", self.folder / "stats.json"
        measure.capture(self.framelift, "hdr", source, out, "--model", path, "--encoder", "ffv1", "--pixel-format",
                        "yuv444p10le", "--overwrite", "--quiet", "--stats", stats, *options)
        return out, json.loads(stats.read_text())

    def compare(self, a, b):
        stats = self.folder / "compare.json"
        measure.capture(self.framelift, "compare", a, b, "--stats", stats, "--overwrite", "--quiet")
        return json.loads(stats.read_text())

    def scene(self):
        """One scene as SDR and as HLG, lossless."""
        raw = self.assets / "images/ultrahdr_1280x720"
        sdr, hdr = self.folder / "sdr.mkv", self.folder / "hdr.mkv"
        size = ("-f", "rawvideo", "-s", "1280x720")
        ffmpeg(*size, "-pix_fmt", "yuv420p", "-i", f"{raw}_sdr.yuv420", "-c:v", "ffv1", "-color_primaries", "bt709", "-color_trc",
               "bt709", "-colorspace", "bt709", sdr)
        ffmpeg(*size, "-pix_fmt", "p010le", "-i", f"{raw}.p010", "-c:v", "ffv1", "-pix_fmt", "yuv420p10le", "-color_primaries",
               "bt2020", "-color_trc", "arib-std-b67", "-colorspace", "bt2020nc", hdr)
        rows = []
        for name, model in MODELS.items():
            out, stats = self.hdr(sdr, model)
            rows.append({"model": name, "max_cll": stats["max_cll_nits"], "max_fall": stats["max_fall_nits"],
                         **summary(self.compare(hdr, out))})
        return rows

    def precision(self, clip):
        rows = []
        for name, model in list(MODELS.items())[:3]:
            kept = self.folder / "f32.mkv"
            self.hdr(clip, model, "--precision", "f32")[0].rename(kept)
            rows.append({"model": name, **summary(self.compare(kept, self.hdr(clip, model, "--precision", "bf16")[0]))})
        return rows

    def flicker(self, clip):
        fade, cut = self.folder / "fade.mkv", self.folder / "cut.mkv"
        lossless = ("-c:v", "ffv1", "-an")
        ffmpeg("-i", clip, "-vf", "fade=in:0:40,fade=out:90:42", *lossless, fade)
        # The clip with a test pattern in its middle: two cuts.
        ffmpeg("-i", clip, "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=2", "-filter_complex",
               "[0]trim=end_frame=50,setsar=1[a];[1]format=yuv420p,setsar=1[b];[0]trim=start_frame=50,setpts=PTS-STARTPTS,"
               "setsar=1[c];[a][b][c]concat=n=3", *lossless, cut)
        rows = []
        for source, path in (("Big Buck Bunny", clip), ("the same, faded in and out", fade), ("with two cuts", cut)):
            for name in ("AGCM", "AGCM + LE", "BT.2446 A"):
                row = {"source": source, "model": name}
                for strength in ("0", "0.9"):
                    row[f"stabilise {strength}"] = self.hdr(path, MODELS[name], "--stabilise", strength)[1]["flicker"]
                rows.append(row)
        return rows


def summary(report):
    wanted = ("psnr_rgb", "ssim", "delta_e_itp", "pu21_psnr")
    return {name: figures["mean"] for name, figures in report["metrics"].items() if name in wanted}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("framelift", type=pathlib.Path)
    parser.add_argument("--assets", type=pathlib.Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="framelift-bench-") as folder:
        bench = Bench(options, pathlib.Path(folder))
        clip = bench.folder / "clip.mp4"
        subprocess.run([measure.ROOT / "tools/small_clip.sh", options.assets / "video/bigbuckbunny.mp4", clip], check=True)
        measure.save("hdr_quality", {"scene": bench.scene(), "precision": bench.precision(clip), "flicker": bench.flicker(clip)})


if __name__ == "__main__":
    main()
