"""Makes weight files that must be refused: hostile headers, deep and malicious pickles, NaN."""

import io
import json
import pickle
import struct
import zipfile


def safetensors(path, header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def read_safetensors(path):
    data = path.read_bytes()
    (length,) = struct.unpack_from("<Q", data)
    return json.loads(data[8:8 + length]), bytearray(data[8 + length:])


def with_nan(source, path):
    """A copy with one NaN in its first float32 tensor."""
    header, data = read_safetensors(source)
    entry = next(e for name, e in header.items() if name != "__metadata__" and e["dtype"] == "F32")
    struct.pack_into("<f", data, entry["data_offsets"][0], float("nan"))
    safetensors(path, header, bytes(data))


def with_header(source, path, change):
    """A copy whose header went through change(header)."""
    header, data = read_safetensors(source)
    change(header)
    safetensors(path, header, bytes(data))


def torch_zip(path, pickled, storages=()):
    """The layout of torch.save: a zip without compression, a folder with data.pkl, data/N and version."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, content in storages:
            archive.writestr(f"archive/data/{name}", content)
        archive.writestr("archive/version", "3\n")


class _Call:
    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


def calling_system(command):
    """A pickle that runs `command` when a careless program loads it."""
    import os
    return pickle.dumps({"params": _Call(os.system, command)}, protocol=2)


def calling_eval(expression):
    return pickle.dumps(_Call(eval, expression), protocol=2)


def deep(levels):
    """A list in a list in a list ..."""
    return b"\x80\x02" + b"]" * levels + b"a" * (levels - 1) + b"."


def tuple_bomb(levels):
    """Doubles itself through the memo: 2**levels elements if it is ever walked."""
    out = io.BytesIO()
    out.write(b"\x80\x02)")
    for i in range(levels):
        out.write(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86")
    out.write(b".")
    return out.getvalue()


def huge_storage():
    """A tensor whose storage claims 2**40 floats."""
    def rebuild(size):
        p = b"\x80\x02}(X\x0d\x00\x00\x00body.0.weight"
        p += b"ctorch._utils\n_rebuild_tensor_v2\n("
        p += b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpu" + size + b"tQ"
        p += b"K\x00(" + size + b"K\x03K\x03K\x03t(K\x1bK\x09K\x03K\x01t\x89}tRu."
        return p
    return rebuild(b"\x8a\x06" + (2**40).to_bytes(6, "little"))
