"""framelift quantize: what is asked for wrongly, the gate, and the models that it makes."""

import json
import re

from sandbox import MODEL, Wrong, case, ffmpeg


def quantize(s, *options, model=MODEL, calibrate=None):
    return ["quantize", model, "--calibrate", calibrate or s.input, "--quiet", *options]


def models(s):
    folder = s.dir / "models"
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def refused(name, says, *words, model=MODEL):
    @case(f"quantize: {name}")
    def _(s):
        s.clip()
        s.must_fail(quantize(s, *words, model=model), says)
        if models(s):
            raise Wrong("a model was written")


refused("an unknown mode", "--mode", "--mode", "int3")
refused("an unknown way to choose ranges", "--ranges", "--ranges", "guess")
refused("no pictures", "--pictures", "--pictures", "0")
refused("a model that is not there", "none.pth", model="none.pth")
refused("a name that is a path", "name", "--name", "../x")
refused("what nobody reaches", ["not good enough", "199", "--mode auto"], "--psnr", "199")


@case("quantize: a clip that is not there")
def _(s):
    s.must_fail(quantize(s, calibrate=s.dir / "none.mp4"), "none.mp4")


@case("quantize: a text for a clip")
def _(s):
    (s.dir / "text.mp4").write_text("no video")
    s.must_fail(quantize(s, calibrate=s.dir / "text.mp4"), "text.mp4")


@case("quantize: without a clip")
def _(s):
    s.must_fail(["quantize", MODEL], "--calibrate")


def dark_frame(s):
    path = s.dir / "dark.png"
    ffmpeg("-f", "lavfi", "-i", "color=c=0x060402:s=64x48", "-frames:v", "1", path)
    return path


@case("quantize: the gate refuses a calibration with one dark frame, and names the layers")
def _(s):
    s.clip("64x48", 12)
    s.must_fail(quantize(s, "--check", s.input, calibrate=dark_frame(s)),
                ["not good enough", "dB of the float network", "calibrated for .* beyond"])
    if models(s):
        raise Wrong("a model was written")


@case("quantize: --force writes it all the same, and the file says so")
def _(s):
    s.clip("64x48", 12)
    s.must_succeed(quantize(s, "--check", s.input, "--force", "--name", "bad", calibrate=dark_frame(s)))
    if "--force" not in s.message:
        raise Wrong("nothing was said")
    if models(s) != ["bad.safetensors"] or b"quantized_proven\":\"no" not in (s.dir / "models/bad.safetensors").read_bytes():
        raise Wrong("the file does not say that it is unproven")


@case("quantize: --mode auto gives layers back until a bad calibration is good enough")
def _(s):
    s.clip("64x48", 12)
    report = s.dir / "report.json"
    s.must_succeed(quantize(s, "--check", s.input, "--mode", "auto", "--report", report, "--chart", s.dir / "c.svg",
                            calibrate=dark_frame(s)))
    found = json.loads(report.read_text())
    if found["objections"] or found["psnr"] < 42 or found["layers"]["floating"] == 0:
        raise Wrong(f"{found}")
    if not (s.dir / "c.svg").read_text().startswith("<svg"):
        raise Wrong("no chart")


@case("quantize: a precision that is none")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--precision", "int8-half"), ["int8-half", "f32", "int8-full"])


@case("quantize: a proven model upscales with --precision int8-full, once it is there")
def _(s):
    s.clip("64x48", 12)
    s.must_succeed(["models", "import", MODEL, "--name", "tiny"])
    s.must_fail(s.upscale("--precision", "int8-full", model="tiny"), ["int8-full", "framelift quantize tiny"])
    s.must_succeed(["quantize", "tiny", "--calibrate", s.input, "--quiet"])
    if models(s) != ["tiny.int8-full.safetensors", "tiny.safetensors"]:
        raise Wrong(f"{models(s)}")
    listed = s.execute(["models", "list"]).stdout
    if not re.search(r"tiny\.int8-full .*\n +int8 \(full\): [\d.]+ dB of the float model, [\d.]+ times f32, proven", listed):
        raise Wrong(listed)
    s.must_fail(["quantize", "tiny", "--calibrate", s.input, "--quiet"], ["tiny.int8-full", "--overwrite"])
    s.must_work(s.upscale("--precision", "int8-full", model="tiny"), frames=12, size=(128, 96))
    s.must_fail(s.upscale("--precision", "int8-mixed", "--overwrite", model="tiny"), "int8-mixed")
    s.must_fail(["quantize", "tiny.int8-full", "--calibrate", s.input, "--quiet"], "quantised already")


@case("quantize: a model of another network to prove")
def _(s):
    s.clip("64x48", 4)
    s.must_fail(["quantize", MODEL, "--from", MODEL, "--check", s.input, "--quiet"], "no quantised model of")


@case("quantize: --from without pictures to prove it with")
def _(s):
    s.must_fail(["quantize", MODEL, "--from", MODEL, "--quiet"], "--check")
