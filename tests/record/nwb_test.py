"""Recordings as other people's readers see them: valid by PyNWB's schema, read back by it, by xarray, h5py and h5dump; the
same numbers in every number format and through every filter; few bytes touched; --describe."""

import itertools
import subprocess
import sys

try:
    import h5py
    import numpy as np
    import pynwb
    import xarray
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from nrflv_records import SHORT, SHORT_STEPS, Recordings
from nrflv_runs import check

SERIES = "/processing/state_1/image_003"
FILTERS = [list(names) for n in range(4) for names in itertools.combinations(["shuffle", "deflate", "fletcher32"], n)]


def record(place, session, *arguments, experiment="just_angle"):
    place.experiment("--model_name", session, "--experiments", experiment, *SHORT, *arguments)
    return place.recording(session, experiment)


def valid(path):
    errors = pynwb.validate(path=str(path))
    check(errors == [], f"{path}: {errors}")


# ---- what PyNWB makes of it ----


def pynwb_reads_everything(path):
    with pynwb.NWBHDF5IO(str(path), "r") as io:
        nwb = io.read()
        series = nwb.processing["state_1"]["image_003"]
        check(series.data.shape[0] == SHORT_STEPS, "rows")
        check(abs(series.rate - 17000 / 70) < 1e-9 and series.starting_time == 0, "rate")
        check(series.unit == "a.u." and series.conversion == 1, "unit, conversion")

        phases = nwb.epochs.to_dataframe()
        check(list(phases.phase) == ["burn_in", "pre", "stimulus", "post"], "phases")
        check(list(phases.first_step) == [0, 5, 11, 18] and list(phases.steps) == [5, 6, 7, 4], "lengths of phases")
        check(np.allclose(phases.stop_time, np.cumsum([5, 6, 7, 4]) * 0.07 / 17), "times of phases")

        images = nwb.processing["experiment"]["images"].to_dataframe()
        check(len(images) == 128 and np.allclose(images.angle, np.arange(128) * 2 * np.pi / 128), "angles")
        check(np.allclose(images.contrast, 2.4) and images.angle_static.isna().all(), "contrasts")
        settings = nwb.processing["experiment"]["settings"].to_dataframe().set_index("setting").value
        check(settings["state_optimizer"] == "sghmc" and int(settings["num_burn_in_steps"]) == 5, "settings")

        pictures = nwb.stimulus_template["pictures"].images
        shown = nwb.stimulus["image_003"]
        check(len(shown.data) > 0 and len(pictures) > 128, "pictures")


def xarray_names_the_axes(path, channels, rows):
    with xarray.open_dataset(path, engine="h5netcdf", group=SERIES, phony_dims="sort") as d:
        check(d.data.dims == ("time", "channel", "height", "width"), "dimensions")
        check(list(d.channel.values) == channels and list(d.height.values) == rows, "coordinates")
        check(np.allclose(d.time.values, np.arange(d.time.size) * float(d.time[1])), "time")


def h5dump_reads_it(path):
    done = subprocess.run(["h5dump", "-d", f"{SERIES}/data", "-s", "0,0,0,0", "-c", "2,1,2,2", path],
                          capture_output=True, text=True, check=False)
    check(done.returncode == 0 and "DATA {" in done.stdout, done.stderr)


# ---- numbers ----


def data_of(path, series=SERIES):
    with h5py.File(path, "r") as f:
        return f[f"{series}/data"][()]


def formats_round(place, exact):
    half = record(place, "half", "--record_format", "float16", "--record_images", "0-3")
    valid(half)
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
    valid(path)


def parts_are_parts(place, exact):
    path = record(place, "part", "--record_variables", "state", "gradient", "--record_channels", "1-2", "--record_region",
                  "1-2", "0-1", "--record_images", "3", "9", "--record_stride", "3", experiment="just_angle")
    valid(path)
    check(np.array_equal(data_of(path), exact[::3, 1:3, 1:3, 0:2]), "a part is not the part of the whole")
    xarray_names_the_axes(path, [1, 2], [1, 2])
    with h5py.File(path, "r") as f:
        check(sorted(f["processing"]) == ["experiment", "gradient_1", "state_1"], "variables")
        images = [name for name in f["processing/state_1"] if name.startswith("image_")]
        check(images == ["image_003", "image_009"], "images")


def reading_a_channel_touches_little(path):
    """Bytes of the chunks that hold channel 1 of all images, over the bytes of what is asked for."""
    touched = returned = 0
    with h5py.File(path, "r") as f:
        for image in (g for name, g in f["processing/state_1"].items() if name.startswith("image_")):
            d = image["data"]
            returned += d.dtype.itemsize * d.shape[0] * d.shape[2] * d.shape[3]
            for i in range(d.id.get_num_chunks()):
                chunk = d.id.get_chunk_info(i)
                if chunk.chunk_offset[1] <= 1 < chunk.chunk_offset[1] + d.chunks[1]:
                    touched += chunk.size
    check(0 < touched <= 1.2 * returned, f"{touched} bytes touched for {returned}")


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
        valid(path)
        pynwb_reads_everything(path)
        with h5py.File(path, "r") as f:
            size = f[f"{SERIES}/data"].shape
        xarray_names_the_axes(path, list(range(size[1])), list(range(size[2])))
        h5dump_reads_it(path)
        reading_a_channel_touches_little(path)
        described(place, path)
        exact = data_of(path)
        check(np.abs(exact).max() > 0 and np.unique(exact).size > 100, "nothing was recorded")
        formats_round(place, exact)
        filters_change_no_number(place, exact)
        parts_are_parts(place, exact)


main()
