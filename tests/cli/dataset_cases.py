"""Bad and odd calls of `framelift dataset`."""

from sandbox import Wrong, case, ffmpeg


def picture(s, name, size="64x48"):
    path = s.dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}", "-frames:v", "1", path)


def pairs(s, inputs="ldr", targets="hdr", count=3, size="64x48"):
    for i in range(count):
        picture(s, f"pairs/{inputs}/{i}.png", size)
        picture(s, f"pairs/{targets}/{i}.png", size)


def check(s, *options):
    return ["dataset", "check", s.dir / "pairs", *options]


def make(s, *options):
    return ["dataset", "make", s.dir / "out", "--quiet", *options]


def must_print(s, words, lines):
    result = s.execute(words)
    if s.code != 0:
        raise Wrong(f"exit code {s.code}")
    found = [line.split()[:2] for line in result.stdout.replace("size mismatch", "mismatch")
             .replace("too small", "small").split("\n")]
    for line in lines:
        if line.split() not in found:
            raise Wrong(f"no line '{line}' in:\n{result.stdout}")


@case("dataset check: pairs, one of each problem (works)")
def _(s):
    pairs(s)
    picture(s, "pairs/ldr/alone.png")
    picture(s, "pairs/ldr/small.png", "47x47")
    picture(s, "pairs/hdr/small.png", "47x47")
    picture(s, "pairs/ldr/shape.png")
    picture(s, "pairs/hdr/shape.png", "48x64")
    (s.dir / "pairs/ldr/text.png").write_text("no picture")
    picture(s, "pairs/hdr/text.png")
    must_print(s, check(s, "--minimum-side", "48"),
               ["pairs 3", "unpaired 1", "mismatch 1", "small 1", "unreadable 1", "ambiguous 0"])


@case("dataset check: two folders by name (works)")
def _(s):
    pairs(s, "a", "b")
    must_print(s, ["dataset", "check", "--input", s.dir / "pairs/a", "--target", s.dir / "pairs/b", "--kind", "sdr-hdr",
                   "--minimum-side", "16"], ["pairs 3"])


@case("dataset check: folder missing")
def _(s):
    s.must_fail(check(s), ["pairs", "ldr/"])


@case("dataset check: empty folders")
def _(s):
    (s.dir / "pairs/ldr").mkdir(parents=True)
    (s.dir / "pairs/hdr").mkdir()
    s.must_fail(check(s), "no pictures")


@case("dataset check: all below the minimum side")
def _(s):
    pairs(s)
    s.must_fail(check(s), ["3 too small", "1024"])


@case("dataset check: nothing to check, and one folder of two")
def _(s):
    s.must_fail(["dataset", "check"], "--input")
    s.must_fail(["dataset", "check", "--input", s.dir], "--target")


@case("dataset make: nothing to make it from")
def _(s):
    s.must_fail(make(s), "--from")


@case("dataset make: sources missing, empty, no pictures, too small")
def _(s):
    s.must_fail(make(s, "--from", s.dir / "none"), "none")
    (s.dir / "empty").mkdir()
    s.must_fail(make(s, "--from", s.dir / "empty"), "empty")
    (s.dir / "text.exr").write_text("no picture")
    s.must_fail(make(s, "--from", s.dir / "text.exr"), "text.exr")
    picture(s, "small.png")
    s.must_fail(make(s, "--from", s.dir / "small.png"), ["small.png", "--size"])


@case("dataset make: output folder not empty, or a file")
def _(s):
    picture(s, "in.png")
    (s.dir / "out").mkdir()
    (s.dir / "out/precious").write_text("precious")
    s.must_fail(make(s, "--from", s.dir / "in.png", "--size", "32"), ["out", "--overwrite"])
    s.must_fail(["dataset", "make", s.dir / "in.png", "--from", s.dir / "in.png", "--size", "32"], "folder")


@case("dataset make: recipe missing, no JSON, of something else")
def _(s):
    s.must_fail(make(s, "--recipe", s.dir / "none.json"), "none.json")
    (s.dir / "text.json").write_text("{ not json")
    s.must_fail(make(s, "--recipe", s.dir / "text.json"), ["text.json", "JSON"])
    (s.dir / "other.json").write_text('{"name": "other"}')
    s.must_fail(make(s, "--recipe", s.dir / "other.json"), ["other.json", "framelift_dataset"])


@case("dataset make: recipe together with draws")
def _(s):
    s.must_fail(make(s, "--recipe", s.dir / "a.json", "--count", "3"), "--recipe")
