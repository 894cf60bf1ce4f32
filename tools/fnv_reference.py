#!/usr/bin/env python3
"""Reads an .fnv file as docs/fnv-format.md specifies it, independently of src/codec, and prints all of it as text.

    tools/fnv_reference.py FILE

Plain and slow. numpy only for halves and shapes.
"""

import struct
import sys
import zlib

import numpy

SIGNATURE = b"\x89FNV\r\n\x1a\n"
ONE = 1 << 15


class Damaged(Exception):
    pass


class Fields:
    """Numbers and texts of a body, one after the other."""

    def __init__(self, body):
        self.body, self.at = body, 0

    def take(self, count):
        if count > len(self.body) - self.at:
            raise Damaged("a section ends too early")
        self.at += count
        return self.body[self.at - count : self.at]

    def number(self, code):
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number("B")
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def signed(self):
        value = self.varint()
        return -(value + 1) // 2 if value % 2 else value // 2

    def text(self):
        return self.take(self.varint()).decode()

    def texts(self):
        return [(self.text(), self.text()) for _ in range(self.varint())]

    def rest(self):
        return self.take(len(self.body) - self.at)


def sections(data):
    """(offset, type, body) of the sections, as far as they are whole."""
    if data[:8] != SIGNATURE:
        raise Damaged("not an .fnv file")
    at = 8
    while len(data) - at >= 16:
        kind, size = struct.unpack_from("<4sQ", data, at)
        end = at + 12 + size
        if end + 4 > len(data) or zlib.crc32(data[at:end]) != struct.unpack_from("<I", data, end)[0]:
            return
        yield at, kind.decode("latin-1"), data[at + 12 : end]
        at = end + 4


class Model:
    def __init__(self, counts):
        self.counts, self.seen = list(counts), 0
        self.make_starts()

    def make_starts(self):
        if sum(self.counts) >= 1 << 30:
            self.counts = [(c + 1) // 2 for c in self.counts]
        total, before = sum(self.counts), 0
        self.starts = []
        for j, count in enumerate(self.counts):
            self.starts.append(j + before * (ONE - len(self.counts)) // total)
            before += count
        self.starts.append(ONE)
        self.next_update = self.seen + max(8, min(512, self.seen // 8))

    def count(self, symbol):
        self.counts[symbol] += 32
        self.seen += 1
        if self.seen == self.next_update:
            self.make_starts()


class Decoder:
    def __init__(self, data):
        if len(data) < 4:
            raise Damaged("no state")
        self.data, self.word_at, self.bits_read = data, 4, 0
        (self.state,) = struct.unpack_from("<I", data)
        self.bits = "".join(f"{byte:08b}" for byte in reversed(data))

    def symbol(self, model):
        slot = self.state % ONE
        j = max(k for k in range(len(model.counts)) if model.starts[k] <= slot)
        start, end = model.starts[j], model.starts[j + 1]
        self.state = (end - start) * (self.state // ONE) + slot - start
        if self.state < 1 << 16:
            if self.word_at + 2 > len(self.data):
                raise Damaged("no words left")
            self.state = self.state << 16 | struct.unpack_from("<H", self.data, self.word_at)[0]
            self.word_at += 2
        model.count(j)
        return j

    def raw(self, bits):
        self.bits_read += bits
        if self.bits_read > len(self.bits):
            raise Damaged("no bits left")
        return int(self.bits[self.bits_read - bits : self.bits_read], 2)

    def check_finished(self):
        whole = -(-self.bits_read // 8) * 8
        if self.word_at + whole // 8 != len(self.data) or self.state != 1 << 16 or "1" in self.bits[self.bits_read : whole]:
            raise Damaged("the tensor data end elsewhere")


def read_values(decoder, shape, bits, axis, classes_model):
    precision, has_classes, has_lag = decoder.raw(3), decoder.raw(1), decoder.raw(1)
    lag = decoder.raw(28) if has_lag else 0
    dimension = max(axis, 0)
    line_count = shape[dimension] if shape else 1
    classes = [decoder.symbol(classes_model) for _ in range(line_count)] if has_classes else [0] * line_count
    lines = numpy.indices(shape)[dimension].ravel() if shape else [0]

    half = 1 << (bits - 1)
    low_of = lambda token: max(0, (token >> precision) - 1)
    base = lambda token: (token - (low_of(token) << precision)) << low_of(token)
    low = max(0, half.bit_length() - precision - 1)
    counts = [max(1, 1024 * (half - base(t)) * 2 ** low_of(t) // half**2) for t in range((half >> low) + (low << precision) + 1)]
    if len(counts) > 256:
        raise Damaged("too many tokens")
    models = [Model(counts) for _ in range(7 if has_classes else 1)]
    values = []
    for i, line in enumerate(lines):
        token = decoder.symbol(models[classes[line]])
        residual = 0
        if token:
            raw = decoder.raw(low_of(token) + 1)
            residual = (base(token) + (raw >> 1)) * (-1 if raw & 1 else 1)
        before = values[i - lag] if lag and i >= lag else 0
        values.append((residual + before + half) % (2 * half) - half)
    return values


def read_tensors(layout, data):
    """For each tensor (scales, values), or (None, bit patterns of the numbers)."""
    decoder = Decoder(data)
    scale, plain, classes = Model([1] * 256), Model([1] * 256), Model([1] * 7)
    tensors = []
    for _, bits, axis, shape in layout:
        elements = int(numpy.prod(shape, dtype=object)) if shape else 1
        if bits > 12:
            numbers = [decoder.symbol(plain) << (bits - 8) | decoder.raw(bits - 8) for _ in range(elements)]
            tensors.append((None, numbers))
            continue
        count = elements // shape[axis] if axis >= 0 else 1
        scales = [decoder.symbol(scale) << 8 | decoder.raw(8) for _ in range(count)]
        tensors.append((scales, read_values(decoder, shape, bits, axis, classes)))
    decoder.check_finished()
    return tensors


def weights(layout, tensor):
    """The tensor as float32."""
    _, bits, axis, shape = layout
    scales, values = tensor
    if scales is None:
        kind = numpy.float16 if bits == 16 else numpy.float32
        return numpy.array(values, f"u{bits // 8}").view(kind).astype(numpy.float32).reshape(shape)
    scale_shape = [1 if axis in (i, -1) else n for i, n in enumerate(shape)]
    halves = numpy.array(scales, numpy.uint16).view(numpy.float16).astype(numpy.float32).reshape(scale_shape)
    return numpy.array(values, numpy.float32).reshape(shape) * halves


def read_head(body, out):
    fields = Fields(body)
    if fields.number("H") != 1:
        raise Damaged("unknown version")
    out("picture", *(fields.varint() for _ in range(6)))
    out("format", *(fields.number("B") for _ in range(5)))
    out("colour", *(fields.number("B") for _ in range(5)))
    for name in ("aspect", "time_base", "frame_rate"):
        out(name, fields.varint(), fields.varint())
    flags = fields.number("B")
    if flags & 1:
        out("display_matrix", *(fields.number("i") for _ in range(9)))
    if flags & 2:
        out("mastering", *(fields.take(8).hex() for _ in range(10)))
    if flags & 4:
        out("light", fields.varint(), fields.varint())
    for key, value in fields.texts():
        out("metadata", key, "=", value)


def read_network(body, number, out):
    packed = Fields(body)
    size = packed.varint()
    fields = Fields(zlib.decompress(packed.rest()))
    if len(fields.body) != size:
        raise Damaged("a network unpacks to another size")
    for key, value in fields.texts():
        out("network", number, key, "=", value)
    layout = []
    for _ in range(fields.varint()):
        name, bits, axis, rank = fields.text(), fields.number("B"), fields.number("B") - 1, fields.number("B")
        layout.append((name, bits, axis, tuple(fields.varint() for _ in range(rank))))
        out("tensor", number, name, bits, axis, *layout[-1][3])
    return layout


def read_group(body, networks, number, first_frame, out):
    fields = Fields(body)
    network, count, pts = fields.varint(), fields.varint(), fields.signed()
    out("group", number, "network", network, "first", first_frame, "frames", count)
    frames = 0
    while frames < count:
        run, duration, gap = fields.varint(), fields.varint(), fields.signed()
        for _ in range(run):
            out("frame", pts, duration)
            pts += duration + gap
            frames += 1
    layout = networks[network]
    for entry, (scales, values) in zip(layout, tensors := read_tensors(layout, fields.rest())):
        if scales is not None:
            out("scales", entry[0], *scales)
        out("values", entry[0], *values)
    for entry, tensor in zip(layout, tensors):
        out("weights", entry[0], weights(entry, tensor).tobytes().hex())
    return count


def read_index(body, out):
    fields = Fields(body)
    for _ in range(fields.varint()):
        kind = fields.take(4).decode()
        entry = [kind, fields.varint(), fields.varint()]
        if kind == "GRUP":
            entry += [fields.varint(), fields.varint(), fields.signed(), fields.signed()]
        if kind == "AUXI":
            entry.append(fields.text())
        out("index", *entry)


def describe(data):
    """The lines that say everything about a file."""
    lines, networks, groups, frames = [], [], 0, 0
    out = lambda *words: lines.append(" ".join(str(word) for word in words))
    for offset, kind, body in sections(data):
        if kind == "HEAD":
            read_head(body, out)
        elif kind == "NETW":
            networks.append(read_network(body, len(networks), out))
        elif kind == "GRUP":
            frames += read_group(body, networks, groups, frames, out)
            groups += 1
        elif kind == "AUXI":
            fields = Fields(body)
            out("auxiliary", fields.text(), fields.rest().hex())
        elif kind == "INDX":
            index_at = offset
            read_index(body, out)
        elif kind == "TAIL":
            if struct.unpack("<Q", body)[0] != index_at or offset + 24 != len(data):
                raise Damaged("the tail points elsewhere")
            out("complete")
    return lines


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        print("\n".join(describe(open(sys.argv[1], "rb").read())))
    except Damaged as problem:
        sys.exit(f"{sys.argv[1]}: {problem}")
