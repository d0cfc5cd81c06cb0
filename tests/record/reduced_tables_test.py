"""--record analysis: nrflv-analyze makes the same of what stays as of a full recording, with one thread and with two."""

import subprocess
import sys

try:
    import h5py
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

from nrflv_records import FILES, Recordings
from nrflv_runs import BUILD, check

ANALYZE = BUILD / "nrflv-analyze"
# Images of several angles, contrasts, places and repetitions.
STEPS = ["--exp_pre_steps", "60", "--exp_stim_steps", "64", "--exp_post_steps", "40", "--record_images", "0-11", "64-67"]
ALL_STEPS = 5 + 60 + 64 + 40
KEYS = {  # of what nrflv-analyze makes of full recordings
    "contrast_and_angle": "primary",
    "just_angle": "just_angles",
    "just_angle_few_angles": "just_angles_few_angles",
    "fewlocs_and_fewerangles": "double_stim",
    "long_just_fewangles": "long_just_fewangles",
}


def analyse(place, session, threads):
    """The folder of results."""
    done = subprocess.run([ANALYZE, "--root_path", place.folder(session), "--results_dir", "results", "--threads", str(threads)],
                          cwd=place.directory, text=True, capture_output=True, check=False)
    check(done.returncode == 0, f"{session}: {done.stdout}{done.stderr}")
    return place.directory / "results" / f"{session}_loadedm"


def content(path, leave_out=()):
    """Everything in an HDF5 file, as bytes: data sets and attributes, apart from some groups."""
    found = {}

    def collect(name, item):
        if name.split("/")[0] in leave_out:
            return
        for key, value in item.attrs.items():
            found[f"{name}@{key}"] = str(value).encode()
        if isinstance(item, h5py.Dataset):
            value = item[()]
            found[name] = str(value.tolist()).encode() if item.dtype == object else value.tobytes()

    with h5py.File(path) as f:
        f.visititems(collect)
    return found


def same_content(one, other, leave_out=()):
    mine, theirs = content(one, leave_out), content(other, leave_out)
    check(mine.keys() == theirs.keys(), f"{one}, {other}: {sorted(mine.keys() ^ theirs.keys())}")
    different = [name for name in mine if mine[name] != theirs[name]]
    check(not different, f"{one}, {other}: {different} differ")
    return len(mine)


def same_tables(full, reduced):
    """All tables, and the numbers and scripts that figures are drawn from."""
    def files(folder):
        return {p.relative_to(folder) for p in folder.rglob("*") if p.suffix in (".h5", ".csv", ".tsv", ".bin", ".gp") and
                p.parts[len(folder.parts)] != "extracts"}

    names = files(full)
    check(names == files(reduced), f"other files: {sorted(map(str, names ^ files(reduced)))}")
    for name in sorted(names):
        if name.suffix == ".h5":
            same_content(full / name, reduced / name, leave_out=("provenance",))
        else:
            check((full / name).read_bytes() == (reduced / name).read_bytes(), f"{name} differs")
    return sum(name.suffix == ".h5" for name in names)


def same_extracts(place, full):
    for name, key in KEYS.items():
        made = full / "extracts" / f"{key}.h5"
        if not made.exists():  # of recordings that no analysis reads
            continue
        recorded = place.folder("reduced") / f"{FILES[name]}.extract.h5"
        # What is beside /extract says which variables and which session were recorded.
        mine, theirs = content(recorded), content(made)
        numbers = [path for path in theirs if path.startswith("extract/") and "@" not in path]
        check(len(numbers) > 10, f"{made}: {numbers}")
        different = [path for path in numbers if mine.get(path) != theirs[path]]
        check(not different, f"{recorded}: {different} differ from what is made of the full recording")


def main():
    if not ANALYZE.exists():
        print("skipped: nrflv-analyze is not built")
        sys.exit(77)
    with Recordings() as place:
        place.experiment("--model_name", "full", *STEPS, "--threads", "2")
        place.experiment("--model_name", "reduced", *STEPS, "--threads", "1", "--record", "analysis")
        with h5py.File(place.recording("full", "just_angle")) as f:
            check(f["general/nrflv/rows_complete"][()] == ALL_STEPS, "not all steps were recorded")
        full, reduced = analyse(place, "full", 2), analyse(place, "reduced", 1)
        tables = same_tables(full, reduced)
        check(tables >= 10, f"only {tables} tables")
        same_extracts(place, full)


main()
