"""Sizes, timings and the benchmark matrix: what is asked for wrongly, and what comes out."""

import csv
import json
import re
import signal
import subprocess
import time

from sandbox import MODEL, OTHER_PTH, Wrong, case


def option_case(name, says, *words):
    @case(f"option: {name}")
    def _(s):
        s.clip()
        s.must_fail(s.upscale(*words), says)


option_case("input size 0x5", ["--input-size", "0x5"], "--input-size", "0x5")
option_case("input size that is none", ["--input-size", "large"], "--input-size", "large")
option_case("input size with more behind it", "64x48x2", "--input-size", "64x48x2")
option_case("input size beyond every limit", "--input-size", "--input-size", "9999999x10")
option_case("input size and a limit", "input", "--input-size", "64x48", "--max-input-width", "32")
option_case("batch 0", "batch", "--batch", "0")
option_case("unknown fit", "fit", "--input-size", "64x48", "--fit", "crop")
option_case("fit without an input size", "fit|input-size", "--fit", "stretch")
option_case("keep bars without an input size", "bars|input-size", "--keep-bars")
option_case("input limit 0", "max-input-width", "--max-input-width", "0")
option_case("timing interval 0", "timing-interval", "--timing-interval", "0")
option_case("negative warm-up", "warm-up", "--warm-up", "-1")
option_case("unknown device", "'mps'", "--device", "mps")
option_case("a GPU that is not there", "cuda:99", "--device", "cuda:99")
option_case("target rate 0", "frame rate", "--target-fps", "0")


# ---- sizes and aspect ratios, as ffprobe sees them (the model doubles the size)


def shape(path):
    result = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v:0", "-show_entries",
                             "stream=sample_aspect_ratio,display_aspect_ratio", "-of", "csv=p=0", str(path)],
                            capture_output=True, text=True)
    return result.stdout.strip().strip(",")


def size_case(name, size, aspects, *words):
    @case(f"size: {name}")
    def _(s):
        s.clip("64x32", 4, "in.mp4", "-vf", "setsar=4/3")
        s.must_work(s.upscale("--encoder", "ffv1", *words), 4, size)
        found = shape(s.output)
        if found != aspects:
            raise Wrong(f"sample and display aspect ratio {found}, expected {aspects}")


size_case("the model's", (128, 64), "4:3,8:3")
size_case("reduced before the network", (64, 32), "4:3,8:3", "--max-input-width", "32")
size_case("reduced before, back to the source's", (64, 32), "4:3,8:3", "--max-input-height", "8", "--scale", "1")
size_case("letterboxed, bars cut off", (80, 40), "4:3,8:3", "--input-size", "40x40")
size_case("letterboxed, bars kept", (80, 80), "4:3,4:3", "--input-size", "40x40", "--keep-bars")
size_case("stretched", (80, 80), "8:3,8:3", "--input-size", "40x40", "--fit", "stretch")
size_case("stretched, back to the source's", (64, 32), "4:3,8:3", "--input-size", "40x40", "--fit", "stretch",
          "--scale", "1")
size_case("letterboxed, output limited", (60, 30), "4:3,8:3", "--input-size", "40x40", "--max-width", "60")


# ---- timings


@case("timings: lines and statistics")
def _(s):
    s.clip("32x24", 25)
    result = s.execute(s.upscale("--timing-interval", "10", "--warm-up", "2", "--target-fps", "1000000000", "--stats",
                                 s.dir / "stats.json", output="null:"))
    lines = [line for line in result.stderr.split("\n") if line]
    stages = " ".join(rf"{name} \d+\.\d\d" for name in ("decode", "preprocess", "network", "postprocess", "encode"))
    pattern = rf"timing (\d+): [\d.]+ fps, 1% low [\d.]+, \d+ late, \d+ drops; ms a frame: {stages}; limited by \w+"
    if s.code or len(lines) != 2 or [re.fullmatch(pattern, line) and line.split()[1] for line in lines] != ["10:", "20:"]:
        raise Wrong(f"exit code {s.code}, lines {lines}")
    stats = json.loads((s.dir / "stats.json").read_text())
    wanted = {"frames": 25, "target_fps": 1e9, "late_frames": 24, "warm_up": 2, "compile_cached": False}
    for key, value in wanted.items():
        if stats[key] != value:
            raise Wrong(f"{key} is {stats[key]}, expected {value}")
    if not stats["compile_seconds"] > 0 or len(stats["stages"]) != 5:
        raise Wrong("compile_seconds or stages are missing")


@case("timings: statistics over an existing file")
def _(s):
    s.clip()
    (s.dir / "stats.json").write_text("mine")
    s.must_fail(s.upscale("--stats", s.dir / "stats.json"), "stats.json")
    if (s.dir / "stats.json").read_text() != "mine":
        raise Wrong("the file was replaced")


@case("timings: the second compile comes from the cache")
def _(s):
    s.clip()
    found = []
    for words in ([], [], ["--no-cache"]):
        s.execute(s.upscale("--stats", s.dir / "stats.json", "--overwrite", *words, output="null:"))
        found.append(json.loads((s.dir / "stats.json").read_text())["compile_cached"])
    if found != [False, True, False]:
        raise Wrong(f"compile_cached is {found}")


# ---- the fastest setting


@case("tuning: found once, used by verbs, remembered")
def _(s):
    s.clip("32x24", 4)
    file = lambda: next((s.dir / "cache/framelift").glob("tuning-*.json"), None)
    found = []
    for name in ("first", "second"):
        s.execute(s.upscale("--mode", "auto", "--stats", s.dir / f"{name}.json", output="null:"))
        if s.code:
            raise Wrong(f"exit code {s.code}")
        stats = json.loads((s.dir / f"{name}.json").read_text())
        found.append((stats["tuning"], file().read_text()))
        if f"{stats['streams']} stream" not in stats["tuning"]:
            raise Wrong(f"{stats['streams']} streams run, but {stats['tuning']!r}")
    if found[0] != found[1]:
        raise Wrong(f"it was searched for again: {found}")
    file().write_text("no JSON")
    result = s.execute(s.upscale("--mode", "auto", "--no-cache", "--plan", output="null:"))
    if s.code or not re.search(r"tuned    batch \d+, \d+ streams?, \d+ threads?: [\d.]+ fps", result.stdout) or file().read_text() != "no JSON":
        raise Wrong("with --no-cache it is not searched for, or kept")


@case("tuning: a search says what it tried")
def _(s):
    words = ["bench", "model", MODEL, "--size", "32x24", "--auto", "--batch", "2", "--json"]
    for remembered in (False, True):
        found = json.loads(s.execute(words).stdout)
        if s.code or found["remembered"] != remembered or bool(found["trials"]) == remembered or not found["reason"]:
            raise Wrong(f"exit code {s.code}, {found}")
        if not remembered and max(t["batch"] for t in found["trials"]) != 2:
            raise Wrong(f"batches {found['trials']}")
    s.must_fail([*words, "--csv", s.dir / "table.csv"], "--csv")


# ---- bench matrix


def matrix(s, *words, models=MODEL, sizes=("--sizes", "32x24"), file="m.csv"):
    return ["bench", "matrix", "--models", models, *sizes, "--frames", "4", "--csv", s.dir / file, *words]


def rows_of(s):
    with open(s.dir / "m.csv", newline="") as file:
        rows = list(csv.DictReader(file, strict=True))
    if any(None in row or None in row.values() for row in rows):
        raise Wrong("a row has more or fewer fields than the header")
    return rows


@case("matrix: every combination")
def _(s):
    words = matrix(s, "--precisions", "f32,bf16", "--prefetch", "1,4", "--threads", "1,2", "--modes",
                   "throughput,latency", "--chart", s.dir / "m.html")
    result = s.execute(words)
    rows = rows_of(s)
    settings = {(r["precision"], r["mode"], r["threads"], r["prefetch"]) for r in rows}
    if s.code or len(rows) != 16 or len(settings) != 16:
        raise Wrong(f"exit code {s.code}, {len(rows)} rows, {len(settings)} settings")
    for row in rows:
        if row["status"] != "ok" or not float(row["fps"]) > 0 or row["frames"] != "4" or not row["cpu"] or not row["date"]:
            raise Wrong(f"row {row}")
        if row["computed_precision"] != row["precision"]:
            raise Wrong(f"{row['precision']} became {row['computed_precision']}")
    best = max(rows, key=lambda row: float(row["fps"]))
    marked = [line for line in result.stdout.split("\n") if "best" in line]
    if len(marked) < 1 or f"{float(best['fps']):.2f}" not in marked[0]:
        raise Wrong(f"the best is {best['fps']}, marked are {marked}")
    page = (s.dir / "m.html").read_text()
    if page.count("<rect") != 1 + 2 + 16 or "http" in page.replace("http://www.w3.org/2000/svg", ""):
        raise Wrong("the chart has other bars than the matrix, or is not self-contained")
    left = s.files() - {s.dir / "m.csv", s.dir / "m.html"}
    if left:
        raise Wrong(f"left behind: {left}")


@case("matrix: an unknown model is a failed cell")
def _(s):
    s.execute(matrix(s, "--rounds", "3", models=f"nosuch,{MODEL}"))
    rows = rows_of(s)
    if s.code or [r["status"] for r in rows] != ["failed", "ok"] or "nosuch" not in rows[0]["reason"]:
        raise Wrong(f"exit code {s.code}, rows {rows}")


@case("matrix: nothing but failed cells")
def _(s):
    s.execute(matrix(s, models="nosuch,neither"))
    if s.code != 1 or [r["status"] for r in rows_of(s)] != ["failed", "failed"]:
        raise Wrong(f"exit code {s.code}")


@case("matrix: a cell beyond its time")
def _(s):
    # 30 runs over 3840x2160 pixels take more than a tenth of a second on anything.
    s.execute(matrix(s, "--timeout", "0.1", "--warm-up", "30", models=OTHER_PTH, sizes=("--sizes", "3840x2160")))
    if s.code != 1 or "0.1 s" not in rows_of(s)[0]["reason"]:
        raise Wrong(f"exit code {s.code}, {rows_of(s)}")


@case("matrix: a real input")
def _(s):
    s.clip()
    s.execute(matrix(s, "--input", s.input, sizes=()))
    if s.code or rows_of(s)[0]["size"] != str(s.input):
        raise Wrong(f"exit code {s.code}")


@case("matrix: Ctrl-C keeps the finished cells")
def _(s):
    words = matrix(s, "--chart", s.dir / "m.svg", models=f"nosuch,{OTHER_PTH}",
                   sizes=("--sizes", "3840x2160", "--warm-up", "100000"))
    process = subprocess.Popen([str(s.binary), *map(str, words)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                               text=True, env=s.environment(), cwd=s.dir)
    process.stderr.readline()  # of the first cell; the second takes for ever
    process.send_signal(signal.SIGINT)
    s.code = process.wait(60)
    s.message = process.stderr.read().strip()
    process.stderr.close()
    if s.code != 130 or len(rows_of(s)) != 1 or "<svg" not in (s.dir / "m.svg").read_text():
        raise Wrong(f"exit code {s.code}")


@case("matrix: Ctrl-C before the first cell is done")
def _(s):
    words = matrix(s, models=OTHER_PTH, sizes=("--sizes", "3840x2160", "--warm-up", "100000"))
    process = subprocess.Popen([str(s.binary), *map(str, words)], stderr=subprocess.PIPE, text=True,
                               env=s.environment(), cwd=s.dir)
    while not s.files():  # until it has begun
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    s.message = process.communicate(timeout=60)[1].strip()
    s.code = process.returncode
    if s.code != 130 or s.files():
        raise Wrong(f"exit code {s.code}, left {s.files()}")


@case("matrix: file exists, no --overwrite")
def _(s):
    (s.dir / "m.csv").write_text("precious")
    s.must_fail(matrix(s), ["m.csv", "--overwrite"])
    if (s.dir / "m.csv").read_text() != "precious":
        raise Wrong("the existing file was changed")
    s.execute(matrix(s, "--overwrite"))
    if s.code or len(rows_of(s)) != 1:
        raise Wrong(f"exit code {s.code}")


@case("matrix: file in a missing folder")
def _(s):
    s.must_fail(matrix(s, file="none/m.csv"), "none")


@case("matrix: chart of an unknown kind")
def _(s):
    s.must_fail(matrix(s, "--chart", s.dir / "m.png"), ["m.png", "html"])


@case("matrix: unknown precision")
def _(s):
    s.must_fail(matrix(s, "--precisions", "f32,f128"), "f128")


@case("matrix: size and input")
def _(s):
    s.clip()
    s.must_fail(matrix(s, "--input", s.input), "sizes|input")


@case("option: ulimit -v leaves too little for the engine's threads")
def _(s):
    # Not so little that decoder and encoder get nothing.
    source = s.clip()
    s.must_fail(["upscale", source, "null:", "--model", MODEL, "--quiet", "--threads", "64"], ["ulimit -v", "--threads"],
                address_space=4 << 30)


@case("option: batches change no frame")
def _(s):
    s.clip(frames=7)
    sums = []
    for words in ([], ["--batch", "4"], ["--batch", "3", "--tile", "24", "--overlap", "0"]):
        path = s.dir / "sums.md5"
        s.must_succeed(s.upscale("--precision", "f32", "--overwrite", *words, output=f"md5:{path}"))
        sums.append(path.read_text())
    if len(set(sums)) != 1:
        raise Wrong("another batch made other frames")
    s.must_succeed(s.upscale("--batch", "4", "--stats", s.dir / "stats.json", output="null:"))
    if json.loads((s.dir / "stats.json").read_text())["batch"] != 4:
        raise Wrong("--stats does not tell the batch")
