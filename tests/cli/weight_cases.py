"""Bad, hostile and wrong weight files."""

import http.server
import re
import shutil
import struct
import threading

import hostile_files
from sandbox import CASES, GOLDEN, MODEL, OTHER_PTH, Wrong, case


def weights_case(name, says=()):
    """Registers a case that writes a bad weight file, which `upscale` and `models import` must refuse."""
    def register(make):
        def run(s):
            s.clip()
            path = make(s)
            s.must_fail(s.upscale(model=path), [re.escape(path.stem + "."), *([says] if isinstance(says, str) else says)])
            message, code = s.message, s.code
            s.must_fail(["models", "import", path, "--name", "bad"])
            imported = [p.name for d in ("models", "data") for p in (s.dir / d).rglob("*") if p.is_file()]
            if imported:
                raise Wrong(f"'models import' left {', '.join(imported)}")
            s.message, s.code = message, code
        CASES.append((f"weights: {name}", run))
        return make
    return register


@weights_case("missing file")
def _(s):
    return s.dir / "none.safetensors"


@weights_case("empty file")
def _(s):
    path = s.dir / "w.safetensors"
    path.write_bytes(b"")
    return path


@weights_case("of a network framelift does not know")
def _(s):
    path = s.dir / "w.safetensors"
    hostile_files.safetensors(path, {"encoder.layer.0.weight": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}},
                              b"\0" * 16)
    return path


@weights_case("one tensor of another network's shape", [r"body\.2\.weight", "shape"])
def _(s):
    def change(header):
        header["body.2.weight"]["shape"] = [4, 16, 3, 3]
    path = s.dir / "w.safetensors"
    hostile_files.with_header(MODEL, path, change)
    return path


@weights_case("a tensor is missing")
def _(s):
    path = s.dir / "w.safetensors"
    hostile_files.with_header(MODEL, path, lambda header: header.update(renamed=header.pop("body.2.bias")))
    return path


def truncated(name, source, share):
    @weights_case(f"{name} truncated to {share:.0%}")
    def _(s):
        path = s.dir / ("w" + source.suffix)
        data = source.read_bytes()
        path.write_bytes(data[:int(len(data) * share)])
        return path


truncated("safetensors", MODEL, 0.7)
truncated("safetensors", MODEL, 0.02)
truncated("zip .pth", OTHER_PTH, 0.7)
truncated("legacy .pth", GOLDEN / "rrdb_x1.weights.pth", 0.7)
truncated("legacy .pth", GOLDEN / "rrdb_x1.weights.pth", 0.05)


@weights_case("ncnn .bin truncated")
def _(s):
    source = GOLDEN / "srvgg_x2_ncnn.weights.param"
    shutil.copy(source, s.dir / "w.param")
    (s.dir / "w.bin").write_bytes(source.with_suffix(".bin").read_bytes()[:-100])
    return s.dir / "w.param"


@weights_case("ncnn .bin missing", r"\.bin")
def _(s):
    shutil.copy(GOLDEN / "srvgg_x2_ncnn.weights.param", s.dir / "w.param")
    return s.dir / "w.param"


@weights_case("ncnn .param with a weight count of 2^31")
def _(s):
    source = GOLDEN / "srvgg_x2_ncnn.weights.param"
    (s.dir / "w.param").write_text(source.read_text().replace("6=324", "6=2147483647"))
    shutil.copy(source.with_suffix(".bin"), s.dir / "w.bin")
    return s.dir / "w.param"


@weights_case("NaN inside", "nan|finite")
def _(s):
    path = s.dir / "w.safetensors"
    hostile_files.with_nan(MODEL, path)
    return path


@weights_case("safetensors header length 2^63")
def _(s):
    path = s.dir / "w.safetensors"
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}" * 100)
    return path


@weights_case("safetensors negative offsets")
def _(s):
    path = s.dir / "w.safetensors"
    hostile_files.with_header(MODEL, path, lambda h: h["body.0.weight"].update(data_offsets=[-16, 848]))
    return path


@weights_case("safetensors offsets beyond the file")
def _(s):
    path = s.dir / "w.safetensors"
    hostile_files.with_header(MODEL, path, lambda h: h["body.0.weight"].update(data_offsets=[2**40, 2**40 + 864]))
    return path


@weights_case("safetensors shape whose product overflows")
def _(s):
    path = s.dir / "w.safetensors"
    hostile_files.with_header(MODEL, path, lambda h: h["body.0.weight"].update(shape=[2**32, 2**32, 3, 3]))
    return path


@weights_case("safetensors JSON nested 100,000 deep")
def _(s):
    path = s.dir / "w.safetensors"
    hostile_files.safetensors(path, b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}")
    return path


@weights_case("pickle nested 100,000 deep")
def _(s):
    path = s.dir / "w.pth"
    hostile_files.torch_zip(path, hostile_files.deep(100_000))
    return path


@weights_case("pickle that doubles itself 60 times")
def _(s):
    path = s.dir / "w.pth"
    hostile_files.torch_zip(path, hostile_files.tuple_bomb(60))
    return path


@weights_case("pickle tensor claiming 2^40 elements")
def _(s):
    path = s.dir / "w.pth"
    hostile_files.torch_zip(path, hostile_files.huge_storage(), [("0", b"\0" * 100)])
    return path


def malicious(name, make, wrap):
    @case(f"weights: {name}")
    def _(s):
        s.clip()
        marker, path = s.dir / "marker", s.dir / "w.pth"
        wrap(path, make(marker))
        s.must_fail(s.upscale(model=path), "w.pth")
        message, code = s.message, s.code
        s.must_fail(["models", "info", path])
        if marker.exists():
            raise Wrong("the pickle's code was executed")
        s.message, s.code = message, code


malicious("pickle calling os.system (zip)", lambda m: hostile_files.calling_system(f"touch {m}"), hostile_files.torch_zip)
malicious("pickle calling os.system (bare)", lambda m: hostile_files.calling_system(f"touch {m}"),
          lambda path, data: path.write_bytes(data))
malicious("pickle calling eval", lambda m: hostile_files.calling_eval(f"open({str(m)!r}, 'w')"), hostile_files.torch_zip)


@case("weights: pull with a wrong checksum")
def _(s):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(GOLDEN))

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    catalogue = s.dir / "catalogue.toml"
    catalogue.write_text(
        '[[model]]\nname = "tiny"\ndescription = "test"\naliases = []\nnetwork = "srvgg-compact"\nlicense = "CC0-1.0"\n'
        f'source = "http://127.0.0.1:{server.server_port}"\n[[model.file]]\n'
        f'url = "http://127.0.0.1:{server.server_port}/{MODEL.name}"\nsha256 = "{"0" * 64}"\n')
    try:
        s.must_fail(["models", "pull", "tiny"], "sha|checksum", env=s.environment(FRAMELIFT_CATALOGUE=str(catalogue)))
        found = [p.name for d in ("models", "data", "cache") for p in (s.dir / d).rglob("*.safetensors")]
        if found:
            raise Wrong(f"left {found} in the model folder")
    finally:
        server.shutdown()


@case("weights: pull of a name that is in no catalogue")
def _(s):
    s.must_fail(["models", "pull", "nosuchmodel"], "nosuchmodel")


@case("weights: model name that is not installed")
def _(s):
    s.clip()
    s.must_fail(s.upscale(model="nosuchmodel"), "nosuchmodel")


@case("weights: info tells the size in every precision")
def _(s):
    for model, parameters in ((MODEL, 2292), (GOLDEN / "rrdb_x4.weights.pth", None)):
        text = s.execute(["models", "info", model]).stdout
        found = int(re.search(r"^parameters  (\d+)$", text, re.M).group(1))
        if parameters and found != parameters:
            raise Wrong(f"{found} parameters, expected {parameters}")
        size = [f"{found * each / 1e6:.2f}" for each in (4, 2, 1)]
        line = "size        {} MB in f32, {} in f16 and bf16, {} in int8".format(*size)
        if line not in text.split("\n"):
            raise Wrong(f"no line '{line}' in:\n{text}")
