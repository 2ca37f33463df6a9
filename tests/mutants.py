#!/usr/bin/env python3
"""Changes the exact core (space, diagram, compile, engine, stream) in one place at a time.

Reports the changes that no test detects. cargo-mutants lists the changes; they are all compiled into one program, each
with a switch that an environment variable turns on, which takes half an hour instead of many. Where a switch is
impossible (constants, patterns), the change is compiled separately, if it compiles at all. mutants.toml lists the
changes that are known to have no observable effect, with reasons; they are printed below their reason. Any other change
that passes all tests is printed and is an error, and so is a reason that explains no change.

Needs cargo-mutants and the Python packages tree-sitter and tree-sitter-rust. Works in a copy under target/mutants.
Usage: mutants.py [--switched] [--since COMMIT] [PART_OF_A_NAME...]    (only changes whose names contain a part:
`space/variable_order.rs`, `widen`; --switched: only those with a switch, because each of the others needs a build of its own;
--since: only those in files that differ from a commit, such as that of the last complete run)
"""
import argparse
import collections
import concurrent.futures
import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys
import time
import tomllib

import tree_sitter
import tree_sitter_rust

ROOT = pathlib.Path(__file__).resolve().parents[1]
COPY = ROOT / "target" / "mutants"
BUILD = ROOT / "target" / "mutants-build"
EXPLAINED = pathlib.Path(__file__).with_suffix(".toml")
CORE = ("src/space", "src/diagram", "src/compile", "crates/engine/src", "crates/stream/src")
# The crates that contain the core: each has its own switches.
LIBRARIES = {"presync": "src/lib.rs", "presync-engine": "crates/engine/src/lib.rs",
             "presync-stream": "crates/stream/src/lib.rs"}
# The test whose modules are run one by one. The other names in TESTS are tests themselves, or unit tests of a crate.
SUITE = "suite"
# Seconds of processor time on each of two cores after which a change counts as detected, so that other work on the machine
# detects nothing; ten times as much by the clock, because a test may also wait forever. The quick tests run first: the
# others are skipped for a change that they detect. Explained changes are tried with the quick tests only.
QUICK = {"presync": 10, "presync-engine": 10, "presync-stream": 10, "session": 15, "lapses": 10, "engine": 10, "tables": 10,
         "rows": 10, "show": 10, "events": 10, "examples": 10, "independent": 10, "exports": 10, "appendices": 10, "inputs": 20,
         "world": 20}
TESTS = {**QUICK, "explain": 20, "fixtures": 20, "prove": 20, "diagnostics": 20, "diff": 40, "coverage": 40, "check": 40,
         "cli": 40, "import": 40, "faults": 90, "lints": 90, "large": 150, "limits": 150}
SWITCH = """
/// Whether this change is switched on.
pub(crate) fn changed(number: u32) -> bool {
    static ACTIVE: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| {
        std::env::var("PRESYNC_MUTANT").ok().and_then(|number| number.parse().ok()).unwrap_or(u32::MAX)
    });
    *ACTIVE == number
}
"""


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--switched", action="store_true")
    arguments.add_argument("--since")
    arguments.add_argument("parts", nargs="*")
    arguments = arguments.parse_args()
    changes = listed()
    dropped = compiled(changes)
    wanted = {number for number, change in changes.items()
              if not arguments.parts or any(part in change["name"] for part in arguments.parts)}
    if arguments.since:
        differ = subprocess.run(["git", "diff", "--name-only", arguments.since], cwd=ROOT, check=True, capture_output=True, text=True)
        files = set(differ.stdout.split())
        wanted = {number for number in wanted if changes[number]["file"] in files}
    if arguments.switched:
        wanted -= dropped
    chosen, others = sorted(wanted - dropped), sorted(wanted & dropped)
    print(f"{len(changes)} changes, {len(dropped)} of them cannot be switched on; {len(chosen)} are tried", flush=True)
    binaries = built(TESTS)
    order = Order(binaries)
    parts = tomllib.loads(EXPLAINED.read_text())
    explained = {number: part for number in wanted for part in parts if matches(changes[number]["name"], part)}
    quick = {test: binaries[test] for test in QUICK}
    seen = unseen = 0
    known = {}

    def first(number):
        """The first test that detects a change; an explained change is tried with the quick tests only."""
        tests = quick if number in explained else binaries
        file = changes[number]["file"]
        ordered = {test: tests[test] for test in order.of(file) if test in tests}
        return tried(ordered, number, lambda test, failed: order.learn(file, test, failed))

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        running = {threads.submit(first, number): number for number in chosen}
        results = ((running[done], done.result()) for done in concurrent.futures.as_completed(running))
        for number, test in itertools.chain(results, alone(changes, others, explained)):
            name = changes[number]["name"]
            if test:
                seen += 1
                if seen % 100 == 0:
                    print(f"{seen} are seen", flush=True)
            elif number in explained:
                known.setdefault(explained[number], []).append(name)
            else:
                unseen += 1
                print(name, flush=True)
    for part, names in known.items():
        print(f"{parts[part]}: {part!r}", *names, sep="\n    ")
    # Only a complete run shows which explanations are needed.
    idle = [] if len(wanted) < len(changes) else sorted(parts.keys() - known.keys())
    print(*(f"explains nothing: {part!r}" for part in idle), sep="\n")
    print(f"{seen} are seen, {sum(map(len, known.values()))} are not and explained, {unseen} are not")
    sys.exit(unseen > 0 or bool(idle))


class Order:
    """The order in which tests are tried on a change of a file: those first that detect the most in the least time."""

    def __init__(self, binaries):
        self.seconds, self.tried, self.found = {}, collections.Counter(), collections.Counter()
        for test, words in binaries.items():
            from_ = time.monotonic()
            assert tried({test: words}, None) is None, f"without a change {test} fails"
            self.seconds[test] = time.monotonic() - from_

    def of(self, file):
        def rate(test):
            # As if every test had been tried once on each file, with as much success as on all files.
            everywhere = (self.found[None, test] + 1) / (self.tried[None, test] + 2)
            return (self.found[file, test] + everywhere) / (self.tried[file, test] + 1) / (self.seconds[test] + 0.1)

        return sorted(self.seconds, key=rate, reverse=True)

    def learn(self, file, test, failed):
        for place in (file, None):
            self.tried[place, test] += 1
            self.found[place, test] += failed


def alone(changes, numbers, explained):
    """The changes that compile as separate programs, with the first test that detects each."""
    # Replaced results of functions already had a switch: if they did not compile there, they do not compile here.
    for number in (number for number in numbers if changes[number]["genre"] != "FnValue"):
        change = changes[number]
        rewriter = Rewriter((ROOT / change["file"]).read_bytes(), parser())
        start, end = (rewriter.offset(change["span"][side]) for side in ("start", "end"))
        switched = (COPY / change["file"]).read_text()
        plain = rewriter.source
        (COPY / change["file"]).write_bytes(plain[:start] + change["replacement"].encode() + plain[end:])
        # `cargo check` misses some errors, such as a shift that overflows.
        build = subprocess.run(["cargo", "build", *packages(), "--lib"], cwd=COPY, env=environment(), capture_output=True)
        if build.returncode == 0:
            test = tried(built(QUICK), None)
            yield number, test or (None if number in explained else tried(built(TESTS), None))
        (COPY / change["file"]).write_text(switched)


def listed():
    """The changes by number."""
    files = [word for part in CORE for word in ("-f", f"{part}/**")]
    output = subprocess.run(["cargo", "mutants", "--list", "--json", "--workspace", *files], cwd=ROOT, check=True, capture_output=True)
    return dict(enumerate(json.loads(output.stdout)))


def matches(name, part):
    """Whether a name contains a part. Names are like `src/space/variable_order.rs:20:34: replace / with * in arrange`;
    the position is ignored."""
    return part in without_place(name)


def without_place(name):
    return re.sub(r":\d+:\d+:", ":", name)


def compiled(changes):
    """Writes the copy and drops the changes that cause compiler errors; returns the changes without a switch."""
    shutil.rmtree(COPY, ignore_errors=True)
    ignored = shutil.ignore_patterns("target", ".git", "corpus")
    shutil.copytree(ROOT, COPY, ignore=ignored)
    for file in LIBRARIES.values():
        library = (ROOT / file).read_text()
        library = library.replace("#![forbid(unsafe_code)]", "#![forbid(unsafe_code)]\n#![allow(warnings)]")
        (COPY / file).write_text(library + SWITCH)
    # The first difference is enough: do not shrink the program.
    independent = COPY / "tests" / "independent" / "main.rs"
    found = "    if let Some((spec, seed, difference)) = failure {\n"
    assert found in independent.read_text()
    independent.write_text(independent.read_text().replace(found, found + "        std::process::exit(101);\n"))
    dropped = set()
    while True:
        missing = switched(changes, dropped)
        check = subprocess.run(["cargo", "check", "--keep-going", *packages(), "--lib", "--message-format=json"], cwd=COPY, env=environment(),
                               capture_output=True, text=True)
        if check.returncode == 0:
            return dropped | missing
        wrong = set().union(*(blamed(json.loads(line)) for line in check.stdout.splitlines()))
        assert wrong, check.stderr
        dropped |= wrong


def blamed(message):
    """The change that causes a compiler error: the last one before the error on its line."""
    message = message.get("message")
    if not isinstance(message, dict) or message["level"] != "error":
        return set()
    for span in sorted(message["spans"], key=lambda span: not span["is_primary"]):
        text = (COPY / span["file_name"]).read_bytes()
        line = text[text.rfind(b"\n", 0, span["byte_start"]) + 1:text.find(b"\n", span["byte_start"])]
        before = text[text.rfind(b"\n", 0, span["byte_start"]) + 1:span["byte_end"]]
        whole = re.match(rb"if crate::changed\((\d+)\) \{ return", line)
        found = [whole[1]] if whole else re.findall(rb"crate::changed\((\d+)\)", before)
        if found:
            return {int(found[-1])}
        # A replaced result of a function: blame the last one before the error.
        inside = re.findall(rb"\nif crate::changed\((\d+)\) \{ return", text[:span["byte_end"]])
        if inside:
            return {int(inside[-1])}
    return set()


def packages():
    return [word for package in LIBRARIES for word in ("-p", package)]


def parser():
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_rust.language()))


def switched(changes, dropped):
    """Rewrites the files of the copy; returns the changes that cannot have a switch."""
    missing = set()
    for file in sorted({change["file"] for change in changes.values()}):
        here = {number: change for number, change in changes.items() if change["file"] == file and number not in dropped}
        rewriter = Rewriter((ROOT / file).read_bytes(), parser())
        missing |= {number for number, change in here.items() if not rewriter.add(number, change)}
        (COPY / file).write_text(rewriter.text())
    return missing


class Rewriter:
    """Rewrites one file so that each of its changes has a switch."""

    def __init__(self, source, parser):
        self.source, self.root = source, parser.parse(source).root_node
        self.starts = [0]
        for line in source.split(b"\n"):
            self.starts.append(self.starts[-1] + len(line) + 1)
        # The nodes that can be changed, by genre and by the position that cargo-mutants reports.
        self.places = {"BinaryOperator": {}, "UnaryOperator": {}, "MatchArmGuard": {}, "MatchArm": {}}
        self.bodies = []
        self.edits = {}
        self.collect(self.root)

    def collect(self, node):
        if node.type in ("binary_expression", "compound_assignment_expr"):
            self.places["BinaryOperator"][node.child_by_field_name("operator").start_byte] = node
        elif node.type == "unary_expression":
            self.places["UnaryOperator"][node.start_byte] = node
        elif node.type == "match_arm":
            pattern = node.child_by_field_name("pattern")
            self.places["MatchArm"][node.start_byte] = pattern
            if condition := pattern.child_by_field_name("condition"):
                self.places["MatchArmGuard"][condition.start_byte] = condition
        elif node.type == "function_item" and node.child_by_field_name("body"):
            self.bodies.append(node.child_by_field_name("body"))
        for child in node.children:
            self.collect(child)

    def offset(self, place):
        start = self.starts[place["line"] - 1]
        line = self.source[start:self.starts[place["line"]]].decode()
        return start + len(line[:place["column"] - 1].encode())

    def add(self, number, change):
        start = self.offset(change["span"]["start"])
        if change["genre"] == "FnValue":
            around = [body for body in self.bodies if body.start_byte <= start <= body.end_byte]
            node = max(around, key=lambda body: body.start_byte, default=None)
        else:
            node = self.places.get(change["genre"], {}).get(start)
        if node is None:
            return False
        # A guard can also be an operator that is changed.
        self.edits.setdefault((node.start_byte, node.end_byte, change["genre"]), []).append((number, change["replacement"]))
        return True

    def text(self):
        return self.source[:self.root.start_byte].decode() + self.inner(self.root) + self.source[self.root.end_byte:].decode()

    def raw(self, node):
        return self.source[node.start_byte:node.end_byte].decode()

    def inner(self, node):
        if not node.children:
            return self.raw(node)
        parts, at = [], node.start_byte
        for child in node.children:
            parts += [self.source[at:child.start_byte].decode(), self.render(child)]
            at = child.end_byte
        return "".join(parts) + self.source[at:node.end_byte].decode()

    def render(self, node):
        text = self.inner(node)

        def edits(genre):
            return self.edits.get((node.start_byte, node.end_byte, genre), [])

        def behind_switches(text, changed):
            # Only the unchanged text contains further changes, so that the size stays linear in their number.
            return f"({''.join(f'if crate::changed({n}) {{ {other} }} else ' for n, other in changed)}{{ {text} }})"

        if node.type == "block" and edits("FnValue"):
            returns = (f"\nif crate::changed({n}) {{ return {'' if value == '()' else value}; }}\n"
                       for n, value in edits("FnValue"))
            text = "{" + "".join(returns) + text[1:]
        if node.type in ("binary_expression", "compound_assignment_expr") and edits("BinaryOperator"):
            left, right = (self.raw(node.child_by_field_name(side)) for side in ("left", "right"))
            text = behind_switches(text, [(n, f"({left}) {other} ({right})") for n, other in edits("BinaryOperator")])
        if node.type == "unary_expression" and edits("UnaryOperator"):
            text = behind_switches(text, [(n, self.raw(node.children[-1])) for n, _ in edits("UnaryOperator")])
        if edits("MatchArmGuard") and node.parent.type == "match_pattern":
            text = behind_switches(text, edits("MatchArmGuard"))
        if node.type == "match_pattern" and edits("MatchArm"):
            off = " && ".join(f"!crate::changed({n})" for n, _ in edits("MatchArm"))
            condition = node.child_by_field_name("condition")
            if condition:
                pattern = self.source[node.start_byte:condition.start_byte].decode()
                text = f"{pattern}{off} && ({self.render(condition)})"
            else:
                text = f"{text} if {off}"
        return text


def environment(number=None):
    changed = {} if number is None else {"PRESYNC_MUTANT": str(number)}
    return {**os.environ, **changed, "CARGO_TARGET_DIR": str(BUILD), "CARGO_INCREMENTAL": "0", "RUST_BACKTRACE": "0",
            "INSTA_UPDATE": "no"}


def built(tests):
    """The command of each test, by the name of the test."""
    # The unit tests of the crates, and the tests that run the tool.
    commands = [[*packages(), "--lib"], ["-p", "presync-cli", "--bins", "--test", SUITE, *(
        word for test in tests if test in ("independent", "faults", "world") for word in ("--test", test))]]
    found = {}
    for words in commands:
        command = ["cargo", "test", "--quiet", "--no-run", "--message-format=json", *words]
        output = subprocess.run(command, cwd=COPY, env=environment(), check=True, stdout=subprocess.PIPE, text=True)
        for message in map(json.loads, output.stdout.splitlines()):
            if message.get("executable") and message["target"]["kind"] != ["bin"] and message["profile"]["test"]:
                found[message["target"]["name"].replace("_", "-")] = message["executable"]
    words = {test: [found[test]] if test in found else [found[SUITE], f"{test}::"] for test in tests}
    for test, command in words.items():
        tests_in_it = subprocess.run([*command, "--list"], check=True, capture_output=True, text=True).stdout
        assert ": test" in tests_in_it, f"no test has the name {test}"
    return words


def tried(binaries, number, learn=lambda test, failed: None):
    """The first test that detects a change, if any."""
    for test, words in binaries.items():
        def limit(seconds=2 * TESTS[test]):
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))

        few = {"PRESYNC_PROGRAMS": "150"} if test == "independent" else {}
        # One failure is enough: `--fail-fast` is not stable yet.
        words = [*words, "-Zunstable-options", "--fail-fast"]
        process = subprocess.Popen(words, cwd=COPY / "crates" / "cli", env={**environment(number), **few, "RUSTC_BOOTSTRAP": "1"},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True, preexec_fn=limit)
        try:
            failed = process.wait(10 * TESTS[test]) != 0
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()
            failed = True
        learn(test, failed)
        if failed:
            return test
    return None


if __name__ == "__main__":
    main()
