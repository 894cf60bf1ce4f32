#!/usr/bin/env python3
"""Prints the scalars of a TensorBoard event file: an independent reader of TFRecord and Event messages.

    read_events.py FILE       "TAG STEP VALUE" a line; fails on a wrong checksum or anything it does not know

CRC-32C is computed bit by bit here, the table that the writer uses is not.
"""

import struct
import sys


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def check(data, masked):
    rotated = masked - 0xA282EAD8 & 0xFFFFFFFF
    if crc32c(data) != (rotated << 15 | rotated >> 17) & 0xFFFFFFFF:
        sys.exit("wrong checksum")


def records(data):
    at = 0
    while at < len(data):
        length, length_crc = struct.unpack_from("<QI", data, at)
        check(data[at:at + 8], length_crc)
        record = data[at + 12:at + 12 + length]
        check(record, struct.unpack_from("<I", data, at + 12 + length)[0])
        yield record
        at += 16 + length


def fields(message):
    """(number, value) of a message in protocol buffers' wire format."""
    at = 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(message):
        key = varint()
        kind = key & 7
        if kind == 0:
            value = varint()
        elif kind in (1, 5):
            size, form = (8, "<d") if kind == 1 else (4, "<f")
            value = struct.unpack_from(form, message, at)[0]
            at += size
        elif kind == 2:
            size = varint()
            value = message[at:at + size]
            at += size
        else:
            sys.exit(f"wire type {kind}")
        yield key >> 3, value


def main():
    for record in records(open(sys.argv[1], "rb").read()):
        event = dict(fields(record))
        if not event[1] > 1.6e9:
            sys.exit(f"wall time {event[1]}")
        if 3 in event:
            print("version", event[3].decode())
        for number, value in fields(event.get(5, b"")):
            scalar = dict(fields(value))
            if number != 1 or set(scalar) != {1, 2}:
                sys.exit(f"unknown fields {number} {set(scalar)}")
            print(scalar[1].decode(), event.get(2, 0), f"{scalar[2]:.6g}")


if __name__ == "__main__":
    main()
