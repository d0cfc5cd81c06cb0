"""kill -9 at any moment: the checkpoint is whole, resuming works, and the end is that of a run nobody killed."""

import random
import time

import h5py
from nrflv_runs import TINY_RUN, Workplace, check, same_bytes

KILLS, BATCHES, SEED = 30, 100, 20
# Saving after every batch, a buffer that grows: a good part of the time is spent on writing the checkpoint.
RUN = [*TINY_RUN, "--model_save_interval", "1", "--epochs", "1000"]


def batches_done(path):
    """Reads the whole file, checksums included."""
    with h5py.File(path) as f:
        f.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
        return int(f["progress"].attrs["batches"])


def session(place, name, done):
    """A process that goes on to BATCHES batches; from the beginning if there is no checkpoint yet."""
    if not place.model(name).exists():
        return place.start(*RUN, "--model_name", name, "--max_batches", BATCHES)
    return place.start("--train", "--threads", 1, "--resume", name, "--max_batches", BATCHES - done)


def main():
    moments = random.Random(SEED)
    with Workplace() as place:
        place.run(*RUN, "--model_name", "whole", "--max_batches", BATCHES)
        kills, done, partial_files = 0, 0, 0
        while kills < KILLS:
            process = session(place, "killed", done)
            time.sleep(moments.uniform(0.0, 0.35))
            process.kill()
            process.communicate()
            kills += 1
            if place.model("killed").exists():
                done = batches_done(place.model("killed"))
            partial_files += len(list(place.model("killed").parent.glob("*.partial-*")))
            check(done < BATCHES, f"finished after {kills} kills only: raise BATCHES")
        process = session(place, "killed", done)
        out, err = process.communicate(timeout=300)
        check(process.returncode == 0, f"{out}{err}")
        same_bytes(place.model("whole"), place.model("killed"), f"{kills} kills")
        left = list(place.model("killed").parent.glob("*.partial-*"))
        check(not left, f"left behind: {left}")
        print(f"{kills} kills, the last at batch {done} of {BATCHES}; {partial_files} half-written files seen")


main()
