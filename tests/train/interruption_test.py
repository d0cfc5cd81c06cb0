"""A run that is asked to stop finishes the step at hand, saves, says so, and can be continued exactly."""

import os
import signal
import time

import h5py
from nrflv_runs import Workplace, check, same_bytes

RUN = ["--train", "--seed", "3", "--threads", "1", "--architecture", os.path.join(os.path.dirname(__file__), "tiny.json"),
       "--batch_size", "2", "--num_it_pos", "230", "--num_it_neg", "200", "--num_burn_in_steps", "100", "--epochs", "1",
       "--max_batches", "4", "--model_save_interval", "1000", "--img_logging_interval", "3", "--scalar_logging_interval", "7",
       "--truncate_pos_its", "--truncate_pos_its_threshold", "200", "--trunc_pos_history_len", "5"]

EXIT = {signal.SIGINT: 128 + signal.SIGINT, signal.SIGTERM: 128 + signal.SIGTERM, signal.SIGUSR1: 0}


def wait_for(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, f"{what} did not happen")
        time.sleep(0.002)


def position(path):
    with h5py.File(path) as f:
        attributes = f["progress"].attrs
        return attributes["part"].decode(), int(attributes["sampler_steps"])


def left_batches(place, name, total=4):
    with h5py.File(place.model(name)) as f:
        return total - int(f["progress"].attrs["batches"])


def stop_and_continue(place, number, delay):
    """One signal, `delay` seconds after the first picture; then to the end in sessions that are stopped as well."""
    name = f"signal{number}_{delay}"
    picture = place.directory / "exps" / "samples" / name / "000000.png"
    process = place.start(*RUN, "--model_name", name)
    wait_for(lambda: picture.exists() or process.poll() is not None, "the first picture")
    time.sleep(delay)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    check(process.returncode == EXIT[number], f"{number!r} ended with {process.returncode}\n{err}")
    check("finishing the step at hand, then saving" in err, f"the stop is not announced: {err}")
    check("stopped on request, and saved" in out, f"the end is not explained: {out}")
    check(f"--resume {name}" in out, f"nobody says how to go on: {out}")
    part, steps = position(place.model(name))
    place.resume(name, "--max_batches", left_batches(place, name))
    same_bytes(place.model("whole"), place.model(name), f"stopped in the {part}, after {steps} steps")
    return part


def signals(place):
    """Stops in both phases are among them: a phase is most of the time of a batch, and delays differ."""
    parts = set()
    for attempt in range(3):
        for number in EXIT:
            parts.add(stop_and_continue(place, number, delay=0.011 * attempt))
    check(parts & {"positive phase", "negative phase"}, f"no stop within a phase, only {parts}")


def hours(place):
    limit = 3.0
    started = time.monotonic()
    done = place.run(*RUN, "--model_name", "hours", "--max_batches", "0", "--epochs", "100000", "--max_hours", limit / 3600)
    seconds = time.monotonic() - started
    check("--max_hours is nearly over: stopped, and saved" in done.stdout, done.stdout)
    # A second for the start of a program that may be instrumented, on a machine that may be busy.
    check(0.3 * limit < seconds <= limit + 1.0, f"--max_hours of {limit} s ended after {seconds:.2f} s")
    with h5py.File(place.model("hours")) as f:
        check(f["progress"].attrs["sampler_steps"] > 0, "nothing was done in the time")


def main():
    with Workplace() as place:
        place.run(*RUN, "--model_name", "whole")
        with h5py.File(place.model("whole")) as f:
            check(200 < f["progress"].attrs["positive_steps"] < 230, "the positive phase should have been truncated")
        signals(place)
        hours(place)


main()
