"""nrflv --viz and --weight_viz from the command line: which model, which files, stopping and going on, bad input."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import textwrap
import time

import h5py

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "train"))
from nrflv_runs import NRFLV, Workplace, check, error_lines, expect_one_line, png_size, same_bytes  # noqa: E402

QUICK = ["--threads", "1", "--num_viz_samples", "5", "--num_it_viz", "12", "--viz_img_logging_step_interval", "5"]
PICTURES = ["000000", "000005", "000010", "000012"]
GRID = (5 * 34 + 2, 34 + 2)


def samples(place, model):
    return place.directory / "exps" / "samples" / model


def names(folder, pattern="*"):
    return sorted(path.name for path in folder.glob(pattern))


def without_a_model(place):
    for stage in ("--viz", "--weight_viz"):
        expect_one_line(place.run(stage, status=1), "nrflv --train")
    check(not (place.directory / "exps").exists(), "something is left of a visualisation without a model")


def the_newest_model_is_taken(place):
    place.train("older", "--max_batches", "1")
    place.train("newer", "--max_batches", "1")
    place.model("older").touch()
    os.utime(place.model("newer"), (time.time() + 5, time.time() + 5))
    done = place.run("--viz", *QUICK)
    check("the newest: exps/models/newer.h5" in done.stderr, f"nobody says which model it is: {done.stderr}")
    check("1 run of 12 steps on 5 images, 4 pictures" in done.stderr, f"nobody says how much there is to do: {done.stderr}")
    check("wrote exps/samples/newer/lyr0*.png" in done.stdout, done.stdout)
    check(names(samples(place, "newer"), "lyr*") == [f"lyr0{n}.png" for n in PICTURES], "standard: other files than expected")
    for picture in samples(place, "newer").glob("lyr0*.png"):
        check(png_size(picture) == GRID, f"{picture.name} has the size {png_size(picture)}")
    check(not samples(place, "older").joinpath("viz_standard.txt").exists(), "the older model was visualised")

    done = place.run("--viz", "--load_model", "older", *QUICK)
    check("model exps/models/older.h5" in done.stderr and "newest" not in done.stderr, done.stderr)
    check(names(samples(place, "older"), "lyr*") == [f"lyr0{n}.png" for n in PICTURES], "older: other files than expected")


def channels(place):
    done = place.run("--viz", "--load_model", "older", "--viz_type", "channels_energy", "--viz_channels", "0-1", "--viz_gif", *QUICK)
    check("4 runs of 12 steps on 5 images, 16 pictures" in done.stderr, done.stderr)
    want = [f"lyr{layer}_ch{channel}_{n}.png" for layer in (1, 2) for channel in (0, 1) for n in PICTURES]
    want += [f"lyr{layer}.png" for layer in (1, 2)] + [f"lyr{layer}_ch{channel}.gif" for layer in (1, 2) for channel in (0, 1)]
    got = [name for name in names(samples(place, "older"), "lyr*") if name[:4] != "lyr0"]
    check(got == sorted(want), f"channels_energy: other files than expected: {got}")
    check((samples(place, "older") / "lyr1_ch0.gif").read_bytes()[:6] == b"GIF89a", "lyr1_ch0.gif is no animation")
    for line in ("lyr*_ch*_*.png", "lyr1.png", "lyr2.png", "lyr*_ch*.gif"):
        check(f"wrote exps/samples/older/{line}" in done.stdout, done.stdout)


def threads_do_not_show(place):
    more = [*QUICK, "--threads", "2", "--model_name", "threads"]
    place.run("--viz", "--load_model", "older", *more)
    for number in PICTURES:
        name = f"lyr0{number}.png"
        same_bytes(samples(place, "older") / name, samples(place, "threads") / name, "one thread and two")


def weights(place):
    done = place.run("--weight_viz", "--load_model", "older")
    check(names(samples(place, "older"), "weights*") == [f"weights_lyr{i}.png" for i in range(3)], "weights: other files")
    check(done.stdout.splitlines() == [f"wrote exps/samples/older/weights_lyr{i}.png" for i in range(3)], done.stdout)


def after_training(place):
    done = place.train("both", "--max_batches", "1", "--viz", "--weight_viz", *QUICK)
    check("model exps/models/both.h5" in done.stderr, f"not the model just trained: {done.stderr}")
    check((samples(place, "both") / "lyr0000012.png").exists(), "the model just trained was not visualised")


def stop_and_go_on(place):
    """A signal in the middle of the second of five runs."""
    run = ["--viz", "--load_model", "older", "--viz_type", "channels_state", "--viz_start_layer", "1", "--viz_channels", "0-2",
           "--threads", "1", "--num_viz_samples", "8", "--num_it_viz", "150", "--viz_img_logging_step_interval", "10"]
    place.run(*run, "--model_name", "whole")
    process = place.start(*run, "--model_name", "parts")
    here = samples(place, "parts")
    end = time.monotonic() + 60
    while not (here / "lyr1_ch1_000010.png").exists() and process.poll() is None:
        check(time.monotonic() < end, "the second run does not begin")
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    check(process.returncode == 130, f"SIGINT ended with {process.returncode}\n{err}")
    check("stopped on request: 1 of 5 runs are complete, in exps/samples/parts/; the same command goes on" in out, out)
    check((here / "lyr1.png").exists(), "there is no summary of what is complete")
    check(not (here / "lyr1_ch1_000150.png").exists(), "it was not stopped")
    before = (here / "lyr1_ch0_000150.png").stat().st_mtime_ns
    done = place.run(*run, "--model_name", "parts")
    check("1 of 5 runs are there already" in done.stderr, done.stderr)
    check((here / "lyr1_ch0_000150.png").stat().st_mtime_ns == before, "a complete run was done again")
    whole = samples(place, "whole")
    check(names(whole) == names(here), "other files than without the interruption")
    for name in names(whole, "*.png"):
        same_bytes(whole / name, here / name, "with and without an interruption")
    done = place.run(*run, "--model_name", "parts")
    check("5 of 5 runs are there already" in done.stderr and "visualising" not in done.stderr, done.stderr)


def in_time(place):
    started = time.monotonic()
    done = place.run("--viz", "--load_model", "older", "--threads", "1", "--num_it_viz", "1000000", "--num_viz_samples", "4",
                     "--viz_img_logging_step_interval", "100000", "--max_hours", 3 / 3600, "--model_name", "hours")
    check("--max_hours is nearly over: stopped: 0 of 1 runs are complete" in done.stdout, done.stdout)
    check("this will take about" in done.stderr, f"nobody says how long a million steps take: {done.stderr}")
    check(1.0 < time.monotonic() - started < 8.0, "--max_hours of 3 s did not hold")


def refused(place, arguments, status, *words):
    expect_one_line(place.run("--viz", "--load_model", "older", *QUICK, *arguments, status=status), *words)


def bad_requests(place):
    by_channel = ["--viz_type", "channels_energy"]
    refused(place, [*by_channel, "--viz_channels", "99"], 2, "--viz_channels", "99", "(0 to 7)")
    refused(place, [*by_channel, "--viz_channels", "one"], 2, "--viz_channels", "one")
    refused(place, [*by_channel, "--viz_start_layer", "5"], 2, "--viz_start_layer 5", "layers 0 to 2")
    refused(place, ["--viz_channels", "1"], 2, "--viz_channels", "channels_state")
    refused(place, ["--viz_type", "channel_energy"], 2, "viz_type", "channels_energy")
    refused(place, ["--num_viz_samples", "0"], 2, "num_viz_samples")
    expect_one_line(place.run("--viz", "--load_model", "oder", status=1), "oder", "did you mean older?")


def damaged_models(place):
    def damaged(name, change):
        shutil.copy(place.model("older"), place.model(name))
        with h5py.File(place.model(name), "r+") as f:
            change(f)
        for stage in ("--viz", "--weight_viz"):
            expect_one_line(place.run(stage, "--load_model", name, *QUICK, status=1), f"{name}.h5")
            check(not samples(place, name).exists(), f"{stage} left something of a damaged model")

    damaged("missing", lambda f: f.__delitem__("model/parameters/biases.1.weight"))
    damaged("not_ours", lambda f: f.attrs.modify("format", "somebody else's"))
    data = place.model("older").read_bytes()
    place.model("truncated").write_bytes(data[:5000])
    expect_one_line(place.run("--viz", "--load_model", "truncated", status=1), "truncated.h5")


def divergence(place):
    absurd = ["--states_activation", "relu", "--state_optimizer", "sgd", "--sampling_step_size", "1000"]
    refused(place, [*absurd, "--override_loaded", "states_activation", "state_optimizer", "sampling_step_size", "--viz_type",
                    "channels_state", "--num_it_viz", "60", "--viz_channels", "1", "--model_name", "diverged"], 1,
            "layer 1, channel 1", "step ", "NaN or infinite")


def places_that_cannot_be_written(place):
    (place.directory / "exps" / "samples" / "blocked").write_text("not a directory")
    refused(place, ["--model_name", "blocked"], 1, "exps/samples/blocked")
    expect_one_line(place.run("--weight_viz", "--load_model", "older", "--model_name", "blocked", status=1), "blocked")


def a_note_that_is_no_text(place):
    """Whatever stands there, the pictures are not taken for those of this run."""
    (samples(place, "older") / "viz_standard.txt").write_bytes(b"\0\xff" * 50000)
    done = place.run("--viz", "--load_model", "older", *QUICK)
    check("earlier_1/ (4)" in done.stderr, done.stderr)


def full_disk(place):
    shutil.copy(place.model("older"), place.directory / "older.h5")
    script = f"""
        mkdir small
        mount -t tmpfs -o size=200k tmpfs small
        {NRFLV} --viz --load_model ./older.h5 --exps_dir small --viz_gif --num_it_viz 100 --viz_img_logging_step_interval 1 \
            --threads 1 --num_viz_samples 8
        status=$?
        find small -name '*partial*'
        exit $status
    """
    done = subprocess.run(["unshare", "--mount", "bash", "-c", textwrap.dedent(script)], cwd=place.directory, text=True,
                          capture_output=True, check=False)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        print("left out: a full disk (no right to mount a small one)")
        return
    check(done.returncode == 1, f"a full disk ended with {done.returncode}\n{done.stderr}")
    check(len(error_lines(done)) == 1 and "No space left" in done.stderr, done.stderr)
    check("partial" not in done.stdout, f"a partial file is left: {done.stdout}")


def main():
    with Workplace() as place:
        without_a_model(place)
        the_newest_model_is_taken(place)
        channels(place)
        threads_do_not_show(place)
        weights(place)
        after_training(place)
        stop_and_go_on(place)
        in_time(place)
        bad_requests(place)
        damaged_models(place)
        divergence(place)
        places_that_cannot_be_written(place)
        a_note_that_is_no_text(place)
        full_disk(place)


main()
