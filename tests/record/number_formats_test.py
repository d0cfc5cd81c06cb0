"""The same numbers in every number format, through every filter, and in parts of the whole; what --describe says of them."""

import itertools
import sys

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from nrflv_records import SHORT, Recordings
from nrflv_runs import check

SERIES = "/processing/state_1/image_003"
FILTERS = [list(names) for n in range(4) for names in itertools.combinations(["shuffle", "deflate", "fletcher32"], n)]


def record(place, session, *arguments, experiment="just_angle"):
    place.experiment("--model_name", session, "--experiments", experiment, *SHORT, *arguments)
    return place.recording(session, experiment)


# ---- numbers ----


def data_of(path, series=SERIES):
    with h5py.File(path, "r") as f:
        return f[f"{series}/data"][()]


def formats_round(place, exact):
    half = record(place, "half", "--record_format", "float16", "--record_images", "0-3")
    check(data_of(half).dtype == np.float16, "type of float16")
    check(np.array_equal(data_of(half), exact.astype(np.float16)), "float16")

    rounded = record(place, "rounded", "--record_format", "rounded", "--record_mantissa_bits", "8",
                     "--record_images", "0-3")
    got = data_of(rounded)
    check(np.all(got.view(np.uint32) & ((1 << 15) - 1) == 0), "bits that were rounded away")
    check(np.all(np.abs(got - exact) <= np.abs(exact) * 2.0**-9), "rounded by more than the bound")
    check(not np.array_equal(got, exact), "nothing was rounded")
    with h5py.File(rounded, "r") as f:
        check(f["general/nrflv"].attrs["relative_error_bound"] == 2.0**-9, "the bound is not stored")


def filters_change_no_number(place, exact):
    for names in FILTERS[1:]:
        path = record(place, "_".join(names), "--record_images", "3", "--record_variables", "state",
                      "--record_filters", *names)
        check(np.array_equal(data_of(path), exact), f"{names}: other numbers")
        with h5py.File(path, "r") as f:
            d = f[f"{SERIES}/data"]
            check((d.shuffle, d.compression, d.fletcher32) ==
                  ("shuffle" in names, "gzip" if "deflate" in names else None, "fletcher32" in names), f"{names}: filters")


def parts_are_parts(place, exact):
    path = record(place, "part", "--record_variables", "state", "gradient", "--record_channels", "1-2", "--record_region",
                  "1-2", "0-1", "--record_images", "3", "9", "--record_stride", "3", experiment="just_angle")
    check(np.array_equal(data_of(path), exact[::3, 1:3, 1:3, 0:2]), "a part is not the part of the whole")
    with h5py.File(path, "r") as f:
        check(sorted(f["processing"]) == ["experiment", "gradient_1", "state_1"], "variables")
        images = [name for name in f["processing/state_1"] if name.startswith("image_")]
        check(images == ["image_003", "image_009"], "images")


# ---- --describe ----


def described(place, path):
    text = place.run("--describe", path).stdout
    for words in ("complete, 22 rows", "experiment   just_angle, stimuli single/just_angle", "burn_in", "0 .. 4",
                  "11 .. 17", "128 angles, 0 to 357.2 degrees", "contrast 2.4", "float32", "/processing/bno_1/image_000",
                  "seed 7"):
        check(words in text, f"--describe does not say '{words}':\n{text}")


def main():
    with Recordings() as place:
        path = record(place, "whole")
        described(place, path)
        exact = data_of(path)
        check(np.abs(exact).max() > 0 and np.unique(exact).size > 100, "nothing was recorded")
        formats_round(place, exact)
        filters_change_no_number(place, exact)
        parts_are_parts(place, exact)


main()
