#!/usr/bin/env python3
"""An extract is an HDF5 file that says what is in it: h5py finds the neurons' traces and their statistics."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import h5py
import numpy as np

MAKER = pathlib.Path(os.environ["NRFLV_BUILD_DIR"]) / "tests" / "test_extract_extract"
IMAGES, CHANNELS, HEIGHT, WIDTH, ROWS = 6, 3, 9, 11, 114
PRE, DURING, POST = slice(10, 50), slice(50, 90), slice(90, 114)


class ExtractTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "x.extract.h5"
        subprocess.run([MAKER, "make", path], check=True)
        self.file = h5py.File(path, "r")
        self.addCleanup(self.file.close)
        self.root = self.file["extract"]

    def test_every_data_set_says_what_it_is(self):
        found = []
        self.root.visititems(lambda name, item: found.append((name, item)) if isinstance(item, h5py.Dataset) else None)
        self.assertGreater(len(found), 10)
        for name, item in found:
            self.assertGreater(len(item.attrs["description"]), 10, name)
        self.assertEqual(self.root.attrs["recording_identity"], b"0123456789abcdef0123456789abcdef")

    def test_the_recordings_description_comes_along(self):
        self.assertEqual(self.file["general/nrflv"].attrs["experiment"], "memory")
        images = self.file["processing/experiment/images"]
        np.testing.assert_array_equal(images["angle"][:], [0, 0, 1, 1, 2, 2])
        self.assertEqual(self.root["pictures/stimulus"].shape, (IMAGES, 1, 3, 4))

    def test_traces_and_statistics_belong_to_the_neurons_that_are_named(self):
        neurons, traces = self.root["state/neurons"][:], self.root["state/traces"][:].astype(float)
        self.assertEqual(traces.shape, (IMAGES * CHANNELS * 9, ROWS))
        self.assertEqual(len(np.unique(neurons, axis=0)), len(neurons))
        outside = np.concatenate([traces[:, PRE], traces[:, POST]], axis=1)
        for (image, channel, h, w), inside, out in zip(neurons, traces[:, DURING], outside):
            for span, x in (("during", inside), ("outside", out)):
                at = (channel, image, h, w)
                self.assertAlmostEqual(self.root[span]["mean"][at], x.mean(), 14)
                self.assertAlmostEqual(self.root[span]["variance"][at], x.var(ddof=1), 14)
        self.assertEqual(self.root["during/one_minus_w"].shape, (CHANNELS, IMAGES, HEIGHT, WIDTH))
        self.assertEqual(self.root["momentum/neurons"][:].tolist(), [[5, c, 4, 5] for c in range(CHANNELS)])

    def test_everything_is_there(self):
        self.assertTrue((self.root["images_done"][:] == 1).all())
        self.assertTrue((self.root["traces_not_finite"][:] == 0).all())


if __name__ == "__main__":
    unittest.main()
