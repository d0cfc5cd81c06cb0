"""scripts/check_rules.py finds what it is there to find, and nothing in a clean tree."""

import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

PROGRAM = pathlib.Path(os.environ["NRFLV_SOURCE_DIR"]) / "scripts" / "check_rules.py"


class CheckRules(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.write("include/nrflv/png_grid.h", "int nrf_grid(void);\n")
        self.write("src/io/png_grid.c", '#include "nrflv/png_grid.h"\n\n#include <stdio.h>\n')
        self.write("src/sampler/buffer.h", "")
        self.write("src/sampler/buffer.c", '#include "buffer.h"\n#include <nrflv/png_grid.h>\n')

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())

    def check(self):
        done = subprocess.run([sys.executable, PROGRAM, self.root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    def assert_found(self, *wanted):
        status, output = self.check()
        self.assertEqual(status, 1, output)
        for text in wanted:
            self.assertIn(text, output)
        self.assertIn(f" {len(wanted)} problems", output)

    def test_a_clean_tree_passes(self):
        status, output = self.check()
        self.assertEqual(status, 0, output)

    def test_an_include_of_a_higher_floor_is_found(self):
        self.write("src/io/reader.c", '\n#include "sampler/buffer.h"\n')
        self.assert_found("src/io/reader.c:2: io/ (floor 1) includes sampler/buffer.h of sampler/ (floor 5)")

    def test_a_public_header_stands_on_the_floor_of_its_source(self):
        self.write("include/nrflv/status.h", '#include "nrflv/png_grid.h"\n')
        self.write("src/base/status.c", "")
        self.assert_found("include/nrflv/status.h:1: base/ (floor 0) includes nrflv/png_grid.h of io/ (floor 1)")

    def test_a_public_header_without_a_room_is_found(self):
        self.write("include/nrflv/lost.h", "")
        self.assert_found("include/nrflv/lost.h:1: no .c file of this name")

    def test_a_public_header_in_a_folder_belongs_to_the_room_of_that_name(self):
        self.write("include/nrflv/sampler/chain.h", "")
        self.write("src/io/reader.c", '#include "nrflv/sampler/chain.h"\n')
        self.assert_found("src/io/reader.c:1: io/ (floor 1) includes nrflv/sampler/chain.h of sampler/ (floor 5)")

    def test_a_public_header_in_a_folder_without_a_room_is_found(self):
        self.write("include/nrflv/cellar/lost.h", "")
        self.assert_found("include/nrflv/cellar/lost.h:1: no .c file of this name")

    def test_gpl_libraries_outside_the_analyses_are_found(self):
        self.write("src/analysis/fit.c", "#include <gsl/gsl_cdf.h>\n#include <fftw3.h>\n")
        self.write("src/sampler/noise.c", "#include <gsl/gsl_randist.h>\n")
        self.assert_found("src/sampler/noise.c:1: sampler/ includes gsl/gsl_randist.h, which is GPL")

    def test_managers_that_use_the_analyses_are_found(self):
        self.write("include/nrflv/analysis/fit.h", "")
        self.write("src/managers/record.c", '#include "nrflv/analysis/fit.h"\n')
        self.assert_found("src/managers/record.c:1: managers/ includes nrflv/analysis/fit.h of analysis/, which links GPL")

    def test_a_missing_public_header_is_found(self):
        self.write("src/io/reader.c", '#include "nrflv/gone.h"\n')
        self.assert_found("src/io/reader.c:1: there is no nrflv/gone.h")

    def test_blanks_tabs_and_line_ends_are_found(self):
        self.write("README.md", "a \n\tb\nc\r\nd")
        self.assert_found("README.md:1: blank", "README.md:2: tab", "README.md:3: carriage", "README.md:4: no newline")

    def test_notes_need_an_issue(self):
        self.write("src/io/reader.c", "/* TO" "DO(#7): later */\n/* TO" "DO: some day */\n")
        self.assert_found("src/io/reader.c:2: note to the future without an issue")

    def test_paths_of_a_machine_are_found(self):
        self.write("src/io/reader.c", 'const char *p = "/ho' 'me/me/data";\nconst char *url = "https://a.org/home/x";\n')
        self.assert_found("src/io/reader.c:1: path of somebody's own machine")


if __name__ == "__main__":
    unittest.main()
