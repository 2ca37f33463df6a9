#!/usr/bin/env python3
"""Runs each export in third-party engines and compares every situation with the decision of Presync.

Usage: run.py [--few] [PROGRAM...]   (contact-centre, hostile, site-50, ...; all without names; --few: one of each kind)

Builds its own environments under target/engines. Prints format x engine x program x situations x differences, and
exits with 1 if there are differences.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import unicodedata
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "engines"
BUILD = ROOT / "target" / "engines"
PRESYNC = ROOT / "target" / "debug" / "presync"


def run(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, **more)


def prepare():
    """Builds the tool and the engines, installs packages, then restarts this script in the Python environment."""
    BUILD.mkdir(parents=True, exist_ok=True)
    # Build the tool and the example with `cargo test`: `cargo build` would choose other features.
    run("cargo", "test", "--no-run", "--locked", "--quiet", cwd=ROOT)
    # Runs while packages are fetched and unpacked.
    engines = subprocess.Popen(["cargo", "build", "--locked", "--quiet", "--release", "--manifest-path",
                                HERE / "rust" / "Cargo.toml", "--target-dir", BUILD / "rust"], cwd=ROOT)
    python = BUILD / "venv" / "bin" / "python"
    if not python.exists():
        venv.create(BUILD / "venv", with_pip=True)
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", HERE / "requirements.txt")
    node = BUILD / "node"
    node.mkdir(exist_ok=True)
    for file in ("package.json", "package-lock.json", *sorted(script.name for script in HERE.glob("*.cjs"))):
        shutil.copy(HERE / file, node / file)
    run("npm", "ci", "--no-audit", "--no-fund", "--silent", cwd=node)
    if engines.wait():
        sys.exit("the engines in Rust could not be built")
    os.execv(python, [str(python), str(HERE / "run.py"), "--prepared", *sys.argv[1:]])


def programs():
    for folder in sorted((ROOT / "examples").iterdir()):
        program = folder / f"{folder.name}.presync"
        if program.exists():
            yield folder.name, program
    yield "hostile", HERE / "hostile.presync"
    yield "quotes", HERE / "quotes.presync"
    # Roles with too many rows for one table; the last one has a single profile that does not cover every situation.
    for words in (("site", "50"), ("skills", "50"), ("flags", "structured", "600")):
        name = "-".join(words)
        program = BUILD / f"{name}.presync"
        program.write_bytes(run(sys.executable, ROOT / "benches" / "programs.py", *words, capture_output=True).stdout)
        yield name, program


# One program of each kind, for every change: an example with two systems and one with three, names that break formats, chained
# tables of many profiles, and of one. The others run in tests/heavy.
FEW = ["contact-centre", "large-site", "hostile", "quotes", "site-50", "flags-structured-600"]

# Programs that a format cannot express: the export must refuse them.
REFUSED = {("jdm", "quotes")}


# Random situations of each table of a generated program.
SAMPLED = 300


def situations(program):
    most = [SAMPLED] if program.parent == BUILD else []
    output = run(ROOT / "target" / "debug" / "examples" / "situations", program, *most, capture_output=True).stdout
    return [json.loads(line) for line in output.decode().split("\n") if line]


def export(program, name, to):
    file = BUILD / f"{name}.{to}"
    run(PRESYNC, "export", program, "--to", to, "-o", file, "--quiet")
    return file


def wanted(situation):
    return situation["outcome"], situation["state"], tuple(situation["append"])


def identifiers(script):
    """The identifier of each column in the script by what its comment says: facts and systems by name, `NAME by hand`
    and `own NAME` as pairs."""
    names = {}
    kinds = re.compile(r"^-- (?:((?:fact|state)_\w+) is (.*)|(by_hand_\w+) is (.*) by hand"
                       r"|(\w+_own) is the own state of (.*): the last settable .*)$", re.M)
    for found in kinds.finditer(script):
        kind = (found.lastindex - 2) // 2
        identifier, name = found[found.lastindex - 1], found[found.lastindex]
        if name.startswith('"'):
            name = re.sub(r"\\u\{(\w+)\}", lambda found: chr(int(found[1], 16)), name[1:-1])
            name = re.sub(r"\\(.)", r"\1", name)
        name = name.replace("$ {", "${")
        names[(name, ("", "by hand", "own")[kind])] = identifier
    return names


def sql_value(case, name, kind):
    if kind == "by hand":
        return name in case["by_hand"]
    return f"own {name}" if kind == "own" else case["given"].get(name)


def sql_rows(script, cases):
    names = identifiers(script)
    columns = ["event_id", "role", "from_system", "entered", *names.values()]
    rows = []
    for at, case in enumerate(cases):
        rows.append([at, case["role"], case["from"], case["entered"], *(sql_value(case, *name) for name in names)])
    return columns, rows + [[len(rows) + at, *event, *rows[0][4:]] for at, event in enumerate(odd_events(cases[0]))]


def odd_events(case):
    """Events like the first one, with a state, a role and a system that do not exist."""
    role, system, entered = case["role"], case["from"], case["entered"]
    return [(role, system, entered + " x"), (role + " x", system, entered), (role, system + " x", entered)]


def sql_compare(cases, decisions):
    """An event is decided for every other system: compares the decision for the system of the situation."""
    found = {(event, to): (outcome, state, appendix) for event, to, outcome, state, appendix in decisions}
    assert len(found) == len(decisions), "one decision for each event and system"
    differences = 0
    for at, case in enumerate(cases):
        outcome, state, append = wanted(case)
        if outcome == "previous":
            state = f"own {case['to']}"
        text = ", ".join(append) if outcome in ("set", "previous") else None
        differences += found.get((at, case["to"])) != (outcome, state, text)
    odd = len(cases)
    # A state marked `other` stands for every unknown one.
    assert (odd, cases[0]["to"]) in found, "no event vanishes"
    for rejected in (odd + 1, odd + 2):
        assert found[rejected, None] == ("rejected", None, None), "an unknown name is rejected"
    return differences


def sqlite(file, cases):
    script = file.read_text()
    base = sqlite3.connect(":memory:")
    base.executescript(script)
    columns, rows = sql_rows(script, cases)
    base.executemany(f"INSERT INTO presync_events ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})", rows)
    return sql_compare(cases, base.execute(
        "SELECT event_id, to_system, outcome, state, appendix FROM presync_decisions").fetchall())


def duckdb(file, cases):
    import duckdb
    script = file.read_text()
    base = duckdb.connect()
    base.execute(script)
    columns, rows = sql_rows(script, cases)
    # Pass the rows as JSON Lines: far faster than one insert each.
    lines = BUILD / "events.jsonl"
    lines.write_text("".join(json.dumps(dict(zip(columns, row))) + "\n" for row in rows))
    kinds = ", ".join(f"{name}: '{kind}'" for name, kind in base.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'presync_events'").fetchall())
    base.execute(f"INSERT INTO presync_events BY NAME SELECT * FROM read_json('{lines}', columns = {{{kinds}}})")
    return sql_compare(cases, base.execute(
        "SELECT event_id, to_system, outcome, state, appendix FROM presync_decisions").fetchall())


def postgres(file, cases):
    columns, rows = sql_rows(file.read_text(), cases)
    lines = "".join(json.dumps(dict(zip(columns, row))) + "\n" for row in rows)
    output = run("node", BUILD / "node" / "postgres.cjs", BUILD / "postgres", file, input=lines.encode(), capture_output=True).stdout
    return sql_compare(cases, [json.loads(line) for line in output.decode().split("\n") if line])


def statements(script):
    """Spark runs one statement at a time. A semicolon in a string or comment does not end a statement."""
    parts = re.findall(r"'(?:[^']|'')*'|--[^\n]*|;|[^;'-]+|-", script)
    statement = ""
    for part in parts:
        if part != ";":
            statement += part
        elif statement.strip():
            yield statement
            statement = ""


def spark(file, cases):
    session = spark_session()
    session.sql("CREATE DATABASE presync_test")
    session.sql("USE presync_test")
    try:
        script = file.read_text()
        # Insert the rows together: each INSERT is a Spark job.
        rows = []
        for statement in statements(script):
            values = re.search(r"\bINSERT INTO presync_rows VALUES\s*(.*)$", statement, re.S)
            if values:
                rows.append(values[1])
                continue
            if rows:
                session.sql("INSERT INTO presync_rows VALUES " + ", ".join(rows))
                rows = []
            session.sql(statement)
        columns, events = sql_rows(script, cases)
        schema = session.table("presync_events").schema
        assert [field.name for field in schema] == columns
        session.createDataFrame([tuple(event) for event in events], schema).write.insertInto("presync_events")
        found = session.sql("SELECT event_id, to_system, outcome, state, appendix FROM presync_decisions").collect()
        return sql_compare(cases, [tuple(row) for row in found])
    finally:
        session.sql("USE default")
        session.sql("DROP DATABASE presync_test CASCADE")


def spark_session():
    """One session for all programs: starting it takes seconds."""
    from pyspark.sql import SparkSession
    warehouse = BUILD / "spark"
    builder = SparkSession.builder.master("local[2]").config("spark.driver.bindAddress", "127.0.0.1")
    builder = builder.config("spark.driver.host", "127.0.0.1").config("spark.ui.enabled", "false")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    builder = builder.config("spark.sql.warehouse.dir", str(warehouse)).config("spark.log.level", "ERROR")
    # A role with thousands of rows is one expression, and its plan does not fit into the default of 1 GB.
    builder = builder.config("spark.sql.shuffle.partitions", "2").config("spark.driver.memory", "4g")
    return builder.getOrCreate()


def zen(file, cases):
    import zen
    document = json.loads(file.read_text())
    inputs = document["nodes"][1]["content"]["inputs"]
    fields = {entry["name"]: entry["field"] for entry in inputs[4:]}
    # Facts and systems share one namespace; the first four inputs, those of the change, are not in it.
    decision = zen.ZenEngine().create_decision(json.dumps(document))
    differences = 0
    for case in cases:
        context = {"role": case["role"], "from": case["from"], "to": case["to"], "entered": case["entered"]}
        context.update({fields[name]: value for name, value in case["given"].items()})
        for name, field in fields.items():
            if field.startswith("by_hand_"):
                context[field] = name.removesuffix(" by hand") in case["by_hand"]
        found = decision.evaluate(context)["result"]
        differences += (found["outcome"], found.get("state"), tuple(found["append"])) != wanted(case)
    return differences


def compare(command, cases):
    """Sends the situations to an engine, one per line, and counts the decisions that differ from Presync's."""
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    output = run(*command, input=lines.encode(), capture_output=True).stdout.decode()
    decisions = [json.loads(line) for line in output.split("\n") if line]
    assert len(decisions) == len(cases)
    # An engine omits a member that has no value.
    return sum((found.get("outcome"), found.get("state"), tuple(found.get("append", ()))) != wanted(case)
               for found, case in zip(decisions, cases))


def regorus(file, cases):
    return compare((BUILD / "rust" / "release" / "rego", file), cases)


def feelin(file, cases):
    from lxml import etree
    schema = etree.XMLSchema(etree.parse(BUILD / "node/node_modules/dmn-moddle/resources/dmn/xsd/DMN13.xsd"))
    schema.assertValid(etree.parse(file))
    return compare(("node", BUILD / "node" / "dmn.cjs", file), cases)


def dsntk(file, cases):
    return compare((BUILD / "rust" / "release" / "dmn", file), cases)


def example(*command):
    """An executor in examples/decide: reads tables.json and decides for all other systems."""
    def decide(file, cases):
        lines = "".join(json.dumps(case) + "\n" for case in cases)
        output = run(*command, file, input=lines.encode(), capture_output=True).stdout.decode()
        answers = [json.loads(line) for line in output.split("\n") if line]
        assert len(answers) == len(cases)
        found = [next(one for one in answer if one["to"] == case["to"]) for answer, case in zip(answers, cases)]
        return sum((one["outcome"], one["state"], tuple(one["append"])) != wanted(case) for one, case in zip(found, cases))
    return decide


def page(file, cases):
    return compare(("node", BUILD / "node" / "report.cjs", file, file.with_suffix("")), cases)


def pictures(program, name, cases):
    """Draws the mapping graph with the tools of its formats; every state that is set or sets one must be visible."""
    files = []
    for to in ("dot", "mermaid", "svg"):
        files.append(BUILD / f"{name}.{to}")
        files[-1].write_bytes(run(PRESYNC, "show", program, "--to", to, capture_output=True).stdout)
    names = {name for case in cases if case["outcome"] == "set" for name in (case["entered"], case["state"])}
    # Control characters are shown as escapes.
    labels = BUILD / f"{name}.labels.json"
    labels.write_text(json.dumps([name for name in sorted(names)
                                  if not any(unicodedata.category(char)[0] == "C" for char in name)]))
    return run("node", BUILD / "node" / "pictures.cjs", *files, labels, BUILD / name, capture_output=True).stdout


ENGINES = [
    ("json", "decide.py", example(sys.executable, ROOT / "examples" / "decide" / "decide.py")),
    ("json", "decide.js", example("node", ROOT / "examples" / "decide" / "decide.js")),
    ("dmn", "feelin", feelin),
    ("dmn", "dsntk", dsntk),
    ("sql", "sqlite", sqlite),
    ("sql", "duckdb", duckdb),
    ("sql", "postgres", postgres),
    ("sql", "spark", spark),
    ("jdm", "zen-engine", zen),
    ("rego", "regorus", regorus),
    ("html", "chromium", page),
]


def execute(name, program, files, cases, to, engine, decide):
    """Runs one engine on one program; returns the line to print and the number of differences."""
    head = f"{to:8}{engine:12}{name:22}"
    if to not in files:
        refused = subprocess.run([PRESYNC, "export", program, "--to", to], capture_output=True)
        assert refused.returncode == 2 and b"every kind of quote" in refused.stderr and not refused.stdout
        return f"{head}{'refused, as it has to be':>24}", 0
    file = files[to]
    differences = decide(file, cases)
    if name == "contact-centre":
        # The comparison must detect a table that decides differently.
        wrong = file.with_name(f"wrong.{engine}.{to}")
        text = file.read_text()
        # The page's own script contains the word, too.
        start = text.index('<script id="data"') if to == "html" else 0
        end = text.index("</script>", start) if to == "html" else len(text)
        wrong.write_text(text[:start] + text[start:end].replace("unchanged", "unmapped") + text[end:])
        assert decide(wrong, cases) > 0, f"{engine} is not compared"
    return f"{head}{len(cases):>11}{differences:>13}", differences


def main():
    if "--prepared" not in sys.argv:
        prepare()
    shutil.rmtree(BUILD / "postgres", ignore_errors=True)
    shutil.rmtree(BUILD / "spark", ignore_errors=True)
    print(f"{'format':8}{'engine':12}{'program':22}{'situations':>11}{'differences':>13}")
    failed = False
    names = [word for word in sys.argv[1:] if not word.startswith("--")]
    names += FEW if "--few" in sys.argv[1:] else []
    known = {name for name, _ in programs()}
    assert set(names) <= known, f"unknown: {set(names) - known}"
    for name, program in programs():
        if names and name not in names:
            continue
        cases = situations(program)
        assert cases
        files = {to: export(program, name, to) for to, _, _ in ENGINES if (to, name) not in REFUSED}
        # Most engines run as separate processes, and they share no files.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
            for line, differences in threads.map(lambda engine: execute(name, program, files, cases, *engine), ENGINES):
                failed |= differences > 0
                print(line, flush=True)
        drawn = run("node", BUILD / "node" / "dmn-js.cjs", BUILD / f"{name}.dmn", BUILD / name, capture_output=True).stdout
        print(f"{'dmn':8}{'dmn-js':12}{name:22}{'draws ' + drawn.decode().strip()}", flush=True)
        shown = pictures(program, name, cases)
        print(f"{'graph':8}{'pictures':12}{name:22}{'show ' + shown.decode().strip()}", flush=True)
    if not names or "--few" in sys.argv[1:]:
        run(sys.executable, ROOT / "docs" / "pictures" / "cast.py", "--check", env={**os.environ, "PRESYNC": str(PRESYNC)})
    sys.exit(1 if failed else 0)


main()
