"""--record analysis: what stays is the extract of the recording that would have stayed, and nothing else; at any moment in
between nothing is lost."""

import random
import shutil
import signal
import subprocess
import sys
import textwrap
import time

try:
    import h5py
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from nrflv_records import FILES, SHORT, SHORT_STEPS, Recordings
from nrflv_runs import BUILD, NRFLV, check, expect_one_line, same_bytes

REDUCER = BUILD / "tests" / "test_extract_extract"
FIVE = [name for name in FILES if name != "observeCIFAR10"]
READ_MOMENTUM = {"contrast_and_angle", "long_just_fewangles"}
REDUCED = ["--record", "analysis", "--threads", "2", *SHORT]


def extract(place, session, name):
    return place.folder(session) / f"{FILES[name]}.extract.h5"


def data_sets(path, steps=SHORT_STEPS):
    """All numbers and texts below /extract and those that describe the recording, as bytes."""
    found = {}

    def collect(name, item):
        if isinstance(item, h5py.Dataset) and item.dtype != object:
            found[name] = item[()].tobytes()

    with h5py.File(path) as f:
        f["extract"].visititems(collect)
        f["processing/experiment"].visititems(collect)
        check(steps is None or f["general/nrflv"].attrs["steps"] == steps, "not all steps")
    return found


def same(one, other):
    """The same but for when their recordings were made: a copy has another date."""
    mine, theirs = data_sets(one, steps=None), data_sets(other, steps=None)
    check(mine == theirs, f"{one.name} differs")


def same_numbers(one, other):
    mine, theirs = data_sets(one), data_sets(other)
    # Beside the extract of one variable stand the channels of others.
    check(mine.keys() == theirs.keys(), f"{one.name}: {sorted(mine.keys() ^ theirs.keys())}")
    for name in mine:
        check(mine[name] == theirs[name], f"{one.name}: '{name}' is not that of the full recording")


def equals_the_full_recording(place):
    images = ["--record_images", "0-7", "64-71", "126", "127"]
    place.experiment("--model_name", "full", *SHORT, *images, "--record_variables", "state", "momentum")
    told = place.experiment("--model_name", "s", *REDUCED, *images).stdout
    names = sorted(path.name for path in place.folder("s").iterdir())
    check(names == sorted(f"{FILES[name]}.extract.h5" for name in FIVE), f"left behind: {names}")
    for name in FIVE:
        check(f"wrote {extract(place, 's', name).relative_to(place.directory)}" in told, f"{name} is not told: {told}")
        from_full = place.directory / "full.extract.h5"
        subprocess.run([REDUCER, "reduce", place.recording("full", name), from_full], check=True)
        same_numbers(extract(place, "s", name), from_full)
        with h5py.File(extract(place, "s", name)) as f:
            check(("momentum" in f["extract"]) == (name in READ_MOMENTUM), f"{name}: momenta")
        from_full.unlink()
    said = place.run("--describe", extract(place, "s", "just_angle")).stdout
    for words in ("complete: what nrflv-analyze needs", "experiment   just_angle", "traces of the state"):
        check(words in said, f"--describe does not say '{words}':\n{said}")
    again = place.experiment("--model_name", "s", *REDUCED, *images).stdout
    check(again.count("recorded already") == len(FIVE), f"recorded once more: {again}")
    place.forget("full")
    place.forget("s")


def is_planned(place):
    plan = place.experiment("--model_name", "plan", "--dry_run", *REDUCED).stdout
    check(plan.count(" stay") == len(FIVE), f"what stays is not planned: {plan}")
    check("state momentum (where it is read)" in plan, f"what is recorded: {plan}")
    check("at a time" in plan and "at the end" in plan, f"the room: {plan}")
    check("to read once what was recorded" in plan, f"the time: {plan}")
    for name in FIVE:  # series: of 128 images, the states and, where they are read, the momenta
        line = next(line for line in plan.splitlines() if line.split()[:1] == [name])
        check(f" {256 if name in READ_MOMENTUM else 128} series" in line, f"what is recorded of {name}: {line}")
    check(not place.folder("plan").exists(), "a plan wrote something")


def few_channels_are_enough(place):
    """Where HDF5 puts the small tables of an extract depends on how many channels there are."""
    for last in range(4):
        session = f"few{last}"
        place.experiment("--model_name", session, *REDUCED, "--experiments", "just_angle", "--record_channels", f"0-{last}")
        said = place.run("--describe", extract(place, session, "just_angle")).stdout
        check("complete: what nrflv-analyze needs" in said, f"{last + 1} channels: {said}")
        place.forget(session)


def survives_kills(place):
    """Sampling, reducing, removing: whenever it ends, the same command comes to the same extract."""
    run = ["--model_name", "s", "--experiments", "long_just_fewangles", *REDUCED, "--exp_stim_steps", "30", "--record_images", "0-15", "64-79"]
    place.experiment(*run)
    reduced = extract(place, "s", "long_just_fewangles")
    whole = reduced.rename(place.directory / "whole.extract.h5")
    draw, kills = random.Random(3), 0
    for _ in range(3):
        pause = draw.uniform(0.1, 0.5)
        while not reduced.exists():
            process = place.start("--experiment", "--load_model", "m", *run)
            time.sleep(pause)
            pause *= 1.3  # a busy machine comes to an end, too
            kills += process.poll() is None
            process.kill()
            process.communicate()
        done = place.experiment(*run).stdout
        check("recorded already" in done, done)
        check([path.name for path in place.folder("s").iterdir()] == [reduced.name], "left behind")
        with h5py.File(whole) as one, h5py.File(reduced) as other:
            for path in ("state/traces", "during/one_minus_w", "outside/variance", "momentum/traces", "film_1/grey"):
                check(one["extract"][path][()].tobytes() == other["extract"][path][()].tobytes(), f"{path} after kills")
        reduced.unlink()
    check(kills > 0, "no run was killed")


def complete_recordings_are_reduced(place):
    """Killed between the last step and the extract, or between the extract and the end of the recording."""
    run = ["--model_name", "s", "--experiments", "just_angle", *REDUCED, "--record_images", "0-3"]
    place.experiment(*run)
    kept, before = extract(place, "s", "just_angle"), place.directory / "before.extract.h5"
    before.write_bytes(kept.read_bytes())
    place.experiment("--model_name", "s", "--experiments", "just_angle", *SHORT, "--record_images", "0-3", "--record_variables", "state")
    full = place.recording("s", "just_angle").rename(place.directory / "full.nwb")

    def leave_behind():
        place.partial("s", "just_angle").write_bytes(full.read_bytes())
        place.sampler("s", "just_angle").write_bytes(b"")

    leave_behind()
    done = place.experiment(*run).stdout
    check("recorded already" in done, done)
    check([path.name for path in place.folder("s").iterdir()] == [kept.name], "left behind")
    same_bytes(kept, before, "an extract that was there")

    kept.unlink()
    leave_behind()
    place.experiment(*run)
    check([path.name for path in place.folder("s").iterdir()] == [kept.name], "left behind")
    same_numbers(kept, before)
    place.forget("s")


# ---- the reduction itself: a complete recording that has not become an extract yet ----

# So that the reduction takes a while.
LONG = ["--model_name", "s", "--experiments", "just_angle", "--record", "analysis", "--exp_pre_steps", "300", "--exp_stim_steps",
        "200", "--exp_post_steps", "100", "--threads", "1"]


def complete_recording(place):
    """As --record analysis has it before the reduction, and its extract; both away from where they are looked for."""
    full = ["full" if word == "analysis" else word for word in LONG]
    place.experiment(*full, "--record_variables", "state")
    recording = place.recording("s", "just_angle").rename(place.directory / "complete.nwb")
    shutil.copy(recording, place.partial("s", "just_angle"))
    place.experiment(*LONG)
    return recording, extract(place, "s", "just_angle").rename(place.directory / "complete.extract.h5")


def end_in_the_reduction(place, recording, how):
    """True if the signal came while the extract was being made; ended before, the recording is put there again."""
    target, partial = extract(place, "s", "just_angle"), place.partial("s", "just_angle")
    making = target.with_name(target.name + ".partial")
    if not partial.exists():
        target.unlink(missing_ok=True)
        shutil.copy(recording, partial)
    process = place.start("--experiment", "--load_model", "m", *LONG)
    while process.poll() is None and not making.exists():
        time.sleep(0.001)
    process.send_signal(how)
    out, _ = process.communicate(timeout=60)
    if target.exists():
        return False
    check(making.exists() and partial.exists(), f"{how}: something is lost")
    check(process.returncode == (-how if how == signal.SIGKILL else 128 + how), f"ended with {process.returncode}")
    check(how == signal.SIGKILL or "to go on" in out, f"how to go on: {out}")
    return True


def the_reduction_is_taken_up_again(place, recording, whole):
    for how in (signal.SIGTERM, signal.SIGKILL):
        check(any(end_in_the_reduction(place, recording, how) for _ in range(20)), f"{how} never came in time")
        place.experiment(*LONG)
        target = extract(place, "s", "just_angle")
        check([path.name for path in place.folder("s").iterdir()] == [target.name], f"{how}: left behind")
        same(target, whole)


def a_full_disk_keeps_the_recording(place, recording, whole):
    """The disk has room for the complete recording, and not for its extract."""
    partial = place.partial("s", "just_angle")
    extract(place, "s", "just_angle").unlink(missing_ok=True)
    size = recording.stat().st_size + (1 << 20)
    command = " ".join([NRFLV, "--experiment", "--load_model", "m", *LONG, "--exp_data_root_path", "small"])
    script = f"""
        set -e
        mkdir -p small
        mount -t tmpfs -o size={size} tmpfs small
        mkdir small/s_loadedm
        cp {recording} small/s_loadedm/{partial.name}
        {command} 2>first && exit 9 || status=$?
        cat first >&2
        echo planned >&2
        {command} --force && exit 9 || status=$?
        ls small/s_loadedm
        cp small/s_loadedm/{partial.name} {partial}
        exit $status
    """
    done = subprocess.run(["unshare", "--mount", "bash", "-c", textwrap.dedent(script)], cwd=place.directory, text=True,
                          capture_output=True, check=False)
    if "mount:" in done.stderr or "unshare:" in done.stderr:
        print("left out: a full disk (no right to mount a small one)")
        return
    check(done.returncode == 1, f"ended with {done.returncode}\n{done.stderr}")
    planned, reduced = ([line for line in part.splitlines() if line.startswith("nrflv: ") and "warning" not in line]
                        for part in done.stderr.split("planned\n"))
    check(len(planned) == 1 and "are needed" in planned[0] and "--force" in planned[0], f"beforehand: {planned}")
    check("--record_variables" not in planned[0], f"an option that is refused is advised: {planned}")
    for word in ("No space left", ".extract.h5.partial", f"the complete recording is in small/s_loadedm/{partial.name}", "goes on"):
        check(len(reduced) == 1 and word in reduced[0], f"'{word}' is not in {reduced}")
    same_bytes(partial, recording, "the recording after the disk was full")
    place.experiment(*LONG)
    same(extract(place, "s", "just_angle"), whole)


def another_recording_stays(place, recording, whole):
    """Not complete: it is not what is left of making the extract, but a full recording under way."""
    partial = place.partial("s", "just_angle")
    shutil.copy(whole, extract(place, "s", "just_angle"))
    with h5py.File(shutil.copy(recording, partial), "r+") as f:
        f["general/nrflv/rows_complete"][()] = 7
    check("recorded already" in place.experiment(*LONG).stdout, "recorded once more")
    check(partial.exists(), "another command's recording was removed")
    place.forget("s")


def is_refused(place):
    def refused(arguments, *words):
        expect_one_line(place.experiment("--model_name", "refused", *REDUCED, *arguments, status=2), *words)
        check(not place.folder("refused").exists(), f"{arguments}: something was left behind")

    refused(["--record_variables", "state"], "--record_variables", "--record analysis")
    refused(["--record_filters", "deflate"], "--record_filters", "--record analysis")
    refused(["--record_layers", "1", "2"], "--record_layers", "one layer")
    expect_one_line(place.experiment("--model_name", "refused", *REDUCED, "--experiments", "observeCIFAR10", status=2),
                    "observeCIFAR10", "no stimulus")
    expect_one_line(place.experiment("--model_name", "refused", *REDUCED, "--record_layers", "0", status=2), "latent layer")
    refused(["--exp_pre_steps", "100000", "--record_memory", "0.001", "--force"], "--record_memory", "to reduce", "at least")


def another_extract_is_in_the_way(place):
    run = ["--model_name", "s", "--experiments", "just_angle", *REDUCED, "--record_images", "0-3"]
    place.experiment(*run)
    kept = extract(place, "s", "just_angle")
    before = place.directory / "before"
    before.write_bytes(kept.read_bytes())
    done = place.experiment(*run, "--record_stride", "2", status=2)
    expect_one_line(done, kept.name, "stride", "--force")
    same_bytes(kept, before, "a refused recording")
    place.experiment(*run, "--record_stride", "2", "--force")
    with h5py.File(kept) as f:
        check(f["general/nrflv"].attrs["stride"] == 2, "not replaced")
    place.forget("s")


def main():
    with Recordings(on_disk=True) as there:
        is_planned(there)
        equals_the_full_recording(there)
        few_channels_are_enough(there)
        complete_recordings_are_reduced(there)
        is_refused(there)
        another_extract_is_in_the_way(there)
        survives_kills(there)
        complete = complete_recording(there)
        the_reduction_is_taken_up_again(there, *complete)
        a_full_disk_keeps_the_recording(there, *complete)
        another_recording_stays(there, *complete)


if __name__ == "__main__":
    main()
