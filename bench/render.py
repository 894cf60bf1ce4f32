#!/usr/bin/env python3
"""Renders the tables of docs/benchmarks.md and docs/int8.md from bench/results/*.json, between its BEGIN/END markers."""

import re

import measure

def table(header, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [header, ["---"] * len(header), *rows])


def machine_line(data):
    m = data["machine"]
    versions = ", ".join(f"{k} {v}" for k, v in m["versions"].items())
    return (f"{m['cpu']}, {m['threads']} threads, {', '.join(m['instruction_sets']) or 'no wide instruction sets'}; "
            f"commit {m['commit']}; {versions}.\n")


def pipeline(data):
    ours = {row["precision"]: row["fps"]["median"] for row in data["rows"] if row["engine"] == "framelift"}
    best = {}
    for row in data["rows"]:
        if row["engine"] != "framelift":
            key = (row["engine"], row["precision"])
            if key not in best or row["fps"]["median"] > best[key]["fps"]["median"]:
                best[key] = row
    rows = []
    for row in sorted(data["rows"], key=lambda r: -r["fps"]["median"]):
        fps = row["fps"]
        precision = row["precision"] + (f" ({row['ran_as']})" if row.get("ran_as", row["precision"]) != row["precision"] else "")
        network = row.get("network_seconds")
        rows.append([row["engine"], row["setting"], precision, f"{fps['median']:.2f}", f"{fps['min']:.2f}-{fps['max']:.2f}",
                     f"{network['median'] / row['seconds']['median']:.2f}" if network else "",
                     f"{row['peak_rss']['median'] / 2**20:.0f}",
                     "same" if row["psnr_vs_framelift_f32"] is None else f"{row['psnr_vs_framelift_f32']:.1f}"])
    text = [f"{data['clip']} (x4, {data['model']}), {data['frames']} frames, {data['encoder']}; median of "
            f"{data['rounds']} interleaved rounds.\n", machine_line(data),
            table(["engine", "setting", "precision", "fps", "min-max", "network/wall", "peak MiB", "PSNR vs framelift f32"],
                  rows), ""]
    ratios = [[engine, precision, best[engine, precision]["setting"],
               f"{ours[precision] / row['fps']['median']:.2f}" if precision in ours else "",
               f"{ours['auto'] / row['fps']['median']:.2f}" if "auto" in ours else ""]
              for (engine, precision), row in sorted(best.items())]
    text += ["framelift's speed over each peer's at that peer's best setting:\n",
             table(["peer", "precision", "its best setting", "framelift same precision / peer", "framelift default / peer"],
                   ratios)]
    return "\n".join(text)


def network(data):
    rows = [[r["size"], r["precision"], r["hint"], f"{r['framelift_ms']['median']:.2f}", f"{r['openvino_ms']['median']:.2f}",
             f"{r['ratio']:.3f}"] for r in data["rows"]]
    return "\n".join([f"{data['model']}, median of {data['rounds']} interleaved rounds.\n", machine_line(data),
                      table(["size", "precision", "hint", "framelift ms", "OpenVINO Python API ms", "framelift/OpenVINO"],
                            rows)])


def memory(data):
    rows = [[r["frames"], f"{r['peak_resident_bytes'] / 2**20:.1f}",
             "" if r["allocations_per_frame"] is None else f"{r['allocations_per_frame']:.3f}"] for r in data["rows"]]
    return "\n".join([table(["frames", "peak MiB", "own allocations per steady frame"], rows), "",
                      f"Growth {data['growth']:+.2%} (limit {data['tolerance']:.0%})."])


def kernels(data):
    rows = [[b["name"].removesuffix("_median"), f"{b['real_time']:.3f} {b['time_unit']}",
             *(f"{b[name]:.2f}" if name in b else "" for name in ("GB/s", "memcpy", "ratio"))]
            for b in data["benchmarks"]]
    return "\n".join([machine_line(data),
                      table(["kernel", "time", "GB/s", "memcpy of the same bytes GB/s", "share of memcpy"], rows)])


def hdr(data):
    networks = [[row["size"], row["precision"], f"{row['framelift_ms']['median']:.0f}",
                 *(f"{row[peer + '_ms']['median']:.0f} ({row['speed_over'][peer]:.2f})" for peer in ("openvino", "eager", "compile"))]
                for row in data["networks"]]
    jobs = [[row["job"], f"{row['fps']['median']:.1f}", f"{row['fps']['min']:.1f}-{row['fps']['max']:.1f}",
             *(f"{row['stages_ms'][stage]:.1f}" for stage in ("preprocess", "postprocess")), f"{row['peak_rss'] / 2**20:.0f}"]
            for row in data["jobs"]]
    return "\n".join([
        machine_line(data),
        f"HDRTVNet++ (AGCM + LE) alone, ms a frame; in brackets framelift's speed over the peer's. Median of {data['rounds']} "
        "interleaved rounds.\n",
        table(["size", "precision", "framelift", "OpenVINO Python API", "PyTorch eager", "torch.compile"], networks),
        "\nWhole jobs at 1920x1080 from raw frames to `null:`: preprocess, network and postprocess with measured light levels, "
        f"without decoder and encoder. Median of {data.get('job_rounds', data['rounds'])} rounds.\n",
        table(["job", "fps", "min-max", "preprocess ms", "postprocess ms", "peak MiB"], jobs)])


def hdr_quality(data):
    scene = [[r["model"], f"{r['delta_e_itp']:.1f}", f"{r['pu21_psnr']:.2f}", f"{r['psnr_rgb']:.2f}", f"{r['ssim']:.4f}",
              f"{r['max_cll']:.0f}", f"{r['max_fall']:.0f}"] for r in data["scene"]]
    precision = [[r["model"], f"{r['psnr_rgb']:.1f}", f"{r['delta_e_itp']:.2f}", f"{r['pu21_psnr']:.1f}"]
                 for r in data["precision"]]
    flicker = [[r["source"], r["model"], f"{r['stabilise 0']:.3f}", f"{r['stabilise 0.9']:.3f}"] for r in data["flicker"]]
    return "\n".join([
        "Against the HLG picture of the same scene (libultrahdr's test pair, 1280x720; one picture, so an example and no "
        "ranking; PSNR and SSIM in HLG):\n",
        table(["model", "Delta E ITP", "PU21-PSNR dB", "PSNR dB", "SSIM", "MaxCLL cd/m2", "MaxFALL cd/m2"], scene),
        "\nbf16 against f32, Big Buck Bunny at 320x180, all frames:\n",
        table(["model", "PSNR dB (PQ)", "Delta E ITP", "PU21-PSNR dB"], precision),
        "\nFlicker that the job adds to its source, in % ([metrics.md](metrics.md) defines it), without and with smoothing:\n",
        table(["source", "model", "--stabilise 0", "--stabilise 0.9"], flicker)])


def segment(data):
    programs = ("framelift", "mediapipe", "openvino")
    rows = [[{"none": "nothing"}.get(row["encoder"], row["encoder"]),
             *(f"{row['fps'][p]['median']:.1f} ({row['fps'][p]['min']:.1f}-{row['fps'][p]['max']:.1f})" for p in programs),
             *(f"{row['speed_over'][p]:.2f}" for p in programs[1:]), f"{row['peak_rss']['framelift'] / 2**20:.0f}"]
            for row in data["jobs"]]
    return "\n".join([machine_line(data), table(
        ["encoder", "framelift fps (min-max)", f"MediaPipe {data['versions']['mediapipe']}", "OpenVINO Python API",
         "over MediaPipe", "over OpenVINO", "peak MiB"], rows)])


def int8(data):
    rows = []
    for n in data["networks"]:
        ms = n["ms"]

        def add(way, key, size=None, psnr=None, kernels=None):
            if key not in ms:
                return
            rows.append([n["network"], n["size"], way, f"{size / 1e6:.2f}" if size else "", f"{ms[key]['median']:.0f}",
                         f"{ms['f32']['median'] / ms[key]['median']:.2f}", f"{psnr:.2f}" if psnr else "",
                         ", ".join(f"{count} {kernel}" for kernel, count in (kernels or {}).items())])

        add("f32", "f32", n.get("bytes", {}).get("f32"))
        add("bf16", "bf16")
        for mode, ours in n["framelift"].items():
            add(f"int8 {mode}", "int8" if mode == "auto" else f"int8-{mode}", ours.get("bytes"), ours["psnr"], ours.get("kernels"))
        add("NNCF", "nncf", psnr=max(r["psnr"] for r in n["nncf"].values()))
    return "\n".join([machine_line(data), table(["network", "input", "", "weights MB", "ms a frame", "times f32", "PSNR dB",
                                                 "convolutions as run"], rows)])


def qat(data):
    rows = [[n["network"], f"{n['settings']['lr']:g}", f"{n['calibrated']['psnr']:.2f}", f"{n['trained']['psnr']:.2f}", f"{n['gain']:+.2f}",
             f"{n['calibrated']['psnr_y']:.2f}", f"{n['trained']['psnr_y']:.2f}"] for n in data["networks"]]
    o = data["networks"][0]["settings"]
    return "\n".join([
        f"{o['epochs']} epochs of {o['frames']} frames in batches of {o['batch']}, tiles of {o['tile']} pixels. "
        f"Learnt from {', '.join(data['learn'])}; judged on {data['check']}.\n",
        table(["network", "learning rate", "calibrated dB", "trained dB", "gain", "calibrated, luma", "trained, luma"], rows)])


def preprocess(data):
    rows = [[r["program"], r["way"], r["threads"], f"{r['ms']['median']:.2f} ({r['ms']['min']:.2f}-{r['ms']['max']:.2f})",
             f"{r['over_one_pass']:.2f}"] for r in data["rows"]]
    return "\n".join([machine_line(data), f"{data['picture']}, median of {data['rounds']} interleaved rounds; OpenCV "
                      f"{data['versions']['opencv-python-headless']}.\n",
                      table(["program", "way", "threads", "ms (min-max)", "of ours in one pass"], rows)])


def tuning(data):
    rows = []
    for job in data["jobs"]:
        fastest = max(job["sweep"], key=lambda r: r["of_mean"])
        setting = "batch {batch}, {streams} streams, {threads} threads".format(**fastest)
        chosen = sorted(c["of_fastest"] for c in job["chosen"])
        rows.append([job["model"], job["size"], len(job["sweep"]), setting, f"{fastest['fps']['median']:.1f}",
                     f"{chosen[len(chosen) // 2]:.3f} ({chosen[0]:.3f}-{chosen[-1]:.3f})"])
    return "\n".join([machine_line(data), table(["model", "input", "settings in the sweep", "the fastest", "its fps",
                                                 "what the search chose, of that (min-max)"], rows)])


DOCUMENTS = {"benchmarks.md": (pipeline, network, hdr, hdr_quality, segment, preprocess, tuning, memory, kernels), "int8.md": (int8, qat)}


def main():
    for name, sections in DOCUMENTS.items():
        doc = measure.ROOT / "docs" / name
        text = doc.read_text()
        for render in sections:
            section = render.__name__
            data = measure.load(section)
            body = render(data) if data else "Not measured yet: `make bench`."
            pattern = rf"(<!-- BEGIN {section} -->\n).*?(<!-- END {section} -->)"
            text, count = re.subn(pattern, lambda m: m.group(1) + body.rstrip("\n") + "\n" + m.group(2), text, flags=re.S)
            if count != 1:
                raise SystemExit(f"{doc}: section {section} has no BEGIN/END markers")
        doc.write_text(text)
        print(f"rendered {doc.relative_to(measure.ROOT)}")


if __name__ == "__main__":
    main()
