"""kill -9 at any moment: the partial recording opens as it is, holds all steps but those of the last second, and the file that is
finished later equals that of a run nobody killed."""

import concurrent.futures
import os
import pty
import random
import re
import select
import subprocess
import threading
import time

import h5py
from nrflv_records import SHORT, Recordings, rows_complete
from nrflv_runs import NRFLV, check, same_bytes

KILLS, WORKERS, SEED = 100, 2, 7
LAST_SECOND = 1.0
# 224 steps in all: chunks are whole pages, so that pieces of the images' layer go past the page cache.
SESSION = ["--model_name", "s", "--experiments", "just_angle", "--record_layers", "0", "1", "--record_images", "0-1", "--threads", "1",
           *SHORT, "--exp_stim_steps", "209"]
STEP = re.compile(rb"(\d+)/\d+ steps")


class Watched:
    """A run on a terminal, where it shows its progress ten times a second."""

    def __init__(self, place, root):
        self.terminal, side = pty.openpty()
        self.process = subprocess.Popen(
            [NRFLV, "--experiment", "--load_model", "m", "--exp_data_root_path", root, *SESSION], cwd=place.directory,
            stdin=subprocess.DEVNULL, stdout=side, stderr=side, env=dict(os.environ, TERM="xterm"))
        os.close(side)
        self.steps = []  # (time, steps done by then)
        self.text = b""

    def watch(self, seconds):
        """Looks on for so long, or until it ends."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                return
            try:
                data = os.read(self.terminal, 65536)
            except OSError:  # the other side is closed
                return
            if not data:
                return
            self.text += data
            for match in STEP.finditer(data):
                self.steps.append((time.monotonic(), int(match.group(1))))

    def kill(self):
        """Whether it was still at work."""
        alive = self.process.poll() is None
        self.process.kill()
        killed = time.monotonic()
        self.process.wait()
        os.close(self.terminal)
        return alive, killed

    def steps_before(self, moment):
        return max((steps for at, steps in self.steps if at <= moment), default=0)

    def finish(self):
        while self.process.poll() is None:
            self.watch(1.0)
        self.watch(0.1)
        os.close(self.terminal)
        check(self.process.returncode == 0, f"ended with {self.process.returncode}:\n{self.text.decode()}")


def check_partial(path, session, killed):
    """Opened once, by a library that knows nothing of ours; whole, and not behind."""
    rows = rows_complete(path)
    with h5py.File(path, "r") as f:
        data = f["processing/state_1/image_001/data"]
        check(abs(data[:rows]).max() <= 1.0 if rows else True, "states beyond their bounds")
        if rows:
            check(data[rows - 1].any(), f"row {rows - 1} of {rows} is empty")
    wanted = session.steps_before(killed - LAST_SECOND)
    check(rows >= wanted, f"{rows} rows, but {wanted} steps were done a second before the kill")
    return rows


class Killer:
    """Records, kills, goes on, finishes and compares; two of them at a time."""

    def __init__(self, place, whole, duration):
        self.place, self.whole, self.duration = place, whole, duration
        self.lock = threading.Lock()
        self.kills = self.partials = self.recordings = 0

    def record(self, number, moments):
        root = f"killed{number}"
        partial = self.place.partial("s", "just_angle", root=root)
        for _ in range(moments.randint(2, 6)):
            session = Watched(self.place, root)
            session.watch(moments.uniform(0, 1.1 * self.duration))
            alive, killed = session.kill()
            left = alive and partial.exists()
            if left:
                check_partial(partial, session, killed)
            with self.lock:
                self.kills, self.partials = self.kills + alive, self.partials + left
        Watched(self.place, root).finish()
        left = [path.name for path in self.place.folder("s", root=root).iterdir()]
        check(len(left) == 1, f"not only the recording is left: {left}")
        same_bytes(self.place.recording("s", "just_angle", root=root), self.whole, root)
        self.place.forget("s", root=root)

    def work(self, moments):
        while self.kills < KILLS:
            with self.lock:
                number = self.recordings
                self.recordings += 1
            self.record(number, moments)


def main():
    with Recordings(on_disk=True) as place:
        begun = time.monotonic()
        Watched(place, "whole").finish()
        killer = Killer(place, place.recording("s", "just_angle", root="whole"), time.monotonic() - begun)
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for worker in [pool.submit(killer.work, random.Random(SEED + i)) for i in range(WORKERS)]:
                worker.result()
        print(f"{killer.kills} kills of {killer.recordings} recordings in {time.monotonic() - begun:.0f} s; "
              f"{killer.partials} left a partial file")
        check(killer.partials > KILLS // 3, "too few kills hit a recording at work")


main()
