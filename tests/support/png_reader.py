"""PNG files read by a reader of our own, written from the PNG specification: 8-bit grey or RGB, not interlaced."""

import struct
import zlib

import numpy as np


def chunks(data):
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at = 8
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size:at + 12 + size])[0] == zlib.crc32(kind + body)
        yield kind, body
        at += 12 + size


def paeth(a, b, c):
    p = a + b - c
    return min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]


def unfilter(kind, line, above, channels):
    """A row's bytes from what filter `kind` made of them and the row above."""
    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line.reshape(-1, channels), axis=0, dtype=np.uint8).ravel()
    if kind == 2:
        return line + above
    row, up = line.tolist(), above.tolist()
    for i, value in enumerate(row):
        a, c = (row[i - channels], up[i - channels]) if i >= channels else (0, 0)
        row[i] = (value + ((a + up[i]) // 2 if kind == 3 else paeth(a, up[i], c))) & 255
    return np.array(row, np.uint8)


def decode(path):
    """Pixels [height, width, channels] and the text entries."""
    with open(path, "rb") as file:
        parts = list(chunks(file.read()))
    width, height, *form = struct.unpack(">IIBBBBB", parts[0][1])
    assert parts[0][0] == b"IHDR" and parts[-1] == (b"IEND", b"") and form in ([8, 0, 0, 0, 0], [8, 2, 0, 0, 0]), form
    channels = 3 if form[1] == 2 else 1
    raw = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    stride = channels * width
    assert len(raw) == height * (stride + 1)
    lines = np.frombuffer(raw, np.uint8).reshape(height, stride + 1)
    pixels = np.zeros((height + 1, stride), np.uint8)  # the row above the first is black
    for y in range(height):
        pixels[y + 1] = unfilter(lines[y, 0], lines[y, 1:], pixels[y], channels)
    return (pixels[1:].reshape(height, width, channels),
            dict(body.split(b"\0", 1) for kind, body in parts if kind == b"tEXt"))
