"""Bad and odd calls of `framelift train`: everything that is refused before any picture is read."""

from sandbox import MODEL, case


def train(s, *options, network="srvgg"):
    return ["train", network, "--data", s.dir / "pairs", "--out", s.dir / "runs", *options]


def config(s, text):
    path = s.dir / "train.toml"
    path.write_text(text)
    return path


@case("train: no network")
def _(s):
    s.must_fail(["train", "--data", s.dir], "no network is given")


@case("train: no pictures")
def _(s):
    s.must_fail(["train", "srvgg"], "--data")


@case("train: unknown network")
def _(s):
    s.must_fail(train(s, network="unet"), ["'unet'", "choose one of .*srvgg"])


@case("train: hyper-parameter of another network")
def _(s):
    s.must_fail(train(s, "--growth", 8), "srvgg has no hyper-parameter growth")


@case("train: scale that the network lacks")
def _(s):
    s.must_fail(train(s, "--scale", 3, network="rrdb"), "choose 1, 2 or 4")


@case("train: missing folder of pictures")
def _(s):
    s.must_fail(train(s), "pairs")


@case("train: nothing to resume")
def _(s):
    s.must_fail(train(s, "--resume", "latest"), ["runs", "no run to resume"])


@case("train: missing checkpoint")
def _(s):
    s.must_fail(train(s, "--resume", "x.safetensors"), "x.safetensors")


@case("train: jitter the wrong way round")
def _(s):
    s.must_fail(train(s, "--scale-jitter", "1.1,0.9"), "--scale-jitter")


@case("train: values outside their range")
def _(s):
    for option, value in (("--epochs", 0), ("--batch", "two"), ("--lr", -1), ("--alpha", 1.5), ("--loss", "l2"),
                          ("--amp", "int8"), ("--metrics-mode", "vmaf"), ("--ms-ssim-window", 7)):
        s.must_fail(train(s, option, value), option)


@case("train: missing config file")
def _(s):
    s.must_fail(train(s, "--config", s.dir / "none.toml"), ["none.toml", "no such file"])


@case("train: config that is no TOML")
def _(s):
    s.must_fail(train(s, "--config", config(s, "epochs = 3\nbatch = = 4\n")), ["train.toml", "line 2"])


@case("train: unknown key in the config")
def _(s):
    s.must_fail(train(s, "--config", config(s, "epochs = 3\n\nbatsh = 4\n")), ["line 3", "'batsh'", "mean 'batch'"])


@case("train: config value of the wrong kind")
def _(s):
    s.must_fail(train(s, "--config", config(s, 'epochs = "many"\n')), ["line 1", "epochs", "many"])
    s.must_fail(train(s, "--config", config(s, "[epochs]\nfirst = 1\n")), "epochs")
    s.must_fail(train(s, "--config", config(s, "scale_jitter = [0.9, 1, 1.1]\n")), ["line 1", "scale-jitter"])


@case("train: the command line goes before the config, the config before the defaults")
def _(s):
    path = config(s, 'network = "unet"\n')
    s.must_fail(["train", "--data", s.dir / "pairs", "--config", path], "'unet'")
    s.must_fail(train(s, "--config", path), "pairs")
    path = config(s, "growth = 4\n")
    s.must_fail(train(s, "--config", path), "growth")


@case("train: a teacher that is not there")
def _(s):
    s.must_fail(train(s, "--teacher", "none"), "none")


@case("train: several folders without a teacher")
def _(s):
    s.must_fail(train(s, "--val", "a", "b"), "--teacher")


@case("train: a teacher and a text for a clip")
def _(s):
    (s.dir / "text.mp4").write_text("no video")
    s.must_fail(["train", "srvgg", "--teacher", MODEL, "--data", s.dir / "text.mp4", "--out", s.dir / "runs"], "text.mp4")
