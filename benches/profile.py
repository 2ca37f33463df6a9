#!/usr/bin/env python3
"""Writes benches/profiles/run.txt and check.txt: which functions execute the instructions of 100,000 events and of
checking 1 MB.

Needs valgrind. Builds with release optimizations and function names. Functions are ranked with their callees included.
"""
import pathlib
import re
import subprocess
import tempfile

import programs

ROOT = pathlib.Path(__file__).resolve().parent.parent
PRESYNC = ROOT / "target" / "profiling" / "presync"
PROFILES = pathlib.Path(__file__).with_name("profiles")
LEAST = 1.5


def profile(folder, *command):
    """Functions with their share of the instructions, with and without callees, largest first."""
    out = folder / "callgrind.out"
    subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", *map(str, command)],
                   capture_output=True)
    lines = {}
    for inclusive in ("yes", "no"):
        text = subprocess.run(["callgrind_annotate", f"--inclusive={inclusive}", "--auto=no", "--threshold=100", out],
                              capture_output=True, text=True, check=True).stdout
        for count, function in re.findall(r"^ *([\d,]+) \([^)]*\) +\S+?:(.+?)(?: \[[^\]]*\])?$", text, re.M):
            function = re.sub(r"'\d+$", "", function).strip()
            shares = lines.setdefault(function, {"yes": 0, "no": 0})
            shares[inclusive] = max(shares[inclusive], int(count.replace(",", "")))
        if inclusive == "yes":
            [total] = re.findall(r"^ *([\d,]+) \([^)]*\) +PROGRAM TOTALS", text, re.M)
            total = int(total.replace(",", ""))
    rows = sorted(((of["yes"] / total * 100, of["no"] / total * 100, name) for name, of in lines.items()), reverse=True)
    head = f"{total:,} instructions\n\nwith callees    alone  function\n"
    return head + "".join(f"{whole:10.1f} % {alone:6.1f} %  {name[:150]}\n"
                          for whole, alone, name in rows if whole >= LEAST and "presync" in name or alone >= LEAST)


def main():
    subprocess.run(["cargo", "build", "--profile", "profiling", "--locked", "--quiet", "--bin", "presync"], cwd=ROOT,
                   check=True)
    PROFILES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        events, site = folder / "events.jsonl", folder / "site.presync"
        events.write_text(programs.events(programs.ROLES, 100_000, 10_000))
        site.write_text(programs.site(575))
        run = ["run", ROOT / "examples" / "contact-centre", "--quiet", "--events", events]
        (PROFILES / "run.txt").write_text(profile(folder, PRESYNC, *run))
        (PROFILES / "check.txt").write_text(profile(folder, PRESYNC, "check", "--quiet", site))


if __name__ == "__main__":
    main()
