#!/usr/bin/env python3
"""Makes models/NAME.safetensors, which travels inside the program, from the weights of a training run: half precision,
and in the metadata what they are.

    tools/ship_model.py RUN/model.safetensors models/NAME.safetensors --source TEXT
"""

import argparse
import pathlib

import numpy as np
import safetensors_io


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("trained", type=pathlib.Path)
    parser.add_argument("shipped", type=pathlib.Path)
    parser.add_argument("--source", required=True, help="what the weights were trained with")
    o = parser.parse_args()
    tensors, metadata = safetensors_io.load(o.trained)
    halves = {name: value.astype(np.float16) for name, value in tensors.items()}
    for name, value in halves.items():
        if not np.isfinite(value).all():
            raise SystemExit(f"{o.trained}: {name} does not fit into half precision")
    kept = {key: metadata[key] for key in ("framelift.format", "framelift.architecture", "framelift.hyper") if key in metadata}
    kept |= {"framelift.name": o.shipped.stem, "framelift.license": "Apache-2.0", "framelift.source": o.source}
    safetensors_io.save(o.shipped, halves, kept)
    print(f"{o.shipped}: {o.shipped.stat().st_size} bytes, {sum(v.size for v in halves.values())} parameters")


if __name__ == "__main__":
    main()
