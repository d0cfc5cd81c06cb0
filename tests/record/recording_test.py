"""What h5py finds in real recordings: tables, phases, pictures, and numbers that obey the model's equations."""

import hashlib
import math
import os
import sys

sys.path.insert(0, os.path.join(os.environ["NRFLV_SOURCE_DIR"], "tests", "support"))

try:
    import h5py
    import numpy as np
    from png_reader import decode
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from nrflv_records import EPOCH, SHORT, SHORT_STEPS, Recordings
from nrflv_runs import check

MS = 70 / 17
PHASES = [("burn_in", 0, 5), ("pre", 5, 6), ("stimulus", 11, 7), ("post", 18, 4)]


def texts(dataset):
    return [text.decode() for text in dataset[()]]


def record(place, name, *arguments):
    place.experiment("--model_name", "s", "--experiments", name, *SHORT, *arguments)
    return h5py.File(place.recording("s", name))


# ---- what is said about it ----


def header(place, f, name):
    said = f["general/nrflv"].attrs
    md5 = hashlib.md5(place.model("m").read_bytes()).hexdigest()
    expected = {"experiment": name, "model_name": "m", "model_md5": md5, "session_name": "s", "seed": 7, "steps": SHORT_STEPS,
                "stride": 1, "batch": 128, "ms_per_step": MS, "session_start": int(EPOCH)}
    for key, value in expected.items():
        check(said[key] == value, f"{key} is {said[key]}, not {value}")
    check(f["general/nrflv/rows_complete"][()] == SHORT_STEPS, "not complete")
    check(f["session_start_time"][()].decode().startswith("2023-11-14T22:13:20"), f["session_start_time"][()])
    settings = f["processing/experiment/settings"]
    table = dict(zip(texts(settings["setting"]), texts(settings["value"])))
    for option, value in {"seed": "7", "dataset": "CIFAR10", "state_optimizer": "sghmc", "num_burn_in_steps": "5",
                          "conv_algorithm": "auto"}.items():
        check(table[option] == value, f"--{option} is {table[option]}, not {value}")
    check(not {"threads", "exps_dir", "model_name", "quiet"} & set(table), f"what may differ is in the settings: {sorted(table)}")


def phases(f):
    epochs = f["intervals/epochs"]
    found = list(zip(texts(epochs["phase"]), epochs["first_step"][()], epochs["steps"][()]))
    check(found == PHASES, f"phases: {found}")
    for row, (_, first, steps) in enumerate(PHASES):
        check(math.isclose(epochs["start_time"][row], first * MS / 1000, abs_tol=1e-12), "start of a phase")
        check(math.isclose(epochs["stop_time"][row], (first + steps) * MS / 1000, abs_tol=1e-12), "end of a phase")


def table_of(f):
    images = f["processing/experiment/images"]
    check((images["index"][()] == np.arange(128)).all(), "order of images")
    return {name: images[name][()] for name in ("angle", "angle_static", "contrast", "offset_row", "offset_column", "group", "repeat")}


def contrasts_and_angles(f):
    """spec/analysis.md 1.5: b = 8 i + j, angle i 2 pi / 16, contrast 0.4 j."""
    t, b = table_of(f), np.arange(128)
    check(np.allclose(t["angle"], b // 8 * 2 * np.pi / 16, rtol=0, atol=1e-14), "angles")
    check(np.allclose(t["contrast"], b % 8 * 0.4, rtol=0, atol=1e-14), "contrasts")
    check(np.isnan(t["angle_static"]).all() and not t["offset_row"].any() and not t["offset_column"].any(), "one patch, in the centre")


def two_patches(f):
    """spec/analysis.md 1.5: blocks of static angles, in each distances, then mobile angles, then repeats."""
    t, b = table_of(f), np.arange(128)
    block, distance = b // 32, np.array([3, 5, 7, 10])[b % 32 // 8]
    static = block * np.pi / 2
    check(np.allclose(t["angle_static"], static, rtol=0, atol=1e-14), "static angles")
    check(np.allclose(t["angle"], static + b % 8 // 4 * np.pi / 2, rtol=0, atol=1e-14), "mobile angles")
    check((t["offset_row"] == distance * np.array([0, -1, 0, 1])[block]).all(), "rows")
    check((t["offset_column"] == distance * np.array([1, 0, -1, 0])[block]).all(), "columns")
    check((t["group"] == b // 4).all() and (t["repeat"] == b % 4).all(), "groups")
    check((t["contrast"] == 2.4).all(), "contrasts")


# ---- what was shown ----


def pictures(place, f, folder):
    """The image layer in each phase; the same pictures in the file."""
    records = np.fromfile(place.directory / "data" / "cifar-10-batches-bin" / "test_batch.bin", np.uint8).reshape(-1, 3073)
    stimuli = place.directory / "data" / "gabor_filters"
    names = texts(f["processing/experiment/images/file_name"])
    check(names == sorted(os.listdir(stimuli / folder)), "file names")
    kept = f["stimulus/templates/pictures"]

    def planes(pixels):
        return pixels.transpose(2, 0, 1)

    for image in (0, 37, 127):
        blank = planes(decode(stimuli / "base_image.png")[0])
        shown = {"burn_in": records[image, 1:].reshape(3, 32, 32), "pre": blank, "post": blank,
                 "stimulus": planes(decode(stimuli / folder / names[image])[0])}
        state = f[f"processing/state_0/image_{image:03}/data"][()]
        for name, first, steps in PHASES:
            wanted = shown[name].astype(np.float32) / np.float32(255)
            check((state[first:first + steps] == wanted).all(), f"image {image}, {name}: not what should be shown")
        check((planes(kept["blank"][()]) == blank).all(), "blank picture")
        check((planes(kept[f"burn_in_{image:03}"][()]) == shown["burn_in"]).all(), "burn-in picture")
        check((planes(kept[f"stimulus_{image:03}"][()]) == shown["stimulus"]).all(), "stimulus picture")


# ---- the numbers ----


def equations(place, f):
    """Energies and bno are those of the states before the step, the increment is M p; layer 1 has 8 channels, where M is the
    normal density of standard deviation 0.1 at 0, times the identity."""
    mass = 1 / (0.1 * math.sqrt(2 * math.pi))
    with h5py.File(place.model("m")) as model:
        bias = model["model/parameters/biases.1.weight"][()].reshape(8, 8, 8)
    for image in (0, 64, 127):
        state, momentum, gradient, energy, bno = (
            f[f"processing/{name}_1/image_{image:03}/data"][()].astype(float)
            for name in ("state", "momentum", "gradient", "energy", "bno"))
        before = state[:-1]
        expected = before**2 / 2 - bias * before + before * bno[1:] / 2
        check(np.abs(energy[1:] - expected).max() < 1e-5, f"energies are off by {np.abs(energy[1:] - expected).max()}")
        moved, free = state[1:] - before, np.abs(state[1:]) < 1
        check(free.any() and np.abs(moved - mass * momentum[1:])[free].max() < 1e-5, "the increment is not M p")
        check(gradient.any(axis=(1, 2, 3)).all(), "a step without gradient")


def plain_descent(place):
    """Without momentum and noise a step is -h times the gradient beside it, clamped."""
    overridden = {"state_optimizer": "sgd", "sampling_step_size": "0.25", "sigma": "0"}
    place.experiment("--model_name", "descent", "--experiments", "observeCIFAR10", *SHORT,
                     *[word for name, value in overridden.items() for word in (f"--{name}", value)], "--override_loaded", *overridden)
    with h5py.File(place.recording("descent", "observeCIFAR10")) as f:
        state, gradient = (f[f"processing/{name}_1/image_005/data"][()] for name in ("state", "gradient"))
        expected = np.clip(state[:-1] - np.float32(0.25) * gradient[1:], -1, 1)
        check(np.abs(state[1:] - expected).max() < 1e-6, "the gradient is not the one that moved the states")
        check(np.abs(state[1:] - state[:-1]).max() > 0.01, "nothing moved")


def experiments_differ_in_their_noise(one, other):
    """Burn-in shows the same images: all that differs is the noise."""
    a, b = (f["processing/momentum_1/image_000/data"][0] for f in (one, other))
    check((a != b).mean() > 0.99, "two experiments share their noise")


def main():
    with Recordings() as place:
        with record(place, "contrast_and_angle", "--record_layers", "0", "1") as f:
            header(place, f, "contrast_and_angle")
            phases(f)
            contrasts_and_angles(f)
            pictures(place, f, "single/contrast_and_angle")
            equations(place, f)
            with record(place, "fewlocs_and_fewerangles") as g:
                header(place, g, "fewlocs_and_fewerangles")
                two_patches(g)
                experiments_differ_in_their_noise(f, g)
        plain_descent(place)


main()
