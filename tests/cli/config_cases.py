"""Settings from files and the environment: what counts before what, and what is refused."""

import re

from sandbox import Wrong, case


def toml(s, text):
    path = s.dir / "studio.toml"
    path.write_text(text)
    return path


def shown(s, *words, **environment):
    """{option: (value, origin)} of framelift config show."""
    result = s.execute(["config", "show", *words], s.environment(**environment))
    if s.code != 0:
        raise Wrong(f"exit code {s.code}: {s.message}")
    return {m[1]: (m[2], m[3]) for m in re.finditer(r"^(\S+) +(\S+) +(.+)$", result.stdout, re.M)}


@case("config: command line, variables, section, top of the file, default, in this order")
def _(s):
    path = toml(s, "threads = 3\ntile = 64\ncrf = 30\n[upscale]\ntile = 96\n")
    values = shown(s, "upscale", "--config", path, FRAMELIFT_CRF="22", FRAMELIFT_UPSCALE_THREADS="2", FRAMELIFT_THREADS="1")
    wanted = {"threads": ("2", "FRAMELIFT_UPSCALE_THREADS"), "crf": ("22", "FRAMELIFT_CRF"),
              "tile": ("96", f"{path}: line 5"), "prefetch": ("4", "default")}
    for name, expected in wanted.items():
        if values.get(name) != expected:
            raise Wrong(f"{name} is {values.get(name)}, not {expected}")
    if shown(s, "hdr", "--config", path)["tile"] != ("64", f"{path}: line 2"):
        raise Wrong("a section of another verb counts")


@case("config: settings change what a verb does, and the command line changes them")
def _(s):
    s.clip("32x24", 4)
    path = toml(s, "[upscale]\nframes = 2\nquiet = true\n")
    s.must_work([*s.upscale(), "--config", path], frames=2)
    s.must_work([*s.upscale("--overwrite", "--frames", "3"), "--config", path], frames=3)
    s.must_work(["--config", path, *s.upscale("--overwrite", "--frames", "1")], frames=1)


@case("config: unknown names")
def _(s):
    s.clip()
    s.must_fail([*s.upscale(), "--config", toml(s, "thraeds = 2\n")], ["studio.toml", "line 1", "mean 'threads'"])
    s.must_fail([*s.upscale(), "--config", toml(s, "[upscal]\ntile = 2\n")], ["line 1", "mean 'upscale'"])
    s.must_fail([*s.upscale(), "--config", toml(s, "[hdr]\nlayers = 2\n")], ["line 2", "'layers'"])
    s.must_fail([*s.upscale(), "--config", toml(s, "[bench.netwrok]\nsize = 2\n")], ["line 1", "mean 'network'"])
    s.must_fail(["config", "show", "upscal"], "mean 'upscale'")


@case("config: values that options refuse")
def _(s):
    s.clip()
    s.must_fail([*s.upscale(), "--config", toml(s, 'threads = "many"\n')], ["line 1", "threads", "many"])
    s.must_fail([*s.upscale(), "--config", toml(s, "threads = 1979-05-27\n")], ["line 1", "threads"])
    s.must_fail(["config", "check", toml(s, "[train]\n\nepochs = 0\n")], ["line 3", "epochs"])


@case("config: init writes what check takes, and nothing over what is there")
def _(s):
    path = s.dir / "new.toml"
    s.execute(["config", "init", path])
    if s.code != 0 or not path.exists():
        raise Wrong(f"exit code {s.code}: {s.message}")
    text = path.read_text()
    s.must_fail(["config", "init", path], "--overwrite")
    s.execute(["config", "check", path])
    if s.code != 0:
        raise Wrong(s.message)
    # Every line of one verb, switched on, is its default, and right.
    section = text[text.index("\n[upscale]"):]
    section = section[:section.index("\n[", 2)]
    lines = [line.removeprefix("# ") for line in section.splitlines() if not re.match(r'# \S+ = ""', line)]
    s.execute(["config", "check", toml(s, "\n".join(lines))])
    if s.code != 0 or len(lines) < 10:
        raise Wrong(f"{len(lines)} lines: {s.message}")


@case("config: files that are not there or no TOML")
def _(s):
    s.clip()
    s.must_fail([*s.upscale(), "--config", s.dir / "none.toml"], ["none.toml", "no such file"])
    s.must_fail([*s.upscale(), "--config", toml(s, "tile == 3")], ["studio.toml", "line 1"])
    s.must_fail(["config", "init", s.dir / "no/where.toml"], "create it first")
