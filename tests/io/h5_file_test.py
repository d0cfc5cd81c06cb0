"""h5py reads what we write, and we read what h5py writes."""
import os
import subprocess
import sys
import tempfile

try:
    import h5py
    import numpy as np
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

PROGRAM = os.path.join(os.environ["NRFLV_BUILD_DIR"], "tests", "test_io_h5_file")


def run(verb, path):
    subprocess.run([PROGRAM, verb, path], check=True)


def h5py_reads_our_file(path):
    run("write", path)
    n = np.arange(3 * 5000, dtype=np.int64)
    data = ((n * 7919 % 4001) / 16.0 - 100.0).astype(np.float32).reshape(3, 5000)
    with h5py.File(path) as f:
        # The oldest superblock and no object times: old readers open it, equal contents give equal files.
        assert open(path, "rb").read(9)[8] == 0
        for name, filters in {"plain": (None, False, False), "checked": (None, False, True),
                              "compressed": ("gzip", True, True)}.items():
            d = f["a"][name]
            assert d.dtype == np.dtype("<f4") and np.array_equal(d[:], data), name
            assert (d.compression, d.shuffle, d.fletcher32) == filters, (name, d.compression)
            assert h5py.h5o.get_info(d.id).mtime == 0
        assert f["scalar"].shape == () and f["scalar"][()] == np.iinfo(np.int64).min
        assert [s.decode() for s in f["names"][:]] == ["zeta", "", "ä"]
        assert f["json"][()] == b'{"a": 1}'
        assert f["a"].attrs["text"] == b"plain words"
        assert f["a/plain"].attrs["lr"] == 0.1
        assert f.attrs["format_version"] == 1


def fixed_text(size, padding):
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(size)
    kind.set_strpad(padding)
    return kind


def make_foreign_file(path):
    with h5py.File(path, "w") as f:
        f.attrs["fixed"] = np.bytes_("ascii")
        f.attrs["variable"] = "ä variable"
        f.attrs["empty"] = ""
        f.attrs["null"] = h5py.Empty(h5py.string_dtype())
        f.attrs["null_number"] = h5py.Empty("f8")
        f.attrs["variables"] = ["first", "second"]
        f.attrs["true"] = np.bool_(True)
        f.attrs["int16"] = np.array([-3, 0, 300], np.int16)
        f["flags"] = np.array([True, False, True])
        f["big_endian"] = np.array([1.5, -2, 1e300], ">f8")
        f["half"] = np.array([0.5, -2, np.inf], np.float16)
        f["variable"] = "one"
        f.create_dataset("variables", data=["a", "", "ccc"], dtype=h5py.string_dtype())
        f["hard_link"] = f["big_endian"]
        f["soft_link"] = h5py.SoftLink("/big_endian")
        f["dangling"] = h5py.SoftLink("/nowhere")
        f["named_type"] = np.dtype("f4")
        f["compound"] = np.zeros(2, [("a", "f4"), ("b", "i4")])
        f["nine_dimensions"] = np.zeros((1,) * 9)
        f.create_dataset("huge", shape=(1 << 20, 1 << 20, 1 << 10), dtype="f4", chunks=(1, 1, 64))
        f.create_dataset("huge_text", shape=(1 << 30,), dtype="S1000", chunks=(64,))
        f.create_dataset("long_texts", data=["x" * (1 << 20)] * 65, dtype=h5py.string_dtype())
        scalar = h5py.h5s.create(h5py.h5s.SCALAR)
        padded = h5py.h5d.create(f.id, b"space_padded", fixed_text(12, h5py.h5t.STR_SPACEPAD), scalar)
        padded.write(scalar, scalar, np.array(b"two words   ", "S12"),
                     mtype=fixed_text(12, h5py.h5t.STR_SPACEPAD))


def we_read_a_file_of_h5py(path):
    make_foreign_file(path)
    run("read", path)


with tempfile.TemporaryDirectory() as directory:
    h5py_reads_our_file(os.path.join(directory, "ours.h5"))
    we_read_a_file_of_h5py(os.path.join(directory, "theirs.h5"))
