"""What can go wrong with a training run: one clear line, a non-zero exit status, and nothing lost."""

import os
import shutil
import subprocess
import textwrap

import h5py
from nrflv_runs import HERE, NRFLV, TINY_RUN, Workplace, check, expect_one_line


def refused(place, arguments, status, *words):
    expect_one_line(place.run(*arguments, status=status), *words)


def tiny(*options):
    return [*TINY_RUN, "--model_name", "refused", "--max_batches", "1", *options]


def nothing_is_left(place):
    check(not (place.directory / "exps").exists(), "a refused run left something behind")


# ---- data, architectures, options ----


def bad_data(place):
    offline = dict(os.environ, https_proxy="http://127.0.0.1:9", http_proxy="http://127.0.0.1:9")
    expect_one_line(place.run(*tiny("--data_dir", "nowhere"), status=1, env=offline), "cifar")
    broken = place.directory / "broken" / "cifar-10-batches-bin"
    shutil.copytree(place.directory / "data" / "cifar-10-batches-bin", broken)
    data = (broken / "data_batch_2.bin").read_bytes()
    (broken / "data_batch_2.bin").write_bytes(data[:-5])
    refused(place, tiny("--data_dir", "broken"), 1, "data_batch_2.bin")
    refused(place, tiny("--batch_size", "45"), 2, "--batch_size 45", "44 training images")
    refused(place, tiny("--dataset", "MNIST"), 1, "MNIST", "[1,28,28]", "[3,32,32]")


def bad_architectures(place):
    there = ["--architectures_dir", HERE]
    refused(place, tiny("--architecture", "tinny", *there), 1, "tinny", "tiny")
    refused(place, tiny("--architecture", "./none.json"), 1, "none.json")
    text = (HERE / "tiny.json").read_text()
    (place.directory / "odd.json").write_text(text.replace('"1": [1, 0, 2]', '"1": [1, 0]'))
    refused(place, tiny("--architecture", "./odd.json"), 1, "odd.json", "layer 1", "mod_cct_status_dict")


def bad_options(place):
    refused(place, tiny("--sigma", "0", "0"), 2, "--sigma", "2 values for 3 layers")
    refused(place, tiny("--max_sq_sigma", "1", "1", "1", "1"), 2, "--max_sq_sigma", "4 values for 3 layers")
    refused(place, tiny("--batch_size", "0"), 2, "batch_size")
    refused(place, tiny("--sampling_step_size", "-1"), 2, "sampling_step_size")
    refused(place, tiny("--lr", "nan"), 2, "lr")


# ---- models ----


def damaged_models(place):
    place.train("good", "--max_batches", "2")
    good = place.model("good")
    data = good.read_bytes()

    def damaged(name, change):
        shutil.copy(good, place.model(name))
        with h5py.File(place.model(name), "r+") as f:
            change(f)

    def rename(f):
        f.move("model/parameters/biases.1.weight", "model/parameters/biases.11.weight")

    def reshape(f):
        del f["model/parameters/biases.1.weight"]
        f["model/parameters/biases.1.weight"] = [1.0, 2.0]

    cases = {
        "future": (lambda f: f.attrs.modify("format_version", 99), ["format version 99", "newer nrflv"]),
        "not_ours": (lambda f: f.attrs.modify("format", "somebody else's"), ["not a model of nrflv"]),
        "no_format": (lambda f: f.attrs.__delitem__("format"), ["not a model of nrflv"]),
        "missing": (lambda f: f.__delitem__("model/parameters/biases.1.weight"), ["model/parameters/biases.1.weight"]),
        "renamed": (rename, ["biases.11.weight"]),
        "reshaped": (reshape, ["model/parameters/biases.1.weight", "[2]", "[1,512]"]),
        "no_buffer": (lambda f: f.__delitem__("replay_buffer/layer_1"), ["replay_buffer/layer_1"]),
        "no_progress": (lambda f: f.__delitem__("progress"), ["/progress"]),
        "no_moment": (lambda f: f.__delitem__("model_optimizer/exp_avg_sq"), ["model_optimizer/exp_avg_sq"]),
        "odd_setting": (lambda f: f["settings"].attrs.modify("batch_size", -4), ["batch_size"]),
        "odd_progress": (lambda f: f["progress"].attrs.modify("batches", -4), ["progress"]),
        "odd_architecture": (lambda f: f.attrs.modify("architecture_json", "{}"), ["odd_architecture.h5"]),
    }
    for name, (change, words) in cases.items():
        damaged(name, change)
        refused(place, ["--resume", name], 1, f"{name}.h5", *words)

    for part in (0, 1, 100, 5000, len(data) // 2, len(data) - 1):
        place.model("truncated").write_bytes(data[:part])
        refused(place, ["--resume", "truncated"], 1, "truncated.h5")
    flipped = bytearray(data)
    with h5py.File(good) as f:
        offset = f["replay_buffer/layer_0"].id.get_chunk_info(0).byte_offset
    flipped[offset + 1000] ^= 1
    place.model("flipped").write_bytes(flipped)
    refused(place, ["--resume", "flipped"], 1, "flipped.h5", "replay_buffer/layer_0")
    check(good.read_bytes() == data, "the good model was changed")


def wrong_models(place):
    before = place.model("good").read_bytes()
    refused(place, ["--resume", "god"], 1, "god.h5", "did you mean good?")
    refused(place, ["--load_model", "./none.h5"], 1, "none.h5")
    refused(place, tiny("--model_name", "good"), 2, "good.h5", "exists", "--resume good")
    refused(place, ["--load_model", "good", "--architecture", HERE / "tiny_other_kernel.json", "--override_loaded",
                    "architecture"], 1, "good.h5", "another architecture", "layer 1, main_kern_dict: 3 and 5")
    done = place.run("--resume", "good", "--lr", "1", "--max_batches", "1", "--threads", "1")
    check("warning: --lr is ignored: the saved model's 5e-04 holds" in done.stderr.replace("0.0005", "5e-04"), done.stderr)
    place.model("good").write_bytes(before)
    shutil.rmtree(place.directory / "exps" / "models")
    refused(place, ["--resume", "good"], 1, "nrflv --train")


# ---- the disk ----


def places_that_cannot_be_written(place):
    (place.directory / "file").write_text("not a directory")
    refused(place, tiny("--exps_dir", "file"), 1, "file")
    refused(place, tiny("--exps_dir", "/proc/exps"), 1, "/proc/exps")
    refused(place, tiny("--exps_dir", "exps", "--tensorboard_log_dir", "/proc/logs"), 1, "/proc/logs")


def full_disk(place):
    """A disk that fills up while the buffer grows: the checkpoint of before stays, and can be gone on with elsewhere."""
    script = f"""
        set -e
        mkdir small
        mount -t tmpfs -o size=3m tmpfs small
        status=0
        {NRFLV} {' '.join(TINY_RUN)} --exps_dir small --model_name full --epochs 100 --img_logging_interval 1000 || status=$?
        cp small/models/full.h5 full.h5
        ls small/models
        exit $status
    """
    done = subprocess.run(["unshare", "--mount", "bash", "-c", textwrap.dedent(script)], cwd=place.directory, text=True,
                          capture_output=True, check=False)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        print("left out: a full disk (no right to mount a small one)")
        return
    check(done.returncode == 1, f"a full disk ended with {done.returncode}\n{done.stderr}")
    expect_one_line(done, "small/", "No space left")
    check(done.stdout.split() == ["full.h5"], f"not only the model is left in models/: {done.stdout}")
    with h5py.File(place.directory / "full.h5") as f:
        batches = f["progress"].attrs["batches"]
    check(batches > 0, "the disk was full before anything was saved")
    place.run("--load_model", "full.h5", "--model_name", "elsewhere", "--max_batches", "1", "--threads", "1")


# ---- numbers ----


# Unbounded states and an absurd step size.
ABSURD = ["--states_activation", "relu", "--state_optimizer", "sgd", "--sampling_step_size", "1000", "--num_it_pos", "40"]


def divergence(place):
    done = place.run(*TINY_RUN, "--model_name", "diverged", *ABSURD, status=1)
    expect_one_line(done, "batch 0", "positive phase", "step ", "of 40", "layer ", "NaN or infinite", "last good model",
                    "diverged.h5")
    with h5py.File(place.model("diverged")) as f:
        check(f["progress"].attrs["batches"] == 0, "a diverged model was saved")
    row = (place.directory / "exps" / "params_and_results_diverged.csv").read_text()
    check(",diverged," in row, f"the row does not say so: {row}")


def divergence_keeps_the_last_good_model(place):
    place.train("sane", "--max_batches", "3")
    before = place.model("sane").read_bytes()
    done = place.run("--resume", "sane", *ABSURD, "--override_loaded", "states_activation", "state_optimizer",
                     "sampling_step_size", "num_it_pos", "--threads", "1", status=1)
    expect_one_line(done, "batch ", "of batch 3, is exps/models/sane.h5")
    check(place.model("sane").read_bytes() == before, "the last good model was touched")


def main():
    with Workplace() as place:
        bad_data(place)
        bad_architectures(place)
        bad_options(place)
        nothing_is_left(place)
        places_that_cannot_be_written(place)
        full_disk(place)
        divergence(place)
        divergence_keeps_the_last_good_model(place)
        damaged_models(place)
        wrong_models(place)


main()
