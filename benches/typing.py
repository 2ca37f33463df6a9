#!/usr/bin/env python3
"""Types into programs through `presync lsp` and prints how long the diagnostics take.

Measured from the moment `didChange` is written to the last byte of the diagnostics that belong to it, as an editor sees it:
the pipe, reading, checking, and writing are included, and nothing is delayed. Prints median, p99, maximum and memory.
Usage: typing.py [--edits N] [PRESYNC]    (default: 300 edits, and a `dist` build)
"""
import argparse
import json
import pathlib
import queue
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
SIZES = {200: 5, 10_000: 268}


class Editor:
    """A client that publishes changes and waits for diagnostics."""

    def __init__(self, presync, folder):
        self.process = subprocess.Popen([presync, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.messages = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()
        self.id = 0
        self.request("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": {}})
        self.notify("initialized", {})

    def read(self):
        while header := self.process.stdout.readline():
            length = int(header.split(b":")[1])
            while self.process.stdout.readline().strip():
                pass
            body = self.process.stdout.read(length)
            self.messages.put((time.perf_counter(), json.loads(body)))

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        start = time.perf_counter()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()
        return start

    def notify(self, method, params):
        return self.send({"method": method, "params": params})

    def request(self, method, params):
        self.id += 1
        start = self.send({"id": self.id, "method": method, "params": params})
        while True:
            at, message = self.messages.get(timeout=60)
            if message.get("id") == self.id and "method" not in message:
                return at - start, message.get("result")

    def diagnostics(self, version):
        while True:
            at, message = self.messages.get(timeout=60)
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"].get("version") == version:
                return at, message["params"]["diagnostics"]

    def memory(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


def typed(presync, profiles, edits):
    """The seconds of each edit, the lines of the program, and the memory at the start and at the end."""
    text = subprocess.run([sys.executable, ROOT / "benches/programs.py", "site", str(profiles)], check=True,
                          capture_output=True, text=True).stdout
    lines = text.split("\n")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "site.presync"
        path.write_text(text)
        editor = Editor(presync, path.parent)
        uri = path.as_uri()
        editor.notify("textDocument/didOpen", {"textDocument": {"uri": uri, "languageId": "presync", "version": 0, "text": text}})
        editor.diagnostics(0)
        start, seconds = editor.memory(), []
        rules = [number for number, line in enumerate(lines) if " -> lync " in line]
        randomly = random.Random(1)
        version = 0
        while len(seconds) < edits:
            # Somebody changes the state of a rule letter by letter, and takes it back.
            number = randomly.choice(rules)
            line = lines[number]
            column = line.index(" -> lync ") + len(" -> lync ")
            for change in [("", 1), ("A", 0), ("u", 0), ("", 1)]:
                version += 1
                new, deleted = change
                span = {"start": {"line": number, "character": column}, "end": {"line": number, "character": column + deleted}}
                sent = editor.notify("textDocument/didChange", {
                    "textDocument": {"uri": uri, "version": version},
                    "contentChanges": [{"range": span, "text": new}]})
                at, _ = editor.diagnostics(version)
                seconds.append(at - sent)
        end = editor.memory()
        editor.request("shutdown", None)
        editor.notify("exit", None)
        editor.process.wait(10)
    return seconds, len(lines), start, end


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--edits", type=int, default=300)
    parser.add_argument("presync", nargs="?")
    arguments = parser.parse_args()
    presync = arguments.presync
    if presync is None:
        subprocess.run(["cargo", "build", "--profile", "dist", "--quiet"], cwd=ROOT, check=True)
        presync = ROOT / "target" / "dist" / "presync"
    print("| lines | median, ms | p99 | maximum | memory at first, MB | at the end |")
    print("|---|---|---|---|---|---|")
    for profiles in SIZES.values():
        seconds, lines, start, end = typed(presync, profiles, arguments.edits)
        ordered = sorted(second * 1e3 for second in seconds)
        p99 = ordered[int(len(ordered) * 0.99)]
        print(f"| {lines:,} | {statistics.median(ordered):.1f} | {p99:.1f} | {ordered[-1]:.1f} | {start:.0f} | {end:.0f} |", flush=True)


if __name__ == "__main__":
    main()
