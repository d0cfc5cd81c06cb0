"""Recordings are what other people's programs take them for: valid NWB for PyNWB, named axes for xarray, HDF5 for
h5py and h5dump, in every number format and with every filter; and one channel can be read without the others."""
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import warnings

try:
    import h5py
    import numpy as np
    import pynwb
    import xarray
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = os.path.join(os.environ["NRFLV_BUILD_DIR"], "tests", "test_io_recording")
FORMATS = {"float32": "<f4", "float16": "<f2", "rounded": "<f4"}
STEPS = 100
SERIES = [(variable, layer, image) for variable in ("state", "energy") for layer in (1, 3) for image in (1, 4, 7)]
VARIABLES = ("state", "momentum", "gradient", "energy", "bno")


def run(*arguments):
    return subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, text=True).stdout


def make(path, number_format="float32", filters="-"):
    run("make", path, number_format, filters, str(STEPS))


def specimen(variable, layer, image, channels, rows, columns):
    """What tests/support/recording_specimen.c puts where."""
    t, c, y, x = np.meshgrid(np.arange(STEPS), channels, np.arange(len(rows)), np.arange(len(columns)), indexing="ij")
    place = (VARIABLES.index(variable) * 7919 + layer * 104729 + image * 1299709 + c * 15485863 + t * 31 + y * 17 + x * 5)
    return (place % 2047 - 1023) / 64


def h5py_reads_every_format_and_filter(path):
    for number_format, flags in itertools.product(FORMATS, itertools.product((False, True), repeat=3)):
        make(path, number_format, "".join(f for f, on in zip("sdf", flags) if on) or "-")
        with h5py.File(path) as f:
            for variable, layer, image in SERIES:
                group = f[f"processing/{variable}_{layer}/image_{image:03d}"]
                data = group["data"]
                assert data.dtype == np.dtype(FORMATS[number_format]), data.dtype
                assert (data.shuffle, data.compression == "gzip", data.fletcher32) == flags, (number_format, flags)
                assert data.chunks[1] == 1 and data.chunks[2:] == data.shape[2:]
                want = specimen(variable, layer, image, group["channel"][:], group["height"][:], group["width"][:])
                assert np.array_equal(data[:], want), (number_format, flags, variable, layer, image)


def h5py_finds_what_describes_it(path):
    make(path)
    with h5py.File(path) as f:
        assert open(path, "rb").read(9)[8] == 0  # the oldest superblock: every reader opens it
        about = f["general/nrflv"].attrs
        assert about["experiment"] == "just_angle" and about["seed"] == 2**64 - 1 and about["steps"] == STEPS
        assert about["number_format"] == "float32" and about["relative_error_bound"] == 0
        assert list(about["variables"]) == ["state", "energy"] and list(about["layers"]) == [1, 3]
        assert f["general/nrflv/rows_complete"][()] == STEPS
        series = f["processing/energy_3/image_004"]
        assert list(series["channel"]) == [1, 3, 5] and list(series["height"]) == [2, 3, 4, 5]
        assert [d[0].name.split("/")[-1] for d in series["data"].dims] == ["time", "channel", "height", "width"]
        # A scale knows those who use it: three series, and for time the step numbers.
        assert len(f["processing/energy_3/time"].attrs["REFERENCE_LIST"]) == 4
        assert len(f["processing/energy_3/width"].attrs["REFERENCE_LIST"]) == 3
        ids = []
        f.visititems(lambda name, item: ids.append(item.attrs["object_id"]) if "object_id" in item.attrs else None)
        assert len(ids) == len(set(ids)) > 50


def pynwb_finds_it_valid(path):
    for number_format, filters in (("float32", "-"), ("float16", "-"), ("rounded", "-"), ("float16", "sdf")):
        make(path, number_format, filters)
        problems = pynwb.validate(path=path)
        assert problems == [], (number_format, filters, problems)


def pynwb_reads_everything_back(path):
    make(path, "float16", "sdf")
    with pynwb.NWBHDF5IO(path, "r") as io:
        nwb = io.read()
        assert nwb.session_start_time.isoformat() == "2009-02-13T23:31:30+00:00"
        assert nwb.session_id == "session"
        for variable, layer, image in SERIES:
            series = nwb.processing[f"{variable}_{layer}"][f"image_{image:03d}"]
            assert isinstance(series, pynwb.TimeSeries)
            assert (series.unit, series.conversion, series.offset, series.resolution) == ("a.u.", 1, 0, -1)
            assert series.starting_time == 0 and abs(series.rate - 17e3 / 70) < 1e-9
            assert f"layer {layer}, image {image} of the batch" in series.description
            assert series.data.shape[0] == STEPS and np.isfinite(series.data[:]).all()

        epochs = nwb.epochs.to_dataframe()
        assert list(epochs["phase"]) == ["burn_in", "pre", "stimulus", "post"]
        assert list(epochs["first_step"]) == [0, 25, 50, 75] and list(epochs["steps"]) == [25] * 4
        assert np.allclose(epochs["stop_time"], np.array([25, 50, 75, 100]) * 70 / 17e3, rtol=1e-6)

        images = nwb.processing["experiment"]["images"].to_dataframe()
        assert list(images["index"]) == [1, 4, 7] and list(images["file_name"]) == [f"angle{i}_ä.png" for i in range(3)]
        assert list(images["angle"]) == [0, 0.25, 0.5] and images["angle_static"].isna().all()
        assert list(images["offset_row"]) == [0, -1, -2] and list(images["offset_column"]) == [0, 2, 4]
        settings = nwb.processing["experiment"]["settings"].to_dataframe()
        assert list(settings["setting"])[0] == "sampling_step_size" and list(settings["value"])[0] == "0.1"

        # The picture that image 4, the second that is recorded, showed in the third phase.
        shown = nwb.stimulus["image_004"]
        assert np.allclose(shown.timestamps[:], epochs["start_time"], rtol=1e-6)
        assert shown.data[1] == shown.data[3] != shown.data[2]
        picture = shown.indexed_images.order_of_images[int(shown.data[2])]
        pixels = (np.arange(60, 120) * 7 + 2) % 256
        assert picture.name == "stimulus_004"
        assert np.array_equal(picture.data[:], pixels.reshape(3, 4, 5).transpose(1, 2, 0))
        for item in nwb.objects.values():
            assert item.object_id is not None and str(item) is not None


def xarray_shows_named_axes(path):
    for filters in ("-", "sdf"):
        make(path, "float16", filters)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the file's other groups, whose tables have no named axes
            opened = xarray.open_dataset(path, engine="h5netcdf", group="/processing/state_3/image_004")
        with opened as dataset:
            data = dataset["data"]
            assert data.dims == ("time", "channel", "height", "width")
            assert set(data.coords) == {"time", "step", "channel", "height", "width"}
            assert np.allclose(data["time"], np.arange(STEPS) * 70 / 17e3)
            assert list(data["step"]) == list(range(STEPS)) and data["time"].attrs["units"] == "s"
            one = data.sel(channel=3, height=4, width=8)
            assert np.array_equal(one, specimen("state", 3, 4, [3], range(4), range(8))[:, 0, 2, 7])


def h5dump_reads_it(path):
    if shutil.which("h5dump") is None:
        print("h5dump is not installed: not tried")
        return
    make(path, "float32", "sdf")
    dump = lambda *arguments: subprocess.run(["h5dump", *arguments, path], check=True, capture_output=True, text=True).stdout
    assert "image_007" in dump("-n", "1")
    series = dump("-p", "-d", "/processing/state_1/image_004/data", "-s", "9,2,5,4", "-c", "1,1,1,1")
    assert f"(9,2,5,4): {specimen('state', 1, 4, [2], range(6), range(5))[9, 0, 5, 4]:.6g}" in series
    for name in ("SHUFFLE", "DEFLATE", "FLETCHER32"):
        assert name in series
    subprocess.run(["h5dump", path], check=True, stdout=subprocess.DEVNULL)  # everything


def one_channel_is_read_without_the_others(path):
    run("lay_out", path)
    assert os.stat(path).st_blocks * 512 < 64 << 20, "a file of holes should take little of the disk"
    with h5py.File(path) as f:
        data = f["processing/gradient_1/image_127/data"]
        assert data.shape == (2700, 32, 32, 32)
        chunks = [data.id.get_chunk_info(i) for i in range(data.id.get_num_chunks())]
        touched = sum(chunk.size for chunk in chunks if chunk.chunk_offset[1] == 17)
        assert touched <= 1.01 * data[0, 0].nbytes * 2700
        assert all(chunk.byte_offset % 4096 == 0 and chunk.size <= 1 << 20 for chunk in chunks)
    wanted, read = map(int, run("read", path, "17").split())
    assert wanted == 128 * 2700 * 32 * 32 * 4
    if read >= 0:
        print(f"one channel of all images: {wanted} bytes, {read / wanted:.4f} times as many read from the file")
        assert read <= 1.05 * wanted


with tempfile.TemporaryDirectory() as directory:
    recording = os.path.join(directory, "recording.nwb")
    h5py_reads_every_format_and_filter(recording)
    h5py_finds_what_describes_it(recording)
    pynwb_finds_it_valid(recording)
    pynwb_reads_everything_back(recording)
    xarray_shows_named_axes(recording)
    h5dump_reads_it(recording)
    one_channel_is_read_without_the_others(recording)
