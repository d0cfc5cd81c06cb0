"""For the tests of training: runs nrflv on tiny models, and compares what it leaves behind."""

import os
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(os.environ["NRFLV_BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["NRFLV_SOURCE_DIR"])
SHARED = pathlib.Path(os.environ["NRFLV_SHARED_DIR"])
NRFLV = str(BUILD / "nrflv")
HERE = pathlib.Path(__file__).parent
TINY = str(HERE / "tiny.json")
SECONDS = 300

# Six sampler steps of one phase are fewer than the 7 of the other; logs fall on both.
TINY_RUN = ["--train", "--seed", "7", "--threads", "1", "--architecture", TINY, "--batch_size", "4", "--num_it_pos", "6",
            "--num_it_neg", "7", "--num_burn_in_steps", "5", "--img_logging_interval", "2", "--scalar_logging_interval", "5",
            "--histogram_logging_interval", "20", "--model_save_interval", "2"]


def make_cifar(directory, images=44):
    """A small data set in CIFAR-10's format under directory/data: real images if there are any, else noise."""
    folder = pathlib.Path(directory) / "data" / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    real = SHARED / "data" / "cifar-10-batches-bin" / "data_batch_1.bin"
    record = 3073
    if real.exists():
        data = real.open("rb").read(images * record)
    else:
        state, values = 1, bytearray()
        for _ in range(images * record):
            state = (state * 1103515245 + 12345) % 2**31
            values.append(0 if len(values) % record == 0 else state >> 16 & 255)
        data = bytes(values)
    fifth = images // 5 * record
    parts = [data[i * fifth:(i + 1) * fifth] for i in range(4)] + [data[4 * fifth:]]
    for number, part in enumerate(parts, start=1):
        (folder / f"data_batch_{number}.bin").write_bytes(part)
    (folder / "test_batch.bin").write_bytes(parts[0])


class Workplace:
    """A directory with a small data set, where models are trained; removed at the end."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="nrflv_train_"))
        make_cifar(self.directory)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self, *arguments, **options):
        """A process, its output in pipes."""
        return subprocess.Popen([NRFLV, *map(str, arguments)], cwd=self.directory, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def run(self, *arguments, status=0, **options):
        """Runs to the end; fails the test on another exit status."""
        done = subprocess.run([NRFLV, *map(str, arguments)], cwd=self.directory, text=True, capture_output=True,
                              timeout=SECONDS, check=False, **options)
        if done.returncode != status:
            sys.exit(f"nrflv {' '.join(map(str, arguments))}\nended with {done.returncode}, not {status}:\n"
                     f"{done.stdout}{done.stderr}")
        return done

    def train(self, name, *arguments, **options):
        return self.run(*TINY_RUN, "--model_name", name, *arguments, **options)

    def resume(self, name, *arguments, **options):
        return self.run("--train", "--threads", "1", "--resume", name, *arguments, **options)

    def model(self, name):
        return self.directory / "exps" / "models" / f"{name}.h5"


def check(condition, what):
    if not condition:
        sys.exit(what)


def same_bytes(one, other, what):
    check(one.read_bytes() == other.read_bytes(), f"{what}: {one.name} and {other.name} differ")


def error_lines(done):
    """The lines of standard error that are errors."""
    return [line for line in done.stderr.splitlines() if line.startswith("nrflv: ") and "warning" not in line]


def expect_one_line(done, *words):
    lines = error_lines(done)
    check(len(lines) == 1, f"not one line of error:\n{done.stderr}")
    for word in words:
        check(word in lines[0], f"'{word}' is not in: {lines[0]}")


def png_size(path):
    """(width, height) from the header."""
    data = path.read_bytes()
    check(data[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG file")
    return struct.unpack(">II", data[16:24])
