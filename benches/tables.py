#!/usr/bin/env python3
"""Measures what tables cost: deciding and running from source and from tables.json, exports, and their sizes.

Prints ratios to `check` and to the size of the source, for both kinds of generated sites. Usage:
tables.py [PROFILES] [RUNS]   (1000 and 5; builds a release first)
"""
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRESYNC = ROOT / "target" / "release" / "presync"
EVENT = b'{"user":"ann","role":"Team 0001","set":{"user_type":"enterprise_voice"},"observe":{"cic":"Available"}}\n' \
        b'{"user":"ann","change":{"cic":"At Lunch"}}\n'


def main():
    profiles, runs = (int(word) for word in [*sys.argv[1:], *["1000", "5"][len(sys.argv) - 1:]])
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("site", "skills"):
            measure(pathlib.Path(folder), kind, profiles, runs)
        appendices(pathlib.Path(folder), runs)
        cores(pathlib.Path(folder), runs)


def generated(*words):
    return subprocess.run([sys.executable, ROOT / "benches" / "programs.py", *words], check=True, capture_output=True).stdout


def measure(folder, kind, profiles, runs):
    source, tables = folder / f"{kind}.presync", folder / f"{kind}.json"
    source.write_bytes(generated(kind, str(profiles)))
    export(source, tables)
    facts = ("user_type=enterprise_voice", "cic_logged_in", "lync_logged_in")
    decide = ("--role", "Team 0001", 'cic "At Lunch"', "--given", ",".join(facts))
    commands = {
        "check": ("check", source, "-q"),
        "decide": ("decide", source, *decide),
        "run, two events": ("run", source),
        "export --to json": ("export", source, "--to", "json", "-q", "-o", folder / "again.json"),
        "decide from tables.json": ("decide", tables, *decide),
        "run from tables.json": ("run", tables),
    }
    # Alternate, so that the machine's other work disturbs all alike.
    taken = {name: [] for name in commands}
    for _ in range(runs):
        for name, command in commands.items():
            taken[name].append(seconds(command))
    assert tables.read_bytes() == (folder / "again.json").read_bytes(), "an export is the same every time"
    print(f"{kind}, {profiles} profiles, {source.stat().st_size / 1e6:.2f} MB: CPU seconds, median of {runs}")
    base = statistics.median(taken["check"])
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"  {name:26}{median:8.3f}{median / base:8.2f} x check")
    ratio = tables.stat().st_size / source.stat().st_size
    print(f"  {'size of tables.json':26}{tables.stat().st_size / 1e6:8.2f} MB {ratio:.2f} x the source")
    # A role with the profiles of another.
    text = source.read_text()
    last = text[text.rindex("\nrole "):]
    source.write_text(text + last.replace("Team ", "Same as team ", 1))
    export(source, folder / "more.json")
    print(f"  {'another such role adds':26}{(folder / 'more.json').stat().st_size - tables.stat().st_size:8} bytes")


def appendices(folder, runs):
    """One profile with twenty and with 500 texts, each under its own flag."""
    for count in (20, 500):
        source = folder / f"appendices-{count}.presync"
        lines = ["use cic_lync", *(f"flag f{at:03}" for at in range(count)), 'profile "P" {', '    cic "At Lunch" -> lync Away']
        lines += [f'    when f{at:03}: append "t{at:03}" to lync' for at in range(count)]
        source.write_text("\n".join([*lines, "}"]) + "\n")
        target = folder / "appendices.json"
        command = ("export", source, "--to", "json", "-q", "-o", target)
        taken = statistics.median(seconds(command) for _ in range(runs))
        print(f"{count} appendices: export --to json {taken:.3f} CPU seconds, {target.stat().st_size / 1e3:.1f} kB")


def cores(folder, runs):
    """`check` of the 9 MB site with one and two threads; and two checks at once, which shows what two cores give here at most."""
    source = folder / "large.presync"
    source.write_bytes(generated("site", "5000"))

    def wall(*threads):
        start = time.perf_counter()
        checks = [subprocess.Popen([PRESYNC, "check", source, "--quiet"], env={**os.environ, "RAYON_NUM_THREADS": str(count)},
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for count in threads]
        assert all(check.wait() in (0, 1) for check in checks)
        return time.perf_counter() - start

    one, two, both = (statistics.median(times) for times in zip(*((wall(1), wall(2), wall(1, 1)) for _ in range(runs))))
    print(f"check of {source.stat().st_size / 1e6:.1f} MB: {one:.3f} s with one thread, {two:.3f} with two: {one / two:.2f} times faster; "
          f"two checks at once take {both:.3f} s, so that two cores give at most {2 * one / both:.2f}")


def export(source, target):
    subprocess.run([PRESYNC, "export", source, "--to", "json", "-q", "-o", target], check=True)


def seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([PRESYNC, *command], input=EVENT, capture_output=True)
    assert done.returncode in (0, 1), (command, done.stderr[-500:])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
