#!/usr/bin/env python3
"""Counts instructions, which do not depend on machine load, and compares them with instructions.json.

Usage: instructions.py [--write]    (--write: save the new counts)
Needs valgrind. Fails if a count is more than 5 % higher; save counts that are more than 5 % lower.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import programs

ROOT = pathlib.Path(__file__).resolve().parent.parent
DECISIONS = ROOT / "target" / "counted" / "decisions"
KEPT = pathlib.Path(__file__).with_name("instructions.json")
MOST = 0.05


def count(*command):
    """The number of instructions that a process executes."""
    output = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", *map(str, command)],
                            capture_output=True, text=True)
    assert output.returncode in (0, 1), output.stderr
    return int(re.search(r"Collected : (\d+)", output.stderr)[1])


def counted():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        first, events, site = folder / "first.jsonl", folder / "events.jsonl", folder / "site.presync"
        lines = programs.events(programs.ROLES, 101_000, 10_000).splitlines(keepends=True)
        # The first events compile the roles.
        first.write_text("".join(lines[:1_000]))
        events.write_text("".join(lines))
        site.write_text(programs.site(575))
        run = ["events", ROOT / "examples" / "contact-centre" / "tables.json"]
        # Enough decisions to outweigh the variation between two compilations of 16,000 rules (hashes are seeded).
        few, many = 408, 4_080_000
        wide = folder / "wide.presync"
        wide.write_text(programs.wide(16_000))

        def one(kind, *more):
            return round((count(DECISIONS, kind, many, *more) - count(DECISIONS, kind, few, *more)) / (many - few), 2)

        rows = {
            "one decision, packed": lambda: one("packed"),
            "one decision, ids and facts": lambda: one("ids"),
            "one decision, names": lambda: one("names"),
            "one decision of 16,000 rules, ids and facts": lambda: one("wide", wide),
            "100,000 events": lambda: count(DECISIONS, *run, events) - count(DECISIONS, *run, first),
            f"check of {site.stat().st_size:,} bytes": lambda: count(DECISIONS, "check", site),
        }
        # Counts do not depend on what else is running.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            return dict(zip(rows, threads.map(lambda row: row(), rows.values())))


def main():
    # Only the library: the tool would take most of the time.
    subprocess.run(["cargo", "build", "--profile", "counted", "--locked", "--quiet", "--manifest-path", "benches/decisions/Cargo.toml",
                    "--target-dir", "target"], cwd=ROOT, check=True)
    now = counted()
    if "--write" in sys.argv:
        KEPT.write_text(json.dumps(now, indent=2) + "\n")
    kept = json.loads(KEPT.read_text())
    assert kept.keys() == now.keys(), f"{KEPT.name} has other rows: {kept.keys() ^ now.keys()}"
    worse = better = 0
    print(f"{'instructions':46}{'kept':>16}{'now':>16}{'ratio':>8}")
    for name, was in kept.items():
        ratio = now[name] / was
        worse += ratio > 1 + MOST
        better += ratio < 1 - MOST
        print(f"{name:46}{was:>16,}{now[name]:>16,}{ratio:>8.3f}{' !' if abs(ratio - 1) > MOST else ''}")
    if better:
        print(f"{better} better by more than {MOST:.0%}: keep with --write")
    if worse:
        sys.exit(f"{worse} worse by more than {MOST:.0%}")


if __name__ == "__main__":
    main()
