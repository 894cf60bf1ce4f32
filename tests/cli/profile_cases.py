"""Timelines and pages about where the time went."""

import json

from sandbox import Wrong, case


@case("profile: a timeline that adds up, and a page")
def _(s):
    s.clip("64x48", 12)
    s.must_work(s.upscale("--profile", "trace.json", "--profile-report", "page.html", "--stats", "stats.json"), frames=12,
                also=("trace.json", "page.html", "stats.json"))
    trace = json.loads((s.dir / "trace.json").read_text())
    rows = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    spans = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    for event in trace["traceEvents"]:
        if event["ph"] not in ("M", "X", "C") or "name" not in event or (event["ph"] != "M" and event["ts"] < 0):
            raise Wrong(f"no trace event: {event}")
    for stage in ("decode", "preprocess", "postprocess", "encode"):
        frames = {e["args"]["frame"] for e in spans if rows[e["tid"]] == stage and e["name"] == "busy"}
        if not frames >= set(range(12)):
            raise Wrong(f"{stage} shows frames {sorted(frames)}")
        own = sorted((e["ts"], e["dur"]) for e in spans if rows[e["tid"]] == stage)
        if any(a[0] + a[1] > b[0] + 0.01 for a, b in zip(own, own[1:])):
            raise Wrong(f"spans of {stage} overlap")
    if sum(e["name"] == "run" for e in spans) != 12 or not any(e["ph"] == "C" for e in trace["traceEvents"]):
        raise Wrong("no network runs or no memory")
    for stage in json.loads((s.dir / "stats.json").read_text())["stages"]:
        total = stage["busy_share"] + stage["waiting_for_input_share"] + stage["waiting_for_room_share"]
        if not 0 < total < 1.001:
            raise Wrong(f"{stage['name']} adds up to {total}")
    for pool in json.loads((s.dir / "stats.json").read_text())["pools"]:
        if not 1 <= pool["most"] <= pool["capacity"] or pool["piece_bytes"] <= 0:
            raise Wrong(f"no high-water mark: {pool}")
    page = (s.dir / "page.html").read_text()
    if "<th>network tensors</th>" not in page:
        raise Wrong("no pools in the page")
    if "12 frames" not in page or "Convolution" not in page or "<script" in page:
        raise Wrong("the page is not what it should be")


@case("profile: what is in the way")
def _(s):
    s.clip()
    (s.dir / "trace.json").write_text("mine")
    s.must_fail(s.upscale("--profile", "trace.json"), ["trace.json", "--overwrite"])
    s.must_fail(s.upscale("--profile-report", "no/page.html"), "no")
    s.must_fail(s.upscale("--profile", "in.mp4", "--overwrite"), "in.mp4")


@case("plan: says what a job would do, and does nothing")
def _(s):
    s.clip("64x48", 5)
    before = s.files()
    result = s.execute(s.upscale("--plan", "--max-input-height", "24"))
    if s.code != 0 or s.files() != before:
        raise Wrong(f"exit code {s.code}, files {s.files() - before}: {s.message}")
    for part in ("input    h264 64x48 yuv420p, 25.000 fps, 5 frames", "reduced  to 32x24", "network  srvgg_x2", "tiles    1 of ",
                 "output   libx264 yuv420p matroska 64x48", "memory   network "):
        if part not in result.stdout:
            raise Wrong(f"{part!r} is not in {result.stdout}")
    s.must_fail(s.upscale("--plan", "--encoder", "libx266"), "libx266")
