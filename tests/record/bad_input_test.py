"""What can go wrong with an experiment: one clear line, a non-zero exit status, and nothing lost or left behind."""

import os
import shutil
import signal
import subprocess
import textwrap
import time

import h5py
from nrflv_records import SHORT, Recordings, rows_complete, rows_so_far
from nrflv_runs import NRFLV, check, expect_one_line, same_bytes

ONE = ["--experiments", "just_angle", "--record_images", "0-3", *SHORT]


def refused(place, arguments, status, *words):
    expect_one_line(place.experiment("--model_name", "refused", *arguments, status=status), *words)
    check(not place.folder("refused").exists(), f"{arguments}: something was left behind")


# ---- stimuli, images, models ----


def bad_stimuli(place):
    stimuli = place.directory / "data" / "gabor_filters"
    refused(place, [*ONE, "--stimuli_dir", "nowhere"], 1, "nowhere", "--gen_exp_stim")

    def damaged(name, change, status, *words):
        copy = place.directory / name
        shutil.copytree(stimuli, copy)
        folder = copy / "single" / "just_angle"
        change(copy, sorted(folder.iterdir()))
        refused(place, [*ONE, "--stimuli_dir", name], status, *words)
        shutil.rmtree(copy)

    damaged("missing", lambda _, files: files[5].unlink(), 1, "just_angle")
    damaged("more", lambda _, files: shutil.copy(files[5], files[5].with_name("more.png")), 1, "more.png")
    damaged("cut", lambda _, files: files[5].write_bytes(files[5].read_bytes()[:100]), 1, "just_angle")
    damaged("swapped", lambda _, files: shutil.copy(files[90], files[5]), 1, "just_angle")
    damaged("no_base", lambda copy, _: (copy / "base_image.png").unlink(), 1, "base_image.png")
    damaged("no_set", lambda copy, _: shutil.rmtree(copy / "single" / "just_angle"), 1, "just_angle", "--gen_exp_stim")


def bad_data(place):
    data = place.directory / "data" / "cifar-10-batches-bin" / "test_batch.bin"
    few = place.directory / "few" / "cifar-10-batches-bin"
    few.mkdir(parents=True)
    (few / "test_batch.bin").write_bytes(data.read_bytes()[:3073 * 127])
    refused(place, [*ONE, "--data_dir", "few"], 2, "first 128 test images", "only 127")


def models(place):
    """None of that name, none at all, a damaged one."""
    expect_one_line(place.run("--experiment", "--load_model", "nobody", *ONE, status=1), "nobody.h5")
    expect_one_line(place.run("--experiment", "--exps_dir", "empty", *ONE, status=1), "empty/models", "--train")
    bad = place.model("bad")
    bad.write_bytes(place.model("m").read_bytes()[:5000])
    expect_one_line(place.run("--experiment", "--load_model", "bad", *ONE, status=1), "bad.h5")
    bad.unlink()


def bad_options(place):
    refused(place, [*ONE, "--record_layers", "3"], 2, "--record_layers", "3", "layers")
    refused(place, [*ONE, "--record_channels", "8"], 2, "--record_channels", "layer 1")
    refused(place, [*ONE, "--record_region", "0-3"], 2, "--record_region", "two ranges")
    refused(place, [*ONE, "--record_region", "0-3", "4-8"], 2, "--record_region", "layer 1", "columns 0 to 7", "4-8")
    refused(place, ["--experiments", "just_angle", "--record_images", "128"], 2, "--record_images", "128")
    refused(place, [*ONE, "--batch_size", "64", "--override_loaded", "batch_size"], 2, "--batch_size 64", "128")
    refused(place, [*ONE, "--experiments", "just_angel"], 2, "just_angel", "just_angle")
    refused(place, [*ONE, "--state_optimizer", "sgd", "--override_loaded", "state_optimizer", "--record_variables",
                    "momentum"], 2, "--record_variables", "sgd")


def momentum_that_is_not_there(place):
    """Not asked for by name, it is left out."""
    place.experiment("--model_name", "sgd", *ONE, "--state_optimizer", "sgd", "--sampling_step_size", "0.01", "--override_loaded",
                     "state_optimizer", "sampling_step_size")
    with h5py.File(place.recording("sgd", "just_angle")) as f:
        check(sorted(name for name in f["processing"] if name.endswith("_1")) == ["bno_1", "energy_1", "gradient_1", "state_1"],
              f"recorded: {list(f['processing'])}")


# ---- files that are there already ----


def foreign_files(place):
    place.folder("foreign").mkdir(parents=True)
    final, partial = place.recording("foreign", "just_angle"), place.partial("foreign", "just_angle")

    def expect(path, *words):
        before = path.read_bytes()
        expect_one_line(place.experiment("--model_name", "foreign", *ONE, status=1), path.name, "--force", *words)
        check(path.read_bytes() == before, "the foreign file was touched")

    final.write_bytes(b"somebody else's\n" * 100)
    expect(final)
    final.unlink()
    partial.write_bytes(b"somebody else's\n" * 100)
    expect(partial)
    place.experiment("--model_name", "foreign", *ONE, "--force")
    check(rows_complete(final) == 22 and not partial.exists(), "--force did not replace the foreign file")

    shutil.copy(place.model("m"), final)
    expect(final)
    good = place.directory / "good.nwb"
    place.experiment("--model_name", "foreign", *ONE, "--force")
    shutil.copy(final, good)
    for cut in (1000, good.stat().st_size // 2):
        final.write_bytes(good.read_bytes()[:cut])
        expect(final)


def other_settings(place):
    """They are named."""
    place.experiment("--model_name", "other", *ONE)
    for options, words in (([*ONE, "--exp_pre_steps", "8"], ["pre"]), ([*ONE, "--record_format", "float16"], ["float16"]),
                           ([*ONE, "--seed", "8", "--override_loaded", "seed"], ["seed"])):
        done = place.experiment("--model_name", "other", *options, status=2)
        expect_one_line(done, place.recording("other", "just_angle").name, "--force", "--model_name", *words)


# ---- the disk, and other processes ----


def in_a_small_disk(place, size, script):
    text = f"""
        set -e
        mkdir -p small
        mount -t tmpfs -o size={size} tmpfs small
        {script}
    """
    done = subprocess.run(["unshare", "--mount", "bash", "-c", textwrap.dedent(text)], cwd=place.directory, text=True,
                          capture_output=True, check=False)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        print("left out: a full disk (no right to mount a small one)")
        return None
    return done


BIG = " ".join(["--experiment", "--load_model", "m", "--model_name", "s", "--experiments", "just_angle", *SHORT])


def no_space(place):
    """Found out before the first step; nothing is left."""
    done = in_a_small_disk(place, "8m", f"""
        status=0
        {NRFLV} {BIG} --exp_data_root_path small/data || status=$?
        ls -R small
        exit $status
    """)
    if done is None:
        return
    check(done.returncode == 1, f"ended with {done.returncode}\n{done.stderr}")
    expect_one_line(done, "small", "are needed", "are free", "--record_images", "--force")
    check(done.stdout.split() == ["small:"], f"left behind: {done.stdout}")


def a_disk_that_fills_up(place):
    """--force begins all the same; what was recorded until the disk was full is good, and goes on elsewhere."""
    done = in_a_small_disk(place, "16m", f"""
        status=0
        {NRFLV} {BIG} --exp_data_root_path small --force || status=$?
        cp -r --sparse=always small/s_loadedm exps/exp_data/
        exit $status
    """)
    if done is None:
        return
    check(done.returncode == 1, f"ended with {done.returncode}\n{done.stderr}")
    expect_one_line(done, "No space left", ".partial.nwb", "goes on")
    rows = rows_complete(place.partial("s", "just_angle"))
    check(0 <= rows < 22, f"{rows} rows on a disk that was full")
    subprocess.run([NRFLV, *BIG.split()], cwd=place.directory, check=True, capture_output=True)
    whole = place.directory / "elsewhere"
    subprocess.run([NRFLV, *BIG.split(), "--exp_data_root_path", whole], cwd=place.directory, check=True, capture_output=True)
    same_bytes(place.recording("s", "just_angle"), place.recording("s", "just_angle", root="elsewhere"), "gone on elsewhere")


def places_that_cannot_be_written(place):
    (place.directory / "file").write_text("not a directory")
    expect_one_line(place.experiment("--model_name", "s", *ONE, "--exp_data_root_path", "file", status=1), "file")
    expect_one_line(place.experiment("--model_name", "s", *ONE, "--exp_data_root_path", "/proc/records", status=1), "/proc/records")


def two_at_once(place):
    long = ["--experiment", "--load_model", "m", "--model_name", "twice", *ONE, "--exp_pre_steps", "5000"]
    first = place.start(*long)
    partial = place.partial("twice", "just_angle")
    end = time.monotonic() + 60
    while rows_so_far(partial) < 3:
        check(first.poll() is None and time.monotonic() < end, "the first one does not record")
        time.sleep(0.05)
    done = place.run(*long, status=2)
    first.send_signal(signal.SIGTERM)
    out, _ = first.communicate(timeout=60)
    expect_one_line(done, partial.name, "by another process")
    check(first.returncode == 128 + signal.SIGTERM and "to go on" in out, f"the first one was disturbed: {first.returncode}, {out}")
    place.forget("twice")


def main():
    with Recordings() as place:
        bad_stimuli(place)
        bad_data(place)
        models(place)
        bad_options(place)
        momentum_that_is_not_there(place)
        foreign_files(place)
        other_settings(place)
        no_space(place)
        a_disk_that_fills_up(place)
        places_that_cannot_be_written(place)
        two_at_once(place)


main()
