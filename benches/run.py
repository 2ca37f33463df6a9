#!/usr/bin/env python3
"""Takes the measurements of docs/performance.md and prints its tables. Usage: benches/run.py [ROW ...]

Rows: decide stream users check linear analyse small watch (default: all). Builds what it needs: `presync`, the peers
for `decide` (an hour to compile), and jaq for `stream`; uses jq if it is installed. `linear` also draws
docs/check-time.svg. Whole processes are measured by the resource usage that the system reports (wait4): the median of
the runs, with minimum and maximum. Commands that are compared run alternately.
"""
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import programs

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESYNC = ROOT / "target" / "dist" / "presync"
CENTRE = ROOT / "examples" / "contact-centre"


class Run:
    """The resource usage of a finished process, as the system reports it."""

    def __init__(self, *command, stdout=os.devnull):
        opened = [(os.POSIX_SPAWN_OPEN, 1, stdout, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644),
                  (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
        start = time.perf_counter()
        child = os.posix_spawnp(str(command[0]), [str(word) for word in command], os.environ, file_actions=opened)
        _, status, usage = os.wait4(child, 0)
        self.wall = time.perf_counter() - start
        self.cpu = usage.ru_utime + usage.ru_stime
        self.memory = usage.ru_maxrss * 1024
        self.exit = os.waitstatus_to_exitcode(status)


def runs(count, *commands, **options):
    """Runs each command `count` times, alternately; returns a list of runs per command.

    Exit code 1 is accepted: it means findings or rejected events."""
    found = [[] for _ in commands]
    for _ in range(count):
        for of, command in zip(found, commands):
            run = Run(*command, **options)
            assert run.exit in (0, 1), f"{command} ended with {run.exit}"
            of.append(run)
    return found


def shown(values, unit="", digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f}) {unit}".strip()


def row(*cells):
    print("| " + " | ".join(cells) + " |", flush=True)


def head(*cells):
    print()
    row(*cells)
    row(*["---"] * len(cells))


def made(folder, *words):
    """A program or stream from programs.py.

    A separate process writes it, because the system counts our peak memory toward that of our children."""
    file = pathlib.Path(folder) / ("events.jsonl" if words[0] == "events" else "program.presync")
    with open(file, "w") as out:
        subprocess.run([sys.executable, pathlib.Path(programs.__file__), *map(str, words)], stdout=out, check=True)
    return file


def decide(_):
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=ROOT / "benches" / "peers", check=True)
    peers = ROOT / "benches" / "peers"
    # zen-engine takes as long to compile as all the others together, so it has its own workspace.
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet"], cwd=peers / "zen", check=True)
    for built in (peers / "target" / "release" / "peers", peers / "zen" / "target" / "release" / "peers-zen"):
        print(flush=True)
        subprocess.run([built], check=True, stderr=subprocess.DEVNULL)


def stream(folder):
    events, users = 1_000_000, 100_000
    file = made(folder, "events", events, users)
    size = file.stat().st_size / events
    command = [PRESYNC, "run", CENTRE, "--events", file, "--quiet"]
    one, two = runs(7, command, [*command, "--jobs", "2"])
    head("1 M events over 100 k users", "CPU s", "M events/CPU s", "wall s", "throughput")
    rate = lambda of: shown([events / run.cpu / 1e6 for run in of])
    wall = statistics.median(run.wall for run in one)
    row("`run`", shown([run.cpu for run in one]), rate(one), shown([run.wall for run in one]), "1")
    ratio = [a.wall / b.wall for a, b in zip(one, two)]
    row("`run --jobs 2`", shown([run.cpu for run in two]), rate(two), shown([run.wall for run in two]), shown(ratio))
    tools = ROOT / "target" / "bench-tools"
    if not (tools / "bin" / "jaq").exists():
        subprocess.run(["cargo", "install", "--quiet", "--locked", "jaq", "--root", tools], check=True)
    for name in ["jq", str(tools / "bin" / "jaq")]:
        try:
            [found] = runs(1, [name, "-c", "select(.change) | .user", file])
        except FileNotFoundError:
            print(f"{name} is not installed: not compared")
            continue
        row(f"{pathlib.Path(name).name}, the users of changes", shown([run.cpu for run in found]), rate(found),
            shown([run.wall for run in found]), f"1/{statistics.median(run.wall for run in found) / wall:.1f}")
    print(f"\n{size:.0f} bytes an event")


def users(folder):
    head("users", "peak memory, MB", "bytes a user, its name included")
    none = pathlib.Path(folder) / "none.jsonl"
    none.touch()
    [base] = runs(3, [PRESYNC, "run", CENTRE, "--events", none, "--quiet"])
    base = statistics.median(run.memory for run in base)
    row("0", f"{base / 1e6:.1f}", "")
    for count in (100_000, 1_000_000):
        file = made(folder, "events", count, count)
        [found] = runs(3, [PRESYNC, "run", CENTRE, "--events", file, "--quiet"])
        peak = statistics.median(run.memory for run in found)
        row(f"{count:,}", f"{peak / 1e6:.1f}", f"{(peak - base) / count:.0f}")


def check(folder):
    file = made(folder, "site", 5000)
    size = file.stat().st_size
    [found] = runs(7, [PRESYNC, "check", file, "--quiet"])
    head("5,000 profiles, 180,000 rules, 500 roles", "CPU s", "MB/s", "peak memory / source")
    row(f"`check`, {size / 1e6:.1f} MB, all lints", shown([run.cpu for run in found]),
        shown([size / run.cpu / 1e6 for run in found], digits=1), f"{found[0].memory / size:.0f}")


def linear(folder):
    head("MB", "rules", "CPU s", "MB/s", "peak memory / source")
    points = []
    for profiles in (500, 1000, 2000, 5000, 10_000, 20_000, 50_000):
        file = made(folder, "site", profiles)
        size = file.stat().st_size
        [found] = runs(3, [PRESYNC, "check", file, "--quiet"])
        seconds = statistics.median(run.cpu for run in found)
        points.append((size / 1e6, seconds))
        row(f"{size / 1e6:.1f}", f"{profiles * 36:,}", shown([run.cpu for run in found]), f"{size / seconds / 1e6:.1f}",
            f"{found[0].memory / size:.0f}")
    draw(points, ROOT / "docs" / "check-time.svg")


def draw(points, file):
    """Draws the time of `check` over the size of the program as SVG."""
    width, height, left, bottom = 560, 300, 56, 40
    most_x, most_y = max(x for x, _ in points), max(y for _, y in points)
    place = lambda x, y: (left + x / most_x * (width - left - 16), height - bottom - y / most_y * (height - bottom - 24))
    line = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in points)
    dots = "".join('<circle cx="{:.1f}" cy="{:.1f}" r="3"/>'.format(*place(*point)) for point in points)
    texts = "".join(
        f'<text x="{place(x, 0)[0]:.1f}" y="{height - bottom + 16}" text-anchor="{"end" if x == most_x else "middle"}">{x:.0f} MB</text>'
        for x, _ in points if x > most_x / 12) + "".join(
        f'<text x="{left - 6}" y="{place(0, y)[1] + 4:.1f}" text-anchor="end">{y:.1f} s</text>'
        for y in (most_y / 2, most_y))
    file.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">'
        f'<title>CPU seconds of presync check over the size of the program</title>'
        f'<rect width="{width}" height="{height}" fill="white"/>'
        f'<path d="M{left},24V{height - bottom}H{width - 16}" fill="none" stroke="#888"/>'
        f'<polyline points="{left},{height - bottom} {line}" fill="none" stroke="#1f6feb" stroke-width="2"/>'
        f'<g fill="#1f6feb">{dots}</g><g fill="#333">{texts}</g></svg>\n')


def analyse(folder):
    head("program", "command", "CPU s", "peak memory, MB")
    cases = [(f"40 flags, 2,000 rules, {kind}", ("flags", kind)) for kind in ("structured", "entangled")]
    cases += [(f"one profile of {rules:,} rules", ("wide", rules)) for rules in (4000, 16_000)]
    cases += [(f"{profiles:,} profiles over {profiles // 10} roles", ("site", profiles)) for profiles in (2500, 5000)]
    for name, words in cases:
        file = made(folder, *words)
        commands = {"check": ["check", file], "export": ["export", file, "--to", "json", "-o", os.devnull]}
        for command, rest in commands.items():
            [found] = runs(3, [PRESYNC, *rest, "--quiet"])
            row(name, f"`{command}`", shown([run.cpu for run in found]), f"{found[0].memory / 1e6:.0f}")


def small(folder):
    file = made(folder, "site", 4)
    lines = file.read_text().count("\n")
    [found] = runs(50, [PRESYNC, "check", file, "--quiet"])
    head("whole process", "wall ms", "CPU ms")
    row(f"`check` of {lines} lines", shown([run.wall * 1e3 for run in found], digits=1),
        shown([run.cpu * 1e3 for run in found], digits=1))


def watch(folder):
    file = made(folder, "site", 270)
    text = file.read_text()
    process = subprocess.Popen([PRESYNC, "check", "--watch", "--format", "agent", file], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    ended = threading.Event()

    def read():
        for line in process.stdout:
            if "watching for changes" in line:
                ended.set()

    threading.Thread(target=read, daemon=True).start()
    ended.wait(10)
    times = []
    for turn in range(21):
        time.sleep(0.2)
        ended.clear()
        # Change one rule.
        changed = text.replace('"At Lunch" -> lync Away', f'"At Lunch" -> lync {["Away", "Busy"][turn % 2]}', 1)
        start = time.perf_counter()
        file.write_text(changed)
        assert ended.wait(10), "nothing was said after a save"
        times.append((time.perf_counter() - start) * 1e3)
    process.kill()
    head("re-check after a save", "ms")
    lines = text.count("\n")
    row(f"`check --watch`, {lines:,} lines", shown(times, digits=1))


def main():
    names = sys.argv[1:] or ["decide", "stream", "users", "check", "linear", "analyse", "small", "watch"]
    subprocess.run(["cargo", "build", "--profile", "dist", "--quiet"], cwd=ROOT, check=True)
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            globals()[name](folder)


if __name__ == "__main__":
    main()
