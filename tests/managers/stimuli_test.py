"""`nrflv --gen_exp_stim` writes the published stimuli; what it does about base images, data sets and models."""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.join(os.environ["NRFLV_SOURCE_DIR"], "tests", "support"))
sys.path.insert(0, os.path.join(os.environ["NRFLV_SOURCE_DIR"], "tests", "train"))

try:
    import h5py
    import numpy as np
    from png_reader import decode
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from nrflv_runs import NRFLV, SHARED, TINY_RUN, make_cifar

REFERENCE = SHARED / "reference" / "stimuli"
SETS = ["single/just_angle", "single/contrast_and_angle", "single/just_angle_few_angles", "single/long_just_fewangles",
        "double/fewlocs_and_fewerangles", "double/loc_and_angles"]
IMAGES = 5 * 128 + 810
STEP = 5  # every fifth image is read back, since decoding takes long in Python; tests/stimulus/ compares all of them


def run(folder, *arguments, status=0):
    """Runs it in the folder; returns what it printed."""
    done = subprocess.run([NRFLV, *map(str, arguments)], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == status, f"{arguments}: status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def files_of(folder):
    """Every file below the folder with its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def the_published_stimuli(folder):
    said = run(folder, "--gen_exp_stim", "--base_image", REFERENCE / "base_image.png")
    assert f"wrote {IMAGES} of {IMAGES} stimuli to data/gabor_filters" in said, said
    stimuli = folder / "data" / "gabor_filters"
    values = off = 0
    with h5py.File(REFERENCE / "stimuli.h5") as reference:
        for name in SETS:
            expected = [text.decode() for text in reference[name]["file_name"][()]]
            assert sorted(os.listdir(stimuli / name)) == expected, name
            pixels = np.stack([decode(stimuli / name / file)[0] for file in expected[::STEP]])
            difference = pixels.transpose(0, 3, 1, 2).astype(int) - reference[name]["image"][::STEP]
            assert np.abs(difference).max() <= 1, name
            values += difference.size
            off += np.count_nonzero(difference)
    assert values >= IMAGES // STEP * 3072 and off <= 1e-4 * values, f"{off} of {values} values differ"
    print(f"   {off} of {values} values off by one grey level")

    sheets = stimuli / "contact_sheets"
    assert sorted(os.listdir(sheets)) == sorted(name.replace("/", "_") + ".png" for name in SETS)
    before = files_of(stimuli)
    times = {path: path.stat().st_mtime_ns for path in stimuli.rglob("*")}
    assert "all 1450 stimuli are there" in run(folder, "--gen_exp_stim", "--base_image", REFERENCE / "base_image.png")
    assert files_of(stimuli) == before and all(path.stat().st_mtime_ns == time for path, time in times.items())


def mean_of_training_images(folder):
    """As the program should compute it, from the files of make_cifar."""
    data = folder / "data" / "cifar-10-batches-bin"
    records = np.concatenate([np.frombuffer((data / f"data_batch_{n}.bin").read_bytes(), np.uint8) for n in range(1, 6)])
    mean = records.reshape(-1, 3073)[:, 1:].mean(axis=0, dtype=np.float64)
    return mean.reshape(3, 32, 32)


def the_mean_training_image_is_saved_once(folder):
    make_cifar(folder)
    stimuli = folder / "s"
    arguments = ["--gen_exp_stim", "--data_dir", "data", "--stimuli_dir", "s"]
    said = run(folder, *arguments)
    assert "wrote s/base_image_CIFAR10.png, the mean of 44 training images" in said, said
    pixels = decode(stimuli / "base_image_CIFAR10.png")[0].transpose(2, 0, 1)
    mean = mean_of_training_images(folder)
    # No mean of 44 bytes comes nearer to a half than 1/88, unless it is one: single precision tells them apart.
    assert np.array_equal(pixels, np.floor(mean + 0.5)), np.abs(pixels - mean).max()
    assert np.array_equal(decode(stimuli / "base_image.png")[0], decode(stimuli / "base_image_CIFAR10.png")[0])

    shutil.rmtree(folder / "data")  # from now on it is read back
    assert "all 1450 stimuli are there" in run(folder, *arguments)

    other = "s/single/just_angle/gf_loc16-16_sgm0.7_th0.00000_w3_rat0.5_el1_c2.40000.png"
    said = run(folder, *arguments, "--base_image", other, status=2)
    assert "s/base_image.png: the stimuli there were made from another base image; choose another --stimuli_dir" in said, said
    assert "all 1450 stimuli are there" in run(folder, *arguments)


def a_models_data_set_is_taken(folder):
    """Not the one that --dataset has by default: there is no CIFAR-10 here, and no network may be needed."""
    tiny = [*TINY_RUN, "--dataset", "dead_leaves", "--epochs", "1", "--max_batches", "1", "--model_name", "leaves"]
    run(folder, *tiny)
    said = run(folder, "--gen_exp_stim", "--load_model", "leaves", "--stimuli_dir", "s")
    assert "wrote s/base_image_dead_leaves.png" in said, said


def write_grey(path, height, width):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    lines = (b"\0" + bytes([120]) * width) * height
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
                     + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def bad_base_images_are_refused(folder):
    text = folder / "text.png"
    text.write_text("no picture\n")
    for path, words in ((folder / "missing.png", "cannot open"), (text, "not a PNG file")):
        said = run(folder, "--gen_exp_stim", "--base_image", path, status=1)
        assert re.search(rf"--base_image: .*{path.name}: {words}", said), said
    grey = folder / "grey.png"
    write_grey(grey, 28, 28)
    said = run(folder, "--gen_exp_stim", "--base_image", grey, status=1)
    assert "grey.png: [1,28,28] in the file, the images of CIFAR10 are [3,32,32]; name the data set" in said, said
    assert not (folder / "data").exists()


def grey_stimuli_need_no_images_if_the_base_image_is_given(folder):
    write_grey(folder / "grey.png", 28, 28)
    run(folder, "--gen_exp_stim", "--base_image", "grey.png", "--dataset", "MNIST", "--stimuli_dir", "s")
    names = sorted(os.listdir(folder / "s" / "single" / "just_angle"))
    assert names[0] == "gf_loc14-14_sgm0.7_th0.00000_w3_rat0.5_el1_c2.40000.png", names[0]
    pixels = decode(folder / "s" / "single" / "just_angle" / names[0])[0]
    assert pixels.shape == (28, 28, 1) and pixels[0, 0, 0] == 120 and pixels[14, 14, 0] > 200


NEEDS_REFERENCE = {the_published_stimuli}
TESTS = [the_published_stimuli, the_mean_training_image_is_saved_once, a_models_data_set_is_taken, bad_base_images_are_refused,
         grey_stimuli_need_no_images_if_the_base_image_is_given]


def main():
    for test in TESTS:
        if test in NEEDS_REFERENCE and not (REFERENCE / "stimuli.h5").exists():
            print(f"skipped: {test.__name__}: there are no reference files in '{REFERENCE}'")
            continue
        with tempfile.TemporaryDirectory(prefix="nrflv_stimuli_") as folder:
            test(pathlib.Path(folder))
        print(f"ok: {test.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
