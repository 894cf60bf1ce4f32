"""How a test of the program from outside runs it: one folder a case, and what must hold afterwards."""

import os
import pathlib
import re
import resource
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests/golden"
MODEL = GOLDEN / "srvgg_x2.weights.safetensors"
OTHER_PTH = GOLDEN / "srvgg_x4.weights.pth"
CASES = []


class Skip(Exception):
    pass


class Wrong(Exception):
    pass


def case(name):
    def register(function):
        CASES.append((name, function))
        return function
    return register


def ffmpeg(*words):
    result = subprocess.run(["ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *map(str, words)],
                            capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"ffmpeg {' '.join(map(str, words))}: {result.stderr}")


def frame_count(path):
    result = subprocess.run(["ffprobe", "-v", "error", "-count_frames", "-select_streams", "v:0", "-show_entries",
                             "stream=nb_read_frames,width,height", "-of", "csv=p=0", str(path)],
                            capture_output=True, text=True)
    words = result.stdout.strip().split(",")
    if result.returncode != 0 or len(words) < 3 or result.stderr.strip():
        raise Wrong(f"{path.name} is not playable: {result.stderr.strip() or result.stdout.strip() or 'no video stream'}")
    return int(words[2]), int(words[0]), int(words[1])


class Sandbox:
    """One case's folder, and the two ways to run framelift in it."""

    def __init__(self, binary, folder):
        self.binary, self.dir = binary, folder
        self.input = folder / "in.mp4"
        self.output = folder / "out.mkv"
        self.message = ""
        self.code = None

    def clip(self, size="32x24", frames=8, name="in.mp4", *options):
        path = self.dir / name
        ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}:r=25", "-frames:v", frames, "-c:v", "libx264", "-pix_fmt",
               "yuv420p", *options, path)
        return path

    def environment(self, **extra):
        return {**os.environ, "XDG_CACHE_HOME": str(self.dir / "cache"), "XDG_DATA_HOME": str(self.dir / "data"),
                "XDG_CONFIG_HOME": str(self.dir / "home"),
                "FRAMELIFT_MODELS": str(self.dir / "models"), "HOME": str(self.dir / "home"), **extra}

    def files(self):
        own = {"cache", "data", "models", "home"}
        return {p for p in self.dir.rglob("*") if p.relative_to(self.dir).parts[0] not in own}

    def execute(self, words, env=None, timeout=120, address_space=None):
        """`address_space`: bytes, as ulimit -v."""
        limit = address_space and (lambda: resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space)))
        try:
            result = subprocess.run([str(self.binary), *map(str, words)], capture_output=True, text=True, cwd=self.dir,
                                    timeout=timeout, env=env or self.environment(), errors="replace",
                                    stdin=subprocess.DEVNULL, preexec_fn=limit)
        except subprocess.TimeoutExpired:
            raise Wrong(f"still running after {timeout} s") from None
        self.code = result.returncode
        self.message = result.stderr.strip()
        return result

    def upscale(self, *options, source=None, output=None, model=MODEL):
        return ["upscale", source or self.input, output or self.output, "--model", model, "--quiet", *options]

    def must_fail(self, words, says=(), env=None, timeout=120, **limits):
        before = self.files()
        self.execute(words, env, timeout, **limits)
        if self.code == 0:
            raise Wrong("exit code 0")
        if self.code < 0 or self.code >= 128:
            raise Wrong(f"crashed, exit code {self.code}")
        # Warnings may come before; x264, x265 and SVT-AV1 print some complaints of their own, which nobody can catch.
        lines = [line for line in self.message.split("\n")
                 if line.strip() and not re.match(r"framelift: (info|warning):|x26[45] \[|Svt\[", line)]
        if len(lines) != 1:
            raise Wrong(f"{len(lines)} lines on stderr, expected one")
        if not lines[0].startswith("framelift: "):
            raise Wrong("the message does not start with 'framelift: '")
        for word in [says] if isinstance(says, str) else says:
            if not re.search(word, lines[0], re.I):
                raise Wrong(f"the message does not mention /{word}/")
        left = self.files() - before
        if left:
            raise Wrong(f"left behind: {', '.join(sorted(p.name for p in left))}")

    def must_succeed(self, words, timeout=300):
        """For verbs that make no video."""
        self.execute(words, timeout=timeout)
        if self.code != 0:
            raise Wrong(f"exit code {self.code}")

    def must_work(self, words, frames=None, size=None, timeout=300, also=()):
        """`also`: files that it writes beside the output."""
        before = self.files()
        self.execute(words, timeout=timeout)
        if self.code != 0:
            raise Wrong(f"exit code {self.code}")
        found, width, height = frame_count(self.output)
        if frames is not None and found not in ([frames] if isinstance(frames, int) else frames):
            raise Wrong(f"{found} frames, expected {frames}")
        if size is not None and (width, height) != size:
            raise Wrong(f"{width}x{height}, expected {size[0]}x{size[1]}")
        left = self.files() - before - {self.output} - {self.dir / name for name in also}
        if left:
            raise Wrong(f"left behind: {', '.join(sorted(p.name for p in left))}")
