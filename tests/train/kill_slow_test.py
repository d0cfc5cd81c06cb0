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


class Killer:
    """Goes on with a model in sessions that are killed, until one of them ends by itself."""

    def __init__(self, place):
        self.place, self.moments = place, random.Random(SEED)
        self.kills, self.half_written = 0, 0

    def start(self, name):
        model = self.place.model(name)
        if not model.exists():
            return self.place.start(*RUN, "--model_name", name, "--max_batches", BATCHES)
        left = BATCHES - batches_done(model)
        check(left >= 0, f"{name} has more than {BATCHES} batches")
        if left == 0:
            return None
        return self.place.start("--train", "--threads", 1, "--resume", name, "--max_batches", left)

    def train(self, name):
        while (process := self.start(name)) is not None:
            if self.kills < KILLS:
                time.sleep(self.moments.uniform(0.0, 0.35))
                self.kills += process.poll() is None
                process.kill()
            out, err = process.communicate(timeout=300)
            check(process.returncode in (0, -9), f"{out}{err}")
            self.half_written += len(list(self.place.model(name).parent.glob("*.partial-*")))


def main():
    with Workplace() as place:
        place.run(*RUN, "--model_name", "whole", "--max_batches", BATCHES)
        killer, models = Killer(place), 0
        while killer.kills < KILLS:
            models += 1
            killer.train(f"killed{models}")
            same_bytes(place.model("whole"), place.model(f"killed{models}"), f"after {killer.kills} kills")
        place.train("last", "--max_batches", 1)
        left = list(place.model("last").parent.glob("*.partial-*"))
        check(not left, f"left behind: {left}")
        print(f"{killer.kills} kills of {models} models; {killer.half_written} half-written files seen")


main()
