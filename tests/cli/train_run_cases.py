"""Whole runs of `framelift train`: how they end, what they leave, what they go on from. Skipped without libtorch."""

import resource
import signal
import subprocess
import sys
import time

import numpy as np

from dataset_cases import pairs, picture
from expand_cases import expand, network
from expand_cases import picture as sdr_picture
from hostile_files import calling_system, torch_zip
from light_cases import peers_python
from sandbox import MODEL, ROOT, Skip, Wrong, case

sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests/conformance"))
import safetensors_io  # noqa: E402
from hdr_support import save_identity_network  # noqa: E402

LATEST = "checkpoints/latest.safetensors"


def train(s, *options, network="srvgg", hyper=(), out="runs"):
    """A small network on four small pairs, which are made when they are not there."""
    doctor = subprocess.run([s.binary, "doctor"], capture_output=True, text=True, env=s.environment()).stdout
    if "libtorch" not in doctor:
        raise Skip("needs the torch engine (make torch)")
    if not (s.dir / "pairs").exists():
        pairs(s, count=4)
    usual = {"srvgg": ["--features", 8, "--convs", 2, "--scale", 1], "ldr2hdr": ["--base", 2, "--blocks", 1]}[network]
    return ["train", network, *(hyper or usual), "--data", s.dir / "pairs", "--out", s.dir / out, "--tile", 32, "--batch", 2,
            "--val-tile", 64, "--workers", 1, "--threads", 1, "--previews", 0, *options]


def trained(s, words, code=0):
    result = s.execute(words)
    if s.code != code:
        raise Wrong(f"exit code {s.code}, expected {code}")
    return result


def only_run(s, out="runs"):
    runs = [p for p in (s.dir / out).iterdir() if p.is_dir()]
    if len(runs) != 1:
        raise Wrong(f"{len(runs)} run folders")
    return runs[0]


def same_tensors(a, b):
    first, second = (safetensors_io.load(path)[0] for path in (a, b))
    return first.keys() == second.keys() and all(first[k].tobytes() == second[k].tobytes() for k in first)


class Running:
    """A training under way, at least one checkpoint old; killed at the end if it still runs."""

    def __init__(self, s, words):
        self.s = s
        self.process = subprocess.Popen([s.binary, *map(str, words)], stderr=subprocess.PIPE, cwd=s.dir, text=True,
                                        stdin=subprocess.DEVNULL, env=s.environment())

    def __enter__(self):
        end = time.monotonic() + 60
        while not list((self.s.dir / "runs").glob(f"*/{LATEST}")):
            if self.process.poll() is not None or time.monotonic() > end:
                self.__exit__()
                raise Wrong(f"no checkpoint, exit code {self.process.returncode}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def end(self, number):
        self.process.send_signal(number)
        self.s.message = self.process.communicate(timeout=60)[1]
        self.s.code = self.process.returncode


# ---- ends
@case("train run: Ctrl-C saves, and going on gives the uninterrupted run's weights (works)")
def _(s):
    options = ["--epochs", 60, "--quiet"]
    trained(s, train(s, *options, out="whole"))
    with Running(s, train(s, *options)) as running:
        running.end(signal.SIGINT)
    if s.code != 130 or "--resume" not in s.message:
        raise Wrong(f"exit code {s.code} after SIGINT")
    run = only_run(s)
    whole = only_run(s, "whole") / LATEST
    if same_tensors(run / LATEST, whole):
        raise Wrong("the run was over before it was interrupted")
    trained(s, train(s, *options, "--resume", "latest"))
    if only_run(s) != run or not same_tensors(run / LATEST, whole):
        raise Wrong("the weights are others")


@case("train run: STOP_TRAINING saves and ends (works)")
def _(s):
    with Running(s, train(s, "--epochs", 10000, "--quiet")) as running:
        (s.dir / "runs/STOP_TRAINING").touch()
        running.end(0)  # no signal: waits
    if s.code != 0 or (s.dir / "runs/STOP_TRAINING").exists() or "--resume" not in s.message:
        raise Wrong(f"exit code {s.code}")


@case("train run: no better epoch for a while (works)")
def _(s):
    trained(s, train(s, "--epochs", 50, "--lr", 0, "--patience", 2, "--quiet"))
    lines = (only_run(s) / "logs/train_log.csv").read_text().strip().split("\n")
    if "2 epochs" not in s.message or len(lines) != 4:
        raise Wrong(f"{len(lines)} lines of log")


@case("train run: a second one in the same folder, and the lock of a dead one")
def _(s):
    words = train(s, "--epochs", 10000, "--quiet")
    with Running(s, words) as running:
        s.execute(train(s, "--epochs", 1, "--quiet"))
        if s.code != 1 or f"process {running.process.pid}" not in s.message or "under way" not in s.message:
            raise Wrong(f"a second training: exit code {s.code}")
        running.end(signal.SIGKILL)
    if not (s.dir / "runs/TRAINING.LOCK").exists():
        raise Wrong("the dead process left no lock: nothing is tested")
    trained(s, train(s, "--epochs", 1, "--quiet"))


@case("train run: event files read by TensorBoard (works)")
def _(s):
    python = peers_python("tensorboard")
    trained(s, train(s, "--epochs", 3, "--quiet"))
    script = ("import sys\n"
              "from tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n"
              "events = EventAccumulator(sys.argv[1])\n"
              "events.Reload()\n"
              "for tag in events.Tags()['scalars']:\n"
              "    for e in events.Scalars(tag): print(tag, e.step, e.value)\n")
    run = only_run(s)
    result = subprocess.run([python, "-c", script, run / "tb"], capture_output=True, text=True)
    if result.returncode:
        raise Wrong(result.stderr)
    rows = [line.split() for line in result.stdout.strip().split("\n")]
    log = [line.split(",") for line in (run / "logs/train_log.csv").read_text().strip().split("\n")]
    columns = log[0]
    for tag, column in (("epoch/validation_loss", "val_loss"), ("epoch/training_loss", "train_loss")):
        wanted = [(int(row[0]), float(row[columns.index(column)])) for row in log[1:]]
        found = [(int(step), float(value)) for name, step, value in rows if name == tag]
        # Event files hold 32-bit floats.
        if len(wanted) != 3 or [f[0] for f in found] != [w[0] for w in wanted] or any(
                abs(f[1] - w[1]) > 1e-6 * abs(w[1]) for f, w in zip(found, wanted)):
            raise Wrong(f"{wanted} in the log, {rows} in the event files")


# ---- bad data
@case("train run: disk full while a checkpoint is written")
def _(s):
    large = ["--features", 32, "--convs", 8, "--scale", 1]  # larger than all else that a run writes
    trained(s, train(s, "--epochs", 1, "--quiet", hyper=large))
    run = only_run(s)
    before, names = (run / LATEST).read_bytes(), sorted(p.name for p in (run / "checkpoints").iterdir())
    # To write() a file that may not grow is what a full disk is. Python has SIGXFSZ ignored, which the child inherits.
    half = len(before) // 2
    more = train(s, "--epochs", 2, "--resume", "latest", "--quiet", hyper=large)
    result = subprocess.run([s.binary, *map(str, more)], cwd=s.dir, capture_output=True, text=True,
                            env=s.environment(), restore_signals=False, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (half, half)))
    s.code, s.message = result.returncode, result.stderr.strip()
    if s.code != 1 or "free space" not in s.message:
        raise Wrong(f"exit code {s.code}")
    if (run / LATEST).read_bytes() != before or sorted(p.name for p in (run / "checkpoints").iterdir()) != names:
        raise Wrong("the checkpoint changed, or half of one was left")
    trained(s, more)


@case("train run: damaged checkpoints")
def _(s):
    trained(s, train(s, "--epochs", 1, "--quiet"))
    path = only_run(s) / LATEST
    good = path.read_bytes()
    for bad in (good[:-1] + bytes([good[-1] ^ 1]), good[:len(good) // 2], b"", b"text" * 50):
        path.write_bytes(bad)
        s.must_fail(train(s, "--epochs", 2, "--resume", "latest"), "latest.safetensors")


@case("train run: checkpoint that is a program")
def _(s):
    torch_zip(s.dir / "evil.pt", calling_system(f"touch {s.dir}/owned"))
    (s.dir / "runs").mkdir()
    s.must_fail(train(s, "--epochs", 2, "--resume", s.dir / "evil.pt"), "evil.pt")
    s.must_fail(["expand", sdr_picture(s), "--out", s.dir / "out.exr", "--model", s.dir / "evil.pt"], "evil.pt")
    if (s.dir / "owned").exists():
        raise Wrong("it was run")


@case("expand: weights in torch.save's old format (works)")
def _(s):
    python = peers_python("torch")
    script = ("import sys, torch\n"
              f"sys.path.insert(0, {str(ROOT / 'tools')!r})\n"
              "import safetensors_io\n"
              "state = {k: torch.from_numpy(v.copy()) for k, v in safetensors_io.load(sys.argv[1])[0].items()}\n"
              "torch.save(state, sys.argv[2], _use_new_zipfile_serialization=False)\n")
    subprocess.run([python, "-c", script, network(s), s.dir / "tiny.pth"], check=True)
    if (s.dir / "tiny.pth").read_bytes()[:2] == b"PK":
        raise Wrong("this is the new format")
    source = sdr_picture(s)
    trained(s, expand(s, source, out="a.png"))
    trained(s, ["expand", source, "--out", s.dir / "b.png", "--model", s.dir / "tiny.pth", "--quiet"])
    if (s.dir / "a.png").read_bytes() != (s.dir / "b.png").read_bytes():
        raise Wrong("the pictures differ")


@case("train run: folder of runs that cannot be made")
def _(s):
    (s.dir / "runs").write_text("")
    s.must_fail(train(s, "--epochs", 1), "runs")
    s.must_fail(train(s, "--epochs", 1, out="/proc/runs"), "/proc/runs")


@case("train run: no pairs")
def _(s):
    (s.dir / "pairs/ldr").mkdir(parents=True)
    (s.dir / "pairs/hdr").mkdir()
    s.must_fail(train(s, "--epochs", 1), ["pairs", "no pictures"])
    picture(s, "pairs/ldr/a.png", "64x48")
    picture(s, "pairs/hdr/a.png", "48x64")
    s.must_fail(train(s, "--epochs", 1), ["pairs", "1 .*mismatch|mismatch.* 1|1 .*size"])
    if (s.dir / "runs").exists():
        raise Wrong("a run was begun")


@case("train run: damaged pictures and pictures of NaN among the pairs (works)")
def _(s):
    pairs(s, count=3)
    for i, damage in enumerate((b"\x76\x2f\x31\x01 no more", b"")):
        picture(s, f"pairs/ldr/bad{i}.png")
        (s.dir / f"pairs/hdr/bad{i}.exr").write_bytes(damage)
    sample = ROOT.parent / "shared/assets/images/damaged_oob_4cb169_255_cc7ac9c.exr"
    if sample.exists():
        picture(s, "pairs/ldr/bad9.png")
        (s.dir / "pairs/hdr/bad9.exr").write_bytes(sample.read_bytes())
    light = np.random.default_rng(1).random((48, 64, 3), np.float32)
    light[10:20, 10] = np.nan
    light[30, 5:60] = np.inf
    (s.dir / "nan.pfm").write_bytes(b"PF\n64 48\n-1.0\n" + light.tobytes())
    trained(s, expand(s, s.dir / "nan.pfm", out="pairs/hdr/nan.exr"))
    picture(s, "pairs/ldr/nan.png")
    trained(s, train(s, "--epochs", 2, network="ldr2hdr"))
    if "nan" in s.message.split("epoch 2/2")[1].lower() or "unreadable" not in s.message:
        raise Wrong("the loss is no number, or nothing is said of the damaged pictures")


@case("train: a small network learns what a teacher makes of a clip")
def _(s):
    words = train(s)  # for its check that libtorch is there
    s.clip("64x48", 12)
    trained(s, ["train", "srvgg", "--features", 4, "--convs", 1, "--scale", 2, "--teacher", MODEL, "--data", s.input, "--frames", 8,
                "--tile", 16, "--epochs", 1, "--threads", 1, *words[words.index("--out"):][:2]])
    run = only_run(s)
    trained(s, ["upscale", s.input, s.output, "--model", run / "model.safetensors", "--quiet"])
    config = (run / "config.json").read_text()
    if '"teacher": "' not in config or '"training_pictures": ' not in config:
        raise Wrong("config.json does not name the teacher")


@case("train: a network that sees the whole frame goes on with integers")
def _(s):
    words = train(s)
    s.clip("64x48", 12)
    model = s.dir / "models/whole.safetensors"
    model.parent.mkdir(exist_ok=True)
    save_identity_network(model)
    trained(s, ["train", "--from", "whole", "--qat", "mixed", "--teacher", "whole", "--data", s.input, "--frames", 8, "--tile", 16,
                "--epochs", 1, "--threads", 1, *words[words.index("--out"):][:2]])
    trained(s, ["quantize", "whole", "--from", only_run(s) / "model.safetensors", "--check", s.input, "--force", "--overwrite", "--quiet"])


@case("train: integers from nothing, stopped and resumed, and not from another calibration")
def _(s):
    words = [*train(s, "--qat", "full"), "--epochs"]
    trained(s, [*words, 2])
    trained(s, [*train(s, "--qat", "full", out="parts"), "--epochs", 1])
    trained(s, [*train(s, "--qat", "full", out="parts"), "--epochs", 2, "--resume", "latest"])
    whole, parts = only_run(s) / LATEST, only_run(s, "parts") / LATEST
    if not same_tensors(whole, parts):
        raise Wrong("resumed training differs")
    if b'"dtype":"I8"' not in (only_run(s) / "model.safetensors").read_bytes():
        raise Wrong("the model has no integers")
    s.must_fail([*train(s, "--qat", "mixed", out="parts"), "--epochs", 3, "--resume", "latest"], "began with another model")
