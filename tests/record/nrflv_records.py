"""For the tests of experiments: a place with a tiny model, stimuli and images, and what is there to record with."""

import os
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.join(os.environ["NRFLV_SOURCE_DIR"], "tests", "train"))

from nrflv_runs import TINY_RUN, Workplace, make_cifar

HERE = pathlib.Path(__file__).parent
EPOCH = "1700000000"  # date of all recordings, so that files can be compared
FILES = {
    "contrast_and_angle": "orientations_present_single_gabor_contrast_and_angle",
    "just_angle": "orientations_present_single_gabor_just_angle",
    "just_angle_few_angles": "orientations_present_single_gabor_just_angle_few_angles",
    "fewlocs_and_fewerangles": "orientations_present_double_gabor_fewlocs_and_fewerangles",
    "long_just_fewangles": "orientations_present_single_gabor_long_just_fewangles",
    "observeCIFAR10": "observeCIFAR10",
}
# Burn-in comes from the model, which was trained with 5 steps of it.
SHORT = ["--exp_pre_steps", "6", "--exp_stim_steps", "7", "--exp_post_steps", "4", "--exp_observe_steps", "9"]
SHORT_STEPS = 5 + 6 + 7 + 4


def memory():
    """Where files need not wait for the disk: a tmpfs with a gigabyte of room, or else wherever temporary files go."""
    place = pathlib.Path("/dev/shm")
    if "TMPDIR" not in os.environ and place.is_mount() and os.access(place, os.W_OK) and shutil.disk_usage(place).free >= 1 << 30:
        return place
    return None


class Recordings(Workplace):
    """640 images, 128 of them for tests; a model "m"; all stimuli. On the disk for whom it matters, or who records for long."""

    def __init__(self, on_disk=False):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nrflv_record_", dir=None if on_disk else memory()))
        os.environ["SOURCE_DATE_EPOCH"] = EPOCH
        make_cifar(self.directory, images=640)
        self.train("m", "--max_batches", "2")
        self.run("--gen_exp_stim")

    def experiment(self, *arguments, **options):
        return self.run("--experiment", "--load_model", "m", *arguments, **options)

    def folder(self, session, root="exps/exp_data"):
        return self.directory / root / f"{session}_loadedm"

    def recording(self, session, name, **where):
        return self.folder(session, **where) / f"{FILES[name]}.nwb"

    def partial(self, session, name, **where):
        return self.folder(session, **where) / f"{FILES[name]}.partial.nwb"

    def sampler(self, session, name, **where):
        return self.folder(session, **where) / f"{FILES[name]}.partial.state"

    def forget(self, session, **where):
        shutil.rmtree(self.folder(session, **where), ignore_errors=True)


def rows_complete(path):
    """Opens a recording as any reader does, and says how many rows are complete."""
    import h5py

    with h5py.File(path, "r") as f:
        return int(f["general/nrflv/rows_complete"][()])


def rows_so_far(path):
    """The same for a recording under way, which may be about to be made: the library that makes it locks it for that moment."""
    try:
        return rows_complete(path)
    except (FileNotFoundError, BlockingIOError):
        return 0
