#!/usr/bin/env python3
"""The activity table (spec/analysis.md 3.1) of some traces of a recording with NumPy, SciPy and pandas, as a good user would
write it: means and t tests for all traces of a channel at once, Shapiro-Wilk trace by trace (SciPy has no other way).

    scipy_activity.py RECORDING [--traces N] [--check EXTRACT]

Prints one "name value" line per figure. --check compares the table with the statistics in an extract of the same recording and
fails if they differ.
"""

import argparse
import sys
import time

import h5py
import numpy as np
import pandas as pd
import scipy
from scipy import stats

SERIES = "/processing/state_1"


def windows(file):
    """Rows of the stimulus, and of the blank phases before and after it."""
    epochs = file["/intervals/epochs"]
    first, steps = epochs["first_step"][:], epochs["steps"][:]
    pre, during, post = [np.arange(first[i], first[i] + steps[i]) for i in (1, 2, 3)]
    return during, np.concatenate([pre, post])


def activity(maps, during, outside, traces):
    """maps: [time, height, width]. The table's rows of the first `traces` neurons."""
    columns = maps.reshape(len(maps), -1)[:, :traces].astype(np.float64)
    inside, out = columns[during], columns[outside]
    test = stats.ttest_ind(inside, out, equal_var=False)
    normal_in = [stats.shapiro(inside[:, i]) for i in range(traces)]
    normal_out = [stats.shapiro(out[:, i]) for i in range(traces)]
    means = inside.mean(axis=0), out.mean(axis=0)
    return pd.DataFrame({
        "mean_act_during": means[0], "mean_act_outside": means[1], "ttest_t": test.statistic, "ttest_p_value": test.pvalue,
        "active": (test.pvalue < 0.05) & (means[0] > means[1]),
        "shapiro_W_during": [r.statistic for r in normal_in], "shapiro_p_during": [r.pvalue for r in normal_in],
        "shapiro_W_outside": [r.statistic for r in normal_out], "shapiro_p_outside": [r.pvalue for r in normal_out],
    })


def check(table, extract, channel):
    """The same statistics in an extract: of image 0 and this channel."""
    with h5py.File(extract, "r") as file:
        def column(span, name):
            return file[f"/extract/{span}/{name}"][channel, 0].ravel()[:len(table)]
        for span in ("during", "outside"):
            np.testing.assert_allclose(column(span, "mean"), table[f"mean_act_{span}"], rtol=0, atol=1e-12)
            # SciPy's Shapiro-Wilk: within 1e-5, see the specification
            np.testing.assert_allclose(1 - column(span, "one_minus_w"), table[f"shapiro_W_{span}"], rtol=0, atol=1e-5)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("recording")
    parser.add_argument("--traces", type=int, default=256, help="of each of three channels (default 256)")
    parser.add_argument("--check", metavar="EXTRACT")
    options = parser.parse_args()
    seconds = []
    with h5py.File(options.recording, "r") as file:
        during, outside = windows(file)
        image = next(name for name in file[SERIES] if name.startswith("image_"))
        data = file[SERIES][image]["data"]
        traces = min(options.traces, data.shape[2] * data.shape[3])
        for channel in range(min(3, data.shape[1])):
            start = time.perf_counter()
            maps = data[:, channel]
            read = time.perf_counter()
            table = activity(maps, during, outside, traces)
            # the whole channel was read, part of it was analysed
            seconds.append((time.perf_counter() - read) / traces + (read - start) / maps[0].size)
            if options.check:
                check(table, options.check, channel)
    print(f"versions NumPy {np.__version__}, SciPy {scipy.__version__}, pandas {pd.__version__}")
    print(f"microseconds_of_processor_per_trace {np.median(seconds) * 1e6:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
