"""What a run writes besides the model, read with the programs people use: TensorBoard, CSV readers, PNG readers."""

import csv
import math
import sys

import h5py
from nrflv_runs import TINY_RUN, Workplace, check, png_size

try:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
except ImportError:
    print("left out: there is no tensorboard package for this Python")
    sys.exit(77)

BATCHES, POSITIVE, NEGATIVE = 5, 41, 45
RUN = [*TINY_RUN, "--num_it_pos", POSITIVE, "--num_it_neg", NEGATIVE, "--save_pos_images", "--scalar_logging_interval", 10,
       "--histogram_logging_interval", 100, "--max_batches", BATCHES, "--model_name", "run", "--special_name", "a, \"b\""]
LAYERS = range(3)
STEPS = range(0, BATCHES * (POSITIVE + NEGATIVE), 10)


def is_positive(step):
    return step % (POSITIVE + NEGATIVE) < POSITIVE


def events(place):
    folder = place.directory / "exps" / "tblogs" / "run"
    log = EventAccumulator(str(folder), size_guidance={"scalars": 0, "histograms": 0})
    log.Reload()
    scalars = {tag: log.Scalars(tag) for tag in log.Tags()["scalars"]}
    histograms = {tag: log.Histograms(tag) for tag in log.Tags()["histograms"]}

    per_step = {"train/PosSamplesEnergy": [s for s in STEPS if is_positive(s)],
                "train/NegSamplesEnergy": [s for s in STEPS if not is_positive(s)]}
    for i in LAYERS:
        per_step |= {f"layers/mean_{what}_{i}": list(STEPS) for what in ("bnry", "energies", "states")}
    per_batch = {tag: list(range(BATCHES)) for tag in ("train/loss", "train/lr", "train/num_it_neg", "Initializer/total_loss",
                                                       "Initializer/loss_layer_1", "Initializer/loss_layer_2")}
    expected = per_step | per_batch
    check(set(scalars) == set(expected), f"tags: {sorted(set(scalars) ^ set(expected))}")
    for tag, at in expected.items():
        check([event.step for event in scalars[tag]] == at, f"{tag}: {[event.step for event in scalars[tag]]}, not {at}")
        check(all(math.isfinite(event.value) for event in scalars[tag]), f"{tag}: not finite")

    expected = {f"layers/hist_{what}_{i}" for what in ("bnrys", "energies", "states") for i in LAYERS}
    check(set(histograms) == expected, f"histograms: {sorted(set(histograms) ^ expected)}")
    for tag, found in histograms.items():
        check([event.step for event in found] == [0, 100, 200, 300, 400], f"{tag}: {[event.step for event in found]}")
    sizes = [4 * 3 * 32 * 32, 4 * 8 * 8 * 8, 4 * 2 * 3 * 3]
    for i in LAYERS:
        check(histograms[f"layers/hist_states_{i}"][0].histogram_value.num == sizes[i], f"layer {i}: other number of states")
    consistent(scalars, sizes)


def consistent(scalars, sizes):
    """The total energy is the sum over neurons, whose means are logged as well; the loss is made of parts."""
    energies = scalars["train/PosSamplesEnergy"] + scalars["train/NegSamplesEnergy"]
    for event in energies:
        at = list(STEPS).index(event.step)
        total = sum(scalars[f"layers/mean_energies_{i}"][at].value * sizes[i] for i in LAYERS)
        check(abs(total - event.value) < 1e-5 * abs(total) + 1e-3, f"step {event.step}: {total} and {event.value}")
    for batch in range(BATCHES):
        parts = sum(scalars[f"Initializer/loss_layer_{i}"][batch].value for i in (1, 2))
        check(abs(parts - scalars["Initializer/total_loss"][batch].value) < 1e-5, "the initialiser's loss is not its parts")


def pictures(place):
    folder = place.directory / "exps" / "samples" / "run"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*.png")}
    expected = {f"{prefix}{batch:06d}.png" for prefix in ("", "p0_") for batch in (0, 2, 4)}
    expected |= {f"neg/000002_{step:06d}.png" for step in (0, 20, 40)}
    check(found == expected, f"pictures: {sorted(found ^ expected)}")
    for name in found:
        check(png_size(folder / name) == (4 * 34 + 2, 36), f"{name}: {png_size(folder / name)}")


def row(place):
    with open(place.directory / "exps" / "params_and_results_run.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    check(len(rows) == 1, f"{len(rows)} rows")
    expected = {"model_name": "run", "batch_size": "4", "special_name": 'a, "b"', "run_state": "stopped", "batches_done": "5",
                "sampler_steps_done": str(BATCHES * (POSITIVE + NEGATIVE)), "max_sq_sigma": "0.0001"}
    for name, value in expected.items():
        check(rows[0][name] == value or name == "max_sq_sigma" and float(rows[0][name]) == 1e-4,
              f"{name}: {rows[0][name]}, not {value}")
    with h5py.File(place.model("run")) as f:
        check(float(rows[0]["final_loss"]) != 0 and
              abs(float(rows[0]["final_loss"]) / f["progress"].attrs["loss"] - 1) < 1e-6, "another loss in the model")


def model(place):
    with h5py.File(place.model("run")) as f:
        check(f.attrs["format"].decode() == "nrflv checkpoint" and f.attrs["format_version"] == 1, "the file's head")
        settings = f["settings"].attrs
        check(settings["batch_size"] == 4 and settings["lr"][0] == 5e-4 and settings["dataset"].decode() == "CIFAR10", "types")
        check(f["model/parameters/biases.0.weight"].shape == (1, 3072), "biases of the image layer")
        names = set(f["model/parameters"])
        check(set(f["model_optimizer/exp_avg_sq"]) == names, "the optimiser's names are not the parameters'")


def last_lines(done):
    """The end of a run names what was written, and how to go on."""
    written = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("wrote ")]
    expected = ["exps/models/run.h5", "exps/samples/run/*.png", "exps/tblogs/run/,", "exps/params_and_results_run.csv"]
    check(written == expected, done.stdout)
    check(done.stdout.splitlines()[-1] == "to go on: nrflv --train --resume run", done.stdout)


def main():
    with Workplace() as place:
        last_lines(place.run(*RUN))
        events(place)
        pictures(place)
        row(place)
        model(place)
        place.resume("run", "--max_batches", 1)
        check(len(list((place.directory / "exps" / "tblogs" / "run").iterdir())) == 2, "a resumed run has its own event file")
        quiet = place.train("quiet", "--max_batches", 1, "--quiet")
        check(quiet.stdout == "" and quiet.stderr == "", f"--quiet is not: {quiet.stdout}{quiet.stderr}")


main()
