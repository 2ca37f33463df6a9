#!/usr/bin/env python3
"""Measures with llvm-cov which lines of the exact core (space, diagram, compile, engine, stream) the tests run.

Fails below 95 %. Needs the LLVM tools of the compiler's version: Debian's llvm-22, or another with `LLVM_SUFFIX=-23`.
Builds into target/covered. Prints file x lines x covered and, with --missed, each line that no test runs.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "target" / "covered"
SUFFIX = os.environ.get("LLVM_SUFFIX", "-22")
LEAST = 95.0
CORE = ("src/space", "src/diagram", "src/compile", "crates/engine/src", "crates/stream/src")


def main():
    profiles = BUILD / "profiles"
    shutil.rmtree(profiles, ignore_errors=True)
    environment = {**os.environ, "CARGO_TARGET_DIR": str(BUILD), "RUSTFLAGS": "-C instrument-coverage",
                   "LLVM_PROFILE_FILE": str(profiles / "%p-%4m.profraw")}
    command = ["cargo", "test", "--locked", "--tests", "--no-fail-fast"]
    subprocess.run([*command, "--quiet"], cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
    listed = subprocess.run([*command, "--no-run", "--message-format=json"], cwd=ROOT, env=environment, check=True,
                            capture_output=True, text=True).stdout
    binaries = [message["executable"] for message in map(json.loads, listed.splitlines()) if message.get("executable")]
    merged = BUILD / "merged.profdata"
    subprocess.run([f"llvm-profdata{SUFFIX}", "merge", "--sparse", "-o", merged,
                    *sorted(profiles.glob("*.profraw"))], check=True)
    objects = [word for binary in binaries[1:] for word in ("--object", binary)]
    export = subprocess.run([f"llvm-cov{SUFFIX}", "export", "--format=lcov", f"--instr-profile={merged}", binaries[0],
                             *objects, *(ROOT / part for part in CORE)],
                            check=True, capture_output=True, text=True).stdout
    report(lines(export))


def lines(export):
    """The lines of each file and how often each ran, without unit tests."""
    files = {}
    for record in export.split("end_of_record"):
        name, counts = None, {}
        for line in record.split():
            if line.startswith("SF:"):
                name = pathlib.Path(line[3:]).relative_to(ROOT)
            elif line.startswith("DA:"):
                number, count = line[3:].split(",")[:2]
                counts[int(number)] = int(count)
        if name:
            source = (ROOT / name).read_text().split("\n")
            end = next((at for at, line in enumerate(source, 1) if line == "#[cfg(test)]"), len(source) + 1)
            files[name] = {at: count for at, count in counts.items() if at < end}
    return files


def report(files):
    all_lines = all_run = 0
    for name, counts in sorted(files.items()):
        run = sum(count > 0 for count in counts.values())
        all_lines, all_run = all_lines + len(counts), all_run + run
        print(f"{str(name):34}{len(counts):6}{run / max(len(counts), 1):9.1%}")
        if "--missed" in sys.argv:
            source = (ROOT / name).read_text().split("\n")
            for at, count in sorted(counts.items()):
                if not count:
                    print(f"    {at:4} {source[at - 1].strip()}")
    share = all_run / all_lines * 100
    print(f"{'all':34}{all_lines:6}{share:8.1f}%")
    if share < LEAST:
        sys.exit(f"less than {LEAST:.0f} % of the lines are run")


if __name__ == "__main__":
    main()
