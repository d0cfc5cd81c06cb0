"""Tables of results, read by h5py and by Python's csv module."""

import csv
import math
import os
import pathlib
import subprocess
import tempfile

import h5py
import numpy as np

WRITER = pathlib.Path(os.environ["NRFLV_BUILD_DIR"]) / "tests" / "test_analysis_frame_table"
COLUMNS = ["mean lag", "channel", "active", "note"]


def main():
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run([WRITER], check=True, env={**os.environ, "NRFLV_TABLE_DIR": directory})
        with h5py.File(pathlib.Path(directory) / "lags.h5") as file:
            table = file["table"]
            assert [name.decode() for name in table.attrs["columns"]] == COLUMNS
            assert table["mean lag"].attrs["unit"] == b"ms" and table["mean lag"].dtype == np.float64
            np.testing.assert_array_equal(table["mean lag"][:], [0.1, np.nan, np.inf, -np.inf, 1 / 3])
            np.testing.assert_array_equal(table["channel"][:], [0, -1, 2**63 - 1, -(2**63), 7])
            np.testing.assert_array_equal(table["active"][:], [1, 0, 1, 0, 1])
            assert [text.decode() for text in table["note"][:]] == ["plain", "", 'a, "b"', "µs", "plain"]
            assert file["provenance"].attrs["seed"] == b"3"
        with open(pathlib.Path(directory) / "lags.csv", newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == COLUMNS
        assert float(rows[4]["mean lag"]) == 1 / 3 and math.isnan(float(rows[1]["mean lag"]))
        assert float(rows[3]["mean lag"]) == -math.inf and rows[2]["note"] == 'a, "b"'


main()
