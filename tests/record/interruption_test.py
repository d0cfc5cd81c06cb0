"""A recording that is asked to stop finishes the step at hand, saves, says how to go on, and goes on exactly."""

import signal
import time

from nrflv_records import SHORT, Recordings, rows_complete, rows_so_far
from nrflv_runs import check, same_bytes

RUN = ["--experiments", "just_angle", "--record_images", "0-3", "--threads", "1", "--record_flush", "0.1", *SHORT, "--exp_stim_steps", "60"]
STEPS = 5 + 6 + 60 + 4
EXIT = {signal.SIGINT: 128 + signal.SIGINT, signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGUSR1: 0}


def stop(place, session, number, rows):
    """Starts, and sends the signal once so many rows are recorded."""
    process = place.start("--experiment", "--load_model", "m", "--model_name", session, *RUN)
    partial, end = place.partial(session, "just_angle"), time.monotonic() + 60
    while process.poll() is None and rows_so_far(partial) < rows:
        check(time.monotonic() < end, "nothing is recorded")
        time.sleep(0.01)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    check(process.returncode == EXIT[number], f"{number!r} ended with {process.returncode}\n{err}")
    check("finishing the step at hand, then saving" in err, f"the stop is not announced: {err}")
    check("stopped on request, after step" in out, f"the end is not explained: {out}")
    check(f"--model_name {session}" in out and "--load_model exps/models/m.h5" in out, f"nobody says how to go on: {out}")
    return int(out.split("after step ")[1].split(" ")[0])


def signals(place):
    """The name of the session is part of the file, so all are of one name."""
    whole = place.directory / "whole.nwb"
    place.experiment("--model_name", "s", *RUN)
    place.recording("s", "just_angle").rename(whole)
    for number in EXIT:
        first = stop(place, "s", number, 10)
        check(rows_complete(place.partial("s", "just_angle")) == first, "a step that was made is not in the file")
        second = stop(place, "s", number, first + 10)
        check(STEPS > second > first, f"it went from step {first} to {second}")
        place.experiment("--model_name", "s", *RUN)
        same_bytes(place.recording("s", "just_angle"), whole, f"{number!r} after {first} and {second} steps")
        place.recording("s", "just_angle").unlink()


def hours(place):
    limit = 3.0
    started = time.monotonic()
    done = place.experiment("--model_name", "hours", *RUN, "--exp_stim_steps", "100000", "--max_hours", limit / 3600)
    seconds = time.monotonic() - started
    check("--max_hours is nearly over: stopped, after step" in done.stdout, done.stdout)
    # A second for the start of a program that may be instrumented, on a machine that may be busy.
    check(0.2 * limit < seconds <= limit + 1.0, f"--max_hours of {limit} s ended after {seconds:.2f} s")
    check(rows_complete(place.partial("hours", "just_angle")) > 0, "nothing was done in the time")


def packing_stops_too(place):
    """The time may be up while the finished recording is packed; the same command packs again."""
    run = ["--experiments", "observeCIFAR10", "--threads", "1", *SHORT, "--record_filters", "deflate", "--record_deflate_level", "9",
           "--exp_observe_steps", "60", "--record_layers", "0", "1"]
    process = place.start("--experiment", "--load_model", "m", "--model_name", "packing", *run)
    partial, end = place.partial("packing", "observeCIFAR10"), time.monotonic() + 60
    while process.poll() is None and rows_so_far(partial) < 60:
        check(time.monotonic() < end, "nothing is recorded")
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    if process.returncode == 0:
        print("left out: packing was over before it could be stopped")
        return
    check(process.returncode == EXIT[signal.SIGTERM] and "to go on" in out, f"{process.returncode}: {out}{err}")
    check(rows_complete(partial) == 60, "the recording was lost while it was packed")
    done = place.experiment("--model_name", "packing", *run)
    check(f"wrote {place.recording('packing', 'observeCIFAR10').relative_to(place.directory)}" in done.stdout, done.stdout)
    check(not partial.exists() and rows_complete(place.recording("packing", "observeCIFAR10")) == 60, "not packed")


def the_newest_model(place):
    """Named without being asked for; the session is of that model."""
    done = place.run("--experiment", *RUN, "--dry_run")
    check("model the newest: exps/models/m.h5" in done.stderr and "_loadedm" in done.stdout, done.stdout + done.stderr)


def main():
    with Recordings(on_disk=True) as place:
        signals(place)
        hours(place)
        packing_stops_too(place)
        the_newest_model(place)


main()
