"""A reader written from the PNG specification sees the pixels torchvision would have saved."""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["NRFLV_SOURCE_DIR"], "tests", "support"))

try:
    import numpy as np
    from png_reader import decode
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = os.path.join(os.environ["NRFLV_BUILD_DIR"], "tests", "test_io_image_grid")
HEIGHT, WIDTH = 5, 7


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
