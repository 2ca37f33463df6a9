#!/usr/bin/env python3
"""Measures how long DuckDB takes to decide many events with the SQL export, as for a fleet larger than one machine.

Usage: bulk.py SCRIPT.sql [EVENTS ...]   (SCRIPT.sql from `presync export examples/contact-centre --to sql`)
For each number of events, prints the seconds to decide them and count the outcomes, and million events per second.
"""
import pathlib
import re
import sys
import time

import duckdb


def decide(script, events):
    base = duckdb.connect()
    base.execute(script)
    columns = base.execute("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = "
                           "'presync_events' ORDER BY ordinal_position").fetchall()
    # Random events: each column gets one of the values that the script compares it with.
    pairs = set()
    for block in script.split("SELECT v.*, CASE")[1:]:
        system = re.search(r"v\.from_system = ('[^']*')", block)[1]
        for states in re.findall(r"v\.entered IN \(([^)]*)\)", block):
            pairs |= {(system, state) for state in re.findall(r"'[^']*'", states)}
    pairs = sorted(pairs)
    values = []
    for name, kind in columns:
        if name == "event_id":
            values.append("i")
        elif name in ("from_system", "entered"):
            texts = ", ".join(pair[name == "entered"] for pair in pairs)
            values.append(f"[{texts}][1 + pair]")
        elif kind == "BOOLEAN":
            values.append("random() < 0.8")
        else:
            lists = re.findall(rf"v\.{name}(?:, '[^']*'\))? (?:IN \(([^)]*)\)|= ('[^']*'))", script)
            texts = sorted({text for found in lists for text in re.findall(r"'[^']*'", "".join(found))})
            assert texts or name.startswith("state_"), name
            choices = ", ".join(texts) or "NULL"
            values.append(f"[{choices}][1 + (random() * {max(len(texts), 1)})::INTEGER % {max(len(texts), 1)}]")
    base.execute(f"INSERT INTO presync_events SELECT {', '.join(values)} "
                 f"FROM (SELECT i, (random() * {len(pairs)})::INTEGER % {len(pairs)} AS pair FROM range({events}) t(i))")
    start = time.perf_counter()
    found = base.execute("SELECT outcome, count(*) FROM presync_decisions GROUP BY outcome ORDER BY outcome").fetchall()
    seconds = time.perf_counter() - start
    assert sum(count for _, count in found) == events, "two systems: one decision an event"
    print(f"{events:>11} events {seconds:8.2f} s {events / seconds / 1e6:8.1f} M/s   "
          + ", ".join(f"{outcome} {count}" for outcome, count in found), flush=True)


script = pathlib.Path(sys.argv[1]).read_text()
for events in [int(count) for count in sys.argv[2:]] or [1_000_000, 10_000_000]:
    decide(script, events)
