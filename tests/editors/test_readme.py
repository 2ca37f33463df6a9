"""The table of README.md names tests that exist, and every test of this folder."""
import pathlib
import re

HERE = pathlib.Path(__file__).parent


def test_every_row_names_tests():
    rows = [line for line in (HERE / "README.md").read_text().splitlines() if line.startswith("| ") and "**" not in line]
    tests = set()
    for row in rows[1:]:
        named = re.findall(r"[\w:]*(?:test_|::)\w+", row)
        assert named, row
        tests.update(named)
    ours = set()
    for file in HERE.glob("test_*.py"):
        ours.update(re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.M))
    suite = (HERE.parent / "suite" / "editing.rs").read_text()
    known = ours | {f"editing::{name}" for name in re.findall(r"^fn (\w+)\(\)", suite, re.M)}
    assert tests <= known, tests - known
    simple = {"test_every_row_names_tests", "test_a_clean_file_has_no_diagnostics"}
    assert ours - simple <= tests, ours - simple - tests
