"""--list_architectures: every file, with the parameter counts of the published implementation."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

NRFLV = str(pathlib.Path(os.environ["NRFLV_BUILD_DIR"]) / "nrflv")
ARCHITECTURES = pathlib.Path(os.environ["NRFLV_SOURCE_DIR"]) / "data" / "architectures"
REFERENCE = pathlib.Path(os.environ["NRFLV_SHARED_DIR"]) / "reference" / "architectures.json"


def listed(*options):
    """{name: (parameters, initialiser's parameters, sizes)}"""
    done = subprocess.run([NRFLV, "--list_architectures", *options], capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    return {row[2]: (int(row[0]), int(row[1]), row[3:]) for row in rows}, done.stderr


def check_every_file_is_listed():
    rows, errors = listed()
    assert sorted(rows) == sorted(path.stem for path in ARCHITECTURES.glob("*.json")), rows
    assert errors == "", errors


def check_counts_and_sizes_are_the_published_ones():
    reference = json.loads(REFERENCE.read_text())["architectures"]
    compared = 0
    for options, key, flag in (
        ((), "parameter_count_with_model_weight_norm", "constructs_with_model_weight_norm"),
        (("--no_model_weight_norm",), "parameter_count", "constructs"),
    ):
        rows, _ = listed(*options)
        for name, (parameters, _, sizes) in rows.items():
            if not reference.get(name, {}).get(flag):
                continue
            wanted = reference[name]
            assert parameters == wanted[key], (name, parameters, wanted[key])
            assert sizes == ["x".join(map(str, size)) for size in wanted["state_sizes"]], (name, sizes)
            compared += 1
    assert compared > 50, compared


def check_a_broken_file_does_not_hide_the_others():
    with tempfile.TemporaryDirectory() as directory:
        good = ARCHITECTURES / "demo_grey_3SL.json"
        (pathlib.Path(directory) / "good.json").write_text(good.read_text())
        (pathlib.Path(directory) / "bad.json").write_text(good.read_text()[:100])
        rows, errors = listed("--architectures_dir", directory)
    assert list(rows) == ["good"], rows
    assert len(errors.splitlines()) == 1 and "bad.json" in errors, errors


def main():
    check_every_file_is_listed()
    check_a_broken_file_does_not_hide_the_others()
    if not REFERENCE.exists():
        print(f"skipped: no {REFERENCE}")
        return 77
    check_counts_and_sizes_are_the_published_ones()
    return 0


if __name__ == "__main__":
    sys.exit(main())
