"""Outputs that cannot be written, bad encoders and options, interruption."""

import contextlib
import os
import signal
import subprocess
import tempfile
import time

from sandbox import Skip, Wrong, case, frame_count


@contextlib.contextmanager
def small_disk(s):
    """A file system of 64 KB, as the folder "small"."""
    folder = s.dir / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", folder], capture_output=True).returncode:
        raise Skip("mounting a small file system is not allowed here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@case("output: folder missing")
def _(s):
    s.clip()
    s.must_fail(s.upscale(output=s.dir / "none/out.mkv"), "none")


@case("output: folder not writable")
def _(s):
    s.clip()
    folder = s.dir / "readonly"
    folder.mkdir()
    if os.geteuid() != 0:
        folder.chmod(0o555)
        s.must_fail(s.upscale(output=folder / "out.mkv"), "readonly")
        return
    # Permissions do not bind root: a read-only mount does.
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro,size=64k", "tmpfs", folder], capture_output=True).returncode:
        raise Skip("root, and mounting is not allowed here")
    try:
        s.must_fail(s.upscale(output=folder / "out.mkv"), "readonly")
    finally:
        subprocess.run(["umount", folder], check=True)


@case("output: disk full")
def _(s):
    s.clip("160x120", 50)
    with small_disk(s) as folder:
        s.must_fail(s.upscale("--encoder", "ffv1", output=folder / "out.mkv"), "out.mkv|space|full|written")


@case("output: same file as the input")
def _(s):
    s.clip()
    before = s.input.read_bytes()
    s.must_fail(s.upscale("--overwrite", output=s.input), "in.mp4")
    if s.input.read_bytes() != before:
        raise Wrong("the input was changed")


@case("output: hard link to the input")
def _(s):
    s.clip()
    before = s.input.read_bytes()
    os.link(s.input, s.dir / "link.mp4")
    s.must_fail(s.upscale("--overwrite", output=s.dir / "link.mp4"), "link.mp4|in.mp4")
    if s.input.read_bytes() != before:
        raise Wrong("the input was changed")


@case("output: exists, no --overwrite")
def _(s):
    s.clip()
    s.output.write_text("precious")
    s.must_fail(s.upscale(), ["out.mkv", "--overwrite"])
    if s.output.read_text() != "precious":
        raise Wrong("the existing file was changed")


@case("output: exists, --overwrite, the encoder refuses")
def _(s):
    s.clip()
    s.output.write_text("precious")
    s.must_fail(s.upscale("--overwrite", "--encoder", "libx264", "--encoder-option", "profile=nosuch"))
    if s.output.read_text() != "precious":
        raise Wrong("the existing file was changed")


@case("output: exists, --overwrite, disk full half-way")
def _(s):
    s.clip("160x120", 50)
    with small_disk(s) as folder:
        (folder / "out.mkv").write_text("precious")
        s.must_fail(s.upscale("--overwrite", "--encoder", "ffv1", output=folder / "out.mkv"))
        if (folder / "out.mkv").read_text() != "precious":
            raise Wrong("the existing file was changed")


@case("output: a folder's name")
def _(s):
    s.clip()
    (s.dir / "dir.mkv").mkdir()
    s.must_fail(s.upscale("--overwrite", output=s.dir / "dir.mkv"), "dir.mkv")


@case("output: unknown container")
def _(s):
    s.clip()
    s.must_fail(s.upscale(output=s.dir / "out.nosuch"), "out.nosuch")


@case("output: unknown --format")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--format", "nosuch"), "nosuch")


# ---- encoder and options


@case("encoder: unknown")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--encoder", "nosuchencoder"), "nosuchencoder")


@case("encoder: one for audio")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--encoder", "aac"), "aac")


@case("encoder: rejects the pixel format")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--encoder", "libx264", "--pixel-format", "yuva420p"), ["libx264", "yuva420p"])


@case("encoder: unknown pixel format")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--pixel-format", "nosuch"), "nosuch")


@case("encoder: container cannot carry it")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--encoder", "libx264", output=s.dir / "out.webm"), "webm|libx264|h264")


@case("encoder: unknown option")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--encoder", "libx264", "--encoder-option", "nosuch=1"), "nosuch")


@case("encoder: option without a value")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--encoder-option", "nosuch"), "nosuch")


@case("encoder: unknown preset")
def _(s):
    s.clip()
    s.must_fail(s.upscale("--encoder", "libx264", "--preset", "nosuch"), "nosuch|preset")


def option_case(name, says, *words):
    @case(f"option: {name}")
    def _(s):
        s.clip()
        s.must_fail(s.upscale(*words), says)


option_case("unknown", "nosuch", "--nosuch")
option_case("unknown precision", "f128", "--precision", "f128")
option_case("unknown backend", "nosuch", "--backend", "nosuch")
option_case("scale 0", "scale", "--scale", "0")
option_case("negative CRF", "crf", "--crf", "-5")
option_case("memory that is no amount", "lots", "--memory", "lots")
option_case("memory too small for any tile", "memory", "--memory", "1K")
option_case("tile 0", "tile", "--tile", "0")
option_case("start beyond the end", "start|no frame", "--start", "1000")
option_case("negative frame count", "frames", "--frames", "-1")


@case("option: no arguments at all")
def _(s):
    s.must_fail([])


@case("option: unknown verb")
def _(s):
    s.must_fail(["downscale"], "downscale|subcommand")


@case("option: output missing")
def _(s):
    s.clip()
    s.must_fail(["upscale", s.input], "output")


# ---- interruption
LONG_JOB = 600  # frames


def interrupted(s, after_progress):
    """Starts a long job and sends SIGINT at once, or when the temporary output has grown."""
    s.clip("160x120", LONG_JOB)
    words = [str(s.binary), *map(str, s.upscale("--preset", "ultrafast", "--encoder-option", "tune=zerolatency"))]
    before = s.files()
    # Files, not pipes: nothing may fill up while nobody reads.
    with tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=err, cwd=s.dir, env=s.environment(),
                                   stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        try:
            while after_progress and process.poll() is None and time.monotonic() < deadline:
                if any(p.exists() and p.stat().st_size > 20_000 for p in s.files() - before):
                    break
                time.sleep(0.005)
            else:
                time.sleep(0.05)
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            s.code = process.wait(60)
        except subprocess.TimeoutExpired:
            raise Wrong("still running 60 s after SIGINT") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        err.seek(0)
        s.message = err.read().strip()
    if s.code in (134, 139) or s.code in (-signal.SIGABRT, -signal.SIGSEGV):
        raise Wrong(f"crashed, exit code {s.code}")
    left = s.files() - before - {s.output}
    if left:
        raise Wrong(f"left behind: {', '.join(sorted(p.name for p in left))}")


@case("Ctrl-C at once (nothing, or something playable)")
def _(s):
    interrupted(s, False)
    if s.output.exists():
        frames, _, _ = frame_count(s.output)
        s.message += f" [{frames} frames]"


@case("Ctrl-C mid-way (output playable)")
def _(s):
    interrupted(s, True)
    if not s.output.exists():
        raise Wrong("no output")
    frames, width, height = frame_count(s.output)
    if not 0 < frames < LONG_JOB or (width, height) != (320, 240):
        raise Wrong(f"{frames} frames of {width}x{height}; expected some but not all {LONG_JOB} of 320x240")
    s.message += f" [{frames} of {LONG_JOB} frames]"


@case("output: under a limit of memory the job completes, or leaves no half-written file")
def _(s):
    s.clip("640x360", 3)
    for mb in (400, 800, 1600, 3200, 12800):
        words = ["prlimit", f"--as={mb * 1000000}", str(s.binary), *map(str, s.upscale("--overwrite"))]
        result = subprocess.run(words, capture_output=True, text=True, cwd=s.dir, env=s.environment(), timeout=300)
        # With too little, where libraries of others find no memory for themselves, even a crash cannot be excluded.
        if result.returncode != 0 and mb >= 3200:
            raise Wrong(f"exit code {result.returncode} with {mb} MB: {result.stderr[-300:]}")
        if result.returncode == 0 and frame_count(s.output)[0] != 3:
            raise Wrong(f"not all frames with {mb} MB")
        if result.returncode != 0 and s.output.exists():
            raise Wrong(f"a file that is not complete with {mb} MB")
        s.output.unlink(missing_ok=True)
