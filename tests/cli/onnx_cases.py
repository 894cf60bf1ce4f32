"""ONNX: models of other programs, good and hostile, and models for other programs."""

import re
import shutil
import subprocess

from sandbox import GOLDEN, MODEL, ROOT, Wrong, case

CORPUS = ROOT / "tests/fuzz/corpus/onnx"  # tools/make_onnx_corpus.py
ONNX = GOLDEN / "onnx"                    # tools/make_onnx_goldens.py


def copied(s, source, name="my.onnx"):
    return shutil.copy(source, s.dir / name)


def hostile_case(name, says):
    @case(f"onnx: {name}")
    def _(s):
        s.clip()
        model = copied(s, CORPUS / name)
        s.must_fail(s.upscale(model=model), [r"my\.onnx", says])
        message, code = s.message, s.code
        s.must_fail(["models", "import", model], r"my\.onnx")
        s.message, s.code = message, code


hostile_case("cut", "damaged|truncated")
hostile_case("unknown_op", r"/blocks\.0/Attention \(Attention\)")
hostile_case("old_opset", "operator set 9")
hostile_case("huge_tensor", "tensor w")
hostile_case("wrong_length", "8 bytes instead of 324")
hostile_case("absurd_padding", "4611686018427387904")
hostile_case("external_escape", "outside of its own folder")
hostile_case("two_inputs", "2 inputs")
hostile_case("gray", "channels")


@case("onnx: no ONNX at all")
def _(s):
    s.clip()
    model = s.dir / "my.onnx"
    model.write_text("hello\n" * 100)
    s.must_fail(s.upscale(model=model), [r"my\.onnx", "damaged|no ONNX"])


@case("onnx: its tensors' file is missing")
def _(s):
    s.clip()
    s.must_fail(s.upscale(model=copied(s, ONNX / "external.onnx")), ["external.onnx.data", "no such file"])


def contract_case(name, text, says):
    @case(f"onnx: contract with {name}")
    def _(s):
        s.clip()
        model = copied(s, ONNX / "compact_dynamic.onnx")
        (s.dir / "my.toml").write_text(text)
        s.must_fail(s.upscale(model=model), [r"my\.(toml|onnx)", says])


contract_case("a key that there is not", "scael = 2\n", "line 1.*scael.*scale")
contract_case("another scale than the model's", "scale = 4\n", "2 times")
contract_case("broken TOML", "scale 2\n", "TOML")
contract_case("a mean of two numbers", "input_mean = [0.5, 0.5]\n", "3 numbers")


@case("onnx: a model of masks in upscale")
def _(s):
    s.clip()
    s.must_fail(s.upscale(model=ONNX / "mask_fixed.onnx"), "framelift segment")


def export_case(name, words, says):
    @case(f"onnx: export {name}")
    def _(s):
        s.clip()
        (s.dir / "there.onnx").write_text("mine")
        s.must_fail(["models", "export", *(w.replace("DIR", str(s.dir)) for w in words)], says)
        if (s.dir / "there.onnx").read_text() != "mine":
            raise Wrong("overwrote a file without --overwrite")


export_case("onto a file", [str(MODEL), "DIR/there.onnx"], [r"there\.onnx", "--overwrite"])
export_case("to another format", [str(MODEL), "DIR/out.pth"], r"name the file \.onnx")
export_case("of a formula", ["bt2446a", "DIR/out.onnx"], "inverse_tone_map")
export_case("of a model that is not there", ["DIR/none.pth", "DIR/out.onnx"], r"none\.pth")
export_case("into a folder that is not there", [str(MODEL), "DIR/none/out.onnx"], "none")
export_case("for no size", [str(MODEL), "DIR/out.onnx", "--size", "0x16"], "--size")


def md5(path):
    return subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-f", "md5", "-"], capture_output=True,
                          text=True).stdout


@case("onnx: exported and used again, in tiles too, makes the same pictures")
def _(s):
    s.clip("50x38", 3)
    s.must_succeed(["models", "export", MODEL, s.dir / "exported.onnx"])
    results = []
    for model, words in ((MODEL, []), (s.dir / "exported.onnx", []), (s.dir / "exported.onnx", ["--tile", "32"])):
        s.output = s.dir / f"out{len(results)}.mkv"
        s.must_work(s.upscale("--encoder", "ffv1", "--precision", "f32", *words, model=model), 3, (100, 76))
        results.append(md5(s.output))
    if len(set(results)) != 1:
        raise Wrong(f"different pictures: {results}")


@case("onnx: imported with its tensors and its contract")
def _(s):
    s.clip("50x38", 2)
    source = s.dir / "source"
    source.mkdir()
    for name in ("external.onnx", "external.onnx.data"):
        shutil.copy(ONNX / name, source / name)
    (source / "external.toml").write_text('channel_order = "bgr"\n')
    s.must_succeed(["models", "import", source / "external.onnx", "--name", "mine"])
    s.must_work(s.upscale("--encoder", "ffv1", model=source / "external.onnx"), 2, (100, 76))
    expected = md5(s.output)
    shutil.rmtree(source)
    s.output = s.dir / "again.mkv"
    s.must_work(s.upscale("--encoder", "ffv1", model="mine"), 2, (100, 76))
    if md5(s.output) != expected:
        raise Wrong("the imported model makes other pictures")


@case("onnx: what is guessed is said in one line")
def _(s):
    s.clip()
    s.output = s.dir / "out.mkv"
    words = [w for w in s.upscale(model=ONNX / "compact_dynamic.onnx") if w != "--quiet"]
    s.must_work(words, 8, (64, 48))
    if not re.search(r"^compact_dynamic\.onnx: any size, RGB 0 to 1 in, a picture x2 out \(guessed; compact_dynamic\.toml",
                     s.message, re.M):
        raise Wrong("no such line")
