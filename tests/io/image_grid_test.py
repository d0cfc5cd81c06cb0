"""A reader written from the PNG specification sees the pixels torchvision would have saved."""
import os
import struct
import subprocess
import sys
import tempfile
import zlib

try:
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = os.path.join(os.environ["NRFLV_BUILD_DIR"], "tests", "test_io_image_grid")
HEIGHT, WIDTH = 5, 7


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


def decode(path):
    """RGB pixels [height, width, 3] and the text entries."""
    parts = list(chunks(open(path, "rb").read()))
    width, height, *form = struct.unpack(">IIBBBBB", parts[0][1])
    assert parts[0][0] == b"IHDR" and parts[-1] == (b"IEND", b"") and form == [8, 2, 0, 0, 0], form
    raw = zlib.decompress(b"".join(body for kind, body in parts if kind == b"IDAT"))
    stride = 3 * width
    assert len(raw) == height * (stride + 1)
    rows, above = [], [0] * stride
    for y in range(height):
        kind, line = raw[y * (stride + 1)], list(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            a, b, c = (line[i - 3] if i >= 3 else 0), above[i], (above[i - 3] if i >= 3 else 0)
            line[i] = (line[i] + (0, a, b, (a + b) // 2, paeth(a, b, c))[kind]) & 255
        rows.append(line)
        above = line
    return (np.array(rows, np.uint8).reshape(height, width, 3),
            dict(body.split(b"\0", 1) for kind, body in parts if kind == b"tEXt"))


def torchvision_grid(images, low, high):
    """make_grid(nrow=16, padding=2, normalize=True, value_range=(low, high)) and save_image, in float32."""
    f = np.float32
    x = (np.clip(images, f(low), f(high)) - f(low)) / f(max(high - low, 1e-5))
    if x.shape[1] == 1:
        x = np.repeat(x, 3, axis=1)
    n, columns = len(x), min(16, len(x))
    rows = -(-n // columns)
    grid = np.zeros((3, rows * (HEIGHT + 2) + 2, columns * (WIDTH + 2) + 2), f)
    for k in range(n):
        y0, x0 = k // columns * (HEIGHT + 2) + 2, k % columns * (WIDTH + 2) + 2
        grid[:, y0:y0 + HEIGHT, x0:x0 + WIDTH] = x[k]
    return np.clip(grid * f(255) + f(0.5), 0, 255).astype(np.uint8).transpose(1, 2, 0)


def check(directory, n, channels, low, high):
    rng = np.random.default_rng(n)
    images = rng.uniform(low - 0.2, high + 0.2, (n, channels, HEIGHT, WIDTH)).astype(np.float32)
    ties = np.linspace(low, high, 511, dtype=np.float32)  # every second one halfway between two bytes
    images.flat[::3] = rng.choice(ties, images.flat[::3].size)
    source, target = os.path.join(directory, "in.raw"), os.path.join(directory, "out.png")
    images.tofile(source)
    subprocess.run([PROGRAM, str(n), str(channels), str(low), str(high), source, target], check=True)
    pixels, text = decode(target)
    assert np.array_equal(pixels, torchvision_grid(images, low, high)), (n, channels, low, high)
    assert text[b"Software"].startswith(b"nrflv "), text


with tempfile.TemporaryDirectory() as temporary:
    for case in [(128, 3, 0, 1), (128, 3, -1, 1), (17, 1, 0, 1), (16, 1, -1, 1), (2, 3, 0, 1)]:
        check(temporary, *case)
