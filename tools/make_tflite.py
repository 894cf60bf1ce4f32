#!/usr/bin/env python3
"""Small .tflite files for tests, written by the FlatBuffers format's own rules: tools/make_tflite.py FOLDER."""
import struct
import sys
from pathlib import Path

import numpy as np


class Writer:
    """FlatBuffers from the root on: parents first, what they point to behind them."""

    def __init__(self):
        self.data = bytearray(b"\0\0\0\0TFL3")

    def align(self, n):
        self.data += b"\0" * (-len(self.data) % n)

    def vector(self, element, values):
        self.align(4)
        at = len(self.data)
        self.data += struct.pack("<I", len(values)) + b"".join(struct.pack("<" + element, v) for v in values)
        return at

    def text(self, text):
        at = self.vector("B", text.encode())
        self.data += b"\0"
        return at

    def tables(self, builders):
        """A vector of tables, each made by a function that returns its place."""
        at = self.vector("I", [0] * len(builders))
        for i, build in enumerate(builders):
            place = at + 4 + 4 * i
            struct.pack_into("<I", self.data, place, build() - place)
        return at

    def table(self, fields):
        """fields: number -> ("b" | "B" | "i" | "I", value) or a function that writes what the field points to."""
        count = max(fields, default=-1) + 1
        self.align(4)
        vtable = len(self.data)
        self.data += struct.pack("<HH", 4 + 2 * count, 4 + 4 * count)
        self.data += b"".join(struct.pack("<H", 4 + 4 * i if i in fields else 0) for i in range(count))
        self.align(4)
        at = len(self.data)
        self.data += struct.pack("<i", at - vtable) + bytes(4 * count)
        for i, value in fields.items():
            place = at + 4 + 4 * i
            if callable(value):
                struct.pack_into("<I", self.data, place, value() - place)
            else:
                struct.pack_into("<" + value[0], self.data, place, value[1])
        return at


def model(size=8, custom="Convolution2DTransposeBias", code=117, stride=2):
    """conv SAME stride 2 (half precision, dequantized), an op of one input, 2x2 transposed conv, logistic."""
    rng = np.random.default_rng(1)
    half = size // 2
    f32, f16 = 0, 1
    weights = [rng.uniform(-1, 1, (4, 3, 3, 3)).astype("<f2"), rng.uniform(-1, 1, 4).astype("<f4"),
               rng.uniform(-1, 1, (1, 2, 2, 4)).astype("<f4"), rng.uniform(-1, 1, 1).astype("<f4")]
    tensors = [((1, size, size, 3), f32, 0), ((4, 3, 3, 3), f16, 1), ((4, 3, 3, 3), f32, 0), ((4,), f32, 2),
               ((1, half, half, 4), f32, 0), ((1, half, half, 4), f32, 0), ((1, 2, 2, 4), f32, 3), ((1,), f32, 4),
               ((1, size, size, 1), f32, 0), ((1, size, size, 1), f32, 0)]
    codes = [6, 3, code, 32, 14]
    conv = {0: ("b", 0), 1: ("i", stride), 2: ("i", stride), 4: ("i", 1), 5: ("i", 1)}
    operators = [(0, [1], [2], None, None), (1, [0, 2, 3], [4], conv, None), (2, [4], [5], None, None),
                 (3, [5, 6, 7], [8], None, struct.pack("<iii", 1, 2, 2)), (4, [8], [9], None, None)]
    w = Writer()

    def tensor(shape, kind, buffer):
        return lambda: w.table({0: lambda: w.vector("i", shape), 1: ("b", kind), 2: ("I", buffer)})

    def operator(index, inputs, outputs, options, custom_options):
        fields = {0: ("I", index), 1: lambda: w.vector("i", inputs), 2: lambda: w.vector("i", outputs)}
        if options:
            fields[4] = lambda: w.table(options)
        if custom_options:
            fields[5] = lambda: w.vector("B", custom_options)
        return lambda: w.table(fields)

    def operator_code(number):
        fields = {0: ("b", min(number, 127)), 3: ("i", number)}
        if number == 32:
            fields[1] = lambda: w.text(custom)
        return lambda: w.table(fields)

    def graph():
        return w.table({0: lambda: w.tables([tensor(*t) for t in tensors]), 1: lambda: w.vector("i", [0]),
                        2: lambda: w.vector("i", [9]), 3: lambda: w.tables([operator(*o) for o in operators])})

    def buffers():
        return w.tables([lambda: w.table({})] +
                        [lambda d=d: w.table({0: lambda: w.vector("B", d.tobytes())}) for d in weights])

    root = w.table({0: ("I", 3), 1: lambda: w.tables([operator_code(c) for c in codes]),
                    2: lambda: w.tables([graph]), 4: buffers})
    struct.pack_into("<I", w.data, 0, root)
    return bytes(w.data)


def main():
    out = Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    good = model()
    files = {"small": good, "cut": good[:len(good) // 2], "unknown_op": model(code=99),
             "unknown_custom": model(custom="Mystery"), "huge_stride": model(stride=2**30),
             "wrong_size": model(stride=1), "bad_root": b"\xff\xff\xff\xff" + good[4:]}
    for name, data in files.items():
        (out / name).write_bytes(data)


if __name__ == "__main__":
    main()
