"""The real TensorBoard reads our event files: scalars exact in float32, histograms as torch makes them."""
import glob
import os
import subprocess
import sys
import tempfile
import time

try:
    import numpy as np
    from tensorboard.backend.event_processing import event_file_loader
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.backend.event_processing import plugin_event_accumulator
    from tensorboard.util import tensor_util
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = os.path.join(os.environ["NRFLV_BUILD_DIR"], "tests", "test_io_event_file")


def limits():
    v, positive = 1e-12, []
    while v < 1e20:
        positive.append(v)
        v *= 1.1
    return np.array([-p for p in reversed(positive)] + [0.0] + positive)


def torch_histogram(values):
    """make_histogram of torch.utils.tensorboard.summary: counts and right-hand limits."""
    counts, edges = np.histogram(values, bins=limits())
    cumulative = np.cumsum(np.greater(counts, 0))
    start, end = np.searchsorted(cumulative, [0, cumulative[-1] - 1], side="right")
    start, end = int(start), int(end) + 1
    counts = counts[start - 1:end] if start > 0 else np.concatenate([[0], counts[:end]])
    return counts, edges[start:end + 1]


def check_scalars(directory):
    log = EventAccumulator(directory, size_guidance={"scalars": 0, "histograms": 0})
    log.Reload()
    assert sorted(log.Tags()["scalars"]) == ["train/energy", "train/loss"], log.Tags()
    loss = log.Scalars("train/loss")
    assert [e.step for e in loss] == [0, 10, 20, 30, 40]
    assert [np.float32(e.value) for e in loss] == [np.float32(v) for v in (0.1, -1e30, 3, 1e-40, 5)]
    assert all(abs(e.wall_time - time.time()) < 600 for e in loss)
    assert log.Scalars("train/energy")[0].step == 1 << 40
    return log


def check_plugin_scalars(directory):
    """What the web page uses since TensorBoard 2.0: scalars turned into tensors."""
    log = plugin_event_accumulator.EventAccumulator(directory)
    log.Reload()
    values = [tensor_util.make_ndarray(e.tensor_proto).item() for e in log.Tensors("train/loss")]
    assert values == [float(np.float32(v)) for v in (0.1, -1e30, 3, 1e-40, 5)], values


def check_histogram(log):
    i = np.arange(10000, dtype=np.int64)
    x = ((i * 7919 % 10007) - 5000).astype(np.float32) / np.float32(1000)
    event, = log.Histograms("layers/hist_states_1")
    h = event.histogram_value
    x = x.astype(np.float64)
    assert event.step == 3 and h.num == 10000 and h.min == x.min() and h.max == x.max()
    assert np.isclose(h.sum, x.sum(), rtol=1e-12) and np.isclose(h.sum_squares, (x * x).sum(), rtol=1e-12)
    counts, right = torch_histogram(x)
    assert np.array_equal(h.bucket, counts) and np.array_equal(h.bucket_limit, right)


def check_extremes(log):
    """Beyond the buckets, below the smallest, zero of both signs; NaN and infinity left out."""
    h = log.Histograms("extreme")[0].histogram_value
    big, small = np.float64(np.float32(1e25)), np.float64(np.float32(1e-30))
    assert (h.num, h.min, h.max, sum(h.bucket)) == (8, -big, big, 8)
    assert h.bucket[0] == 1 and h.bucket[-1] == 1
    zero = list(h.bucket_limit).index(0.0)
    assert h.bucket[zero] == 1 and h.bucket[zero + 1] == 3  # -1e-30; both zeros and 1e-30
    assert small > 0
    h = log.Histograms("constant")[0].histogram_value
    assert (h.num, h.min, h.max, h.sum) == (2, 0, 0, 0) and sum(h.bucket) == 2 and len(h.bucket) == 2


def check_version(directory):
    for path in glob.glob(os.path.join(directory, "events.out.tfevents.*")):
        first = next(iter(event_file_loader.LegacyEventFileLoader(path).Load()))
        assert first.file_version == "brain.Event:2", first


with tempfile.TemporaryDirectory() as temporary:
    subprocess.run([PROGRAM, temporary], check=True)
    assert len(os.listdir(temporary)) == 2
    check_version(temporary)
    accumulated = check_scalars(temporary)
    check_histogram(accumulated)
    check_extremes(accumulated)
    check_plugin_scalars(temporary)
