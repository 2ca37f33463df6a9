#!/usr/bin/env python3
"""Compares the public items of the libraries with docs/api/, so that reviewers see changes of the public API.

Usage: surface.py [--write]    (--write: save the current items)
Needs cargo-public-api, which is installed into target/tools if it is missing. Rustdoc's JSON is not stable: another
compiler version may need another version of cargo-public-api (VERSION).
"""
import difflib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
KEPT = ROOT / "docs" / "api"
TOOLS = ROOT / "target" / "tools"
VERSION = "0.52.0"
PACKAGES = ["presync-engine", "presync"]


def tool():
    known = shutil.which("cargo-public-api") or shutil.which("cargo-public-api", path=str(TOOLS / "bin"))
    if known:
        return known
    subprocess.run(["cargo", "install", "cargo-public-api", "--version", VERSION, "--locked", "--quiet", "--root", TOOLS],
                   check=True)
    return TOOLS / "bin" / "cargo-public-api"


def surface(package):
    """One line for each public item, without the traits that every type has."""
    build = ["cargo", "rustdoc", "--locked", "--quiet", "--package", package, "--lib", "--", "-Z", "unstable-options",
             "--output-format", "json", "--cap-lints", "allow"]
    subprocess.run(build, cwd=ROOT, check=True, env={**os.environ, "RUSTC_BOOTSTRAP": "1"})
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    document = target / "doc" / f"{package.replace('-', '_')}.json"
    output = subprocess.run([tool(), "public-api", "--rustdoc-json", document, "-sss"], cwd=ROOT, check=True,
                            capture_output=True, text=True)
    assert output.stdout.count("\n") > 100, f"{package} has next to no surface: {output.stderr}"
    return output.stdout


def main():
    changed = 0
    for package in PACKAGES:
        file = KEPT / f"{package}.txt"
        now = surface(package)
        if "--write" in sys.argv:
            file.write_text(now)
        kept = file.read_text()
        lines = list(difflib.unified_diff(kept.splitlines(), now.splitlines(), str(file.relative_to(ROOT)), "now", lineterm="", n=0))
        print("\n".join(lines) if lines else f"{package}: {len(now.splitlines())} public items, as in {file.relative_to(ROOT)}")
        changed += bool(lines)
    if changed:
        sys.exit("the public surface has changed: if that is meant, run tests/surface.py --write")


main()
