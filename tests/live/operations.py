#!/usr/bin/env python3
"""Operates a service as a site does: its program, users and links change while it runs, its log is JSON, Prometheus reads its metrics,
commands are written down, and no secret is shown. Usage: operations.py [PRESYNC]    (default: as end_to_end.py)
"""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from end_to_end import ROOT, free_port  # noqa: E402

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
TOKEN = "token-of-the-adapter-0123456789"

PROGRAM = """
system pbx { state Free  state Away }
system door { state Open  state Shut }
profile "P" { pbx Free -> door Open  pbx Away -> door %s  door otherwise -> pbx unchanged }
"""

ADAPTER = """
import json, sys
print(json.dumps({"user": "17", "observe": {"pbx": "Free"}}), flush=True)
for line in sys.stdin:
    command = json.loads(line)
    if "number" in command:
        print(json.dumps({"done": command["number"]}), flush=True)
"""


class Site:
    def __init__(self, presync, folder):
        self.presync, self.folder, self.port = presync, folder, free_port()

    def start(self):
        command = [self.presync, "serve", "--config", self.folder / "live.toml", "--listen", f"127.0.0.1:{self.port}",
                   "--tokens", self.folder / "tokens", "--log-format", "json", "--quiet"]
        self.log = open(self.folder / "serve.log", "ab")
        self.process = subprocess.Popen(command, stderr=self.log)
        self.until("it answers", lambda: self.ask("/health/ready", wanted=None) is not None)

    def ask(self, path, body=None, wanted=200):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body and json.dumps(body).encode(),
                                         {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                text = answer.read().decode()
                return json.loads(text) if text[:1] in ("{", "[") else text
        except urllib.error.HTTPError as error:
            assert wanted is None, (path, error.read())
        except OSError:
            return None

    def until(self, what, condition):
        for _ in range(400):
            assert self.process.poll() is None, (self.folder / "serve.log").read_text()
            if condition():
                print(f"{what}: passed")
                return
            time.sleep(0.05)
        raise AssertionError(f"{what}: not in 20 s\n" + (self.folder / "serve.log").read_text())

    def decided(self):
        asked = {"states": {}, "change": {"pbx": "Away"}}
        decisions = self.ask("/v1/decide", asked)
        return json.dumps(decisions)


def main():
    presync = sys.argv[1] if sys.argv[1:] else None
    if presync is None:
        subprocess.run(["cargo", "build", "--locked", "--quiet", "-p", "presync-cli", "--features", "serve"], cwd=ROOT, check=True)
        presync = ROOT / "target" / "debug" / "presync"
    with tempfile.TemporaryDirectory() as folder:
        site = Site(presync, pathlib.Path(folder))
        try:
            play(site)
        finally:
            site.process.kill()
            site.process.wait()


def play(site):
    folder = site.folder
    # As Kubernetes mounts settings: a link to a folder, which is replaced by another one.
    for name, target in (("first", "Shut"), ("second", "Open")):
        (folder / name).mkdir()
        (folder / name / "site.presync").write_text(PROGRAM % target)
    os.symlink("first", folder / "program")
    (folder / "users.csv").write_text("user,pbx\nann,17\n")
    (folder / "adapter.py").write_text(ADAPTER)
    (folder / "tokens").write_text(f"{TOKEN} admin\n")
    (folder / "webhook-secret").write_text(f"whsec_{SECRET}\n")
    (folder / "live.toml").write_text(f"""
program = "program/site.presync"
users = "users.csv"

[audit]
path = "audit"

[systems.pbx]
connector = "exec"
command = ["{sys.executable}", "adapter.py"]

[systems.door]
connector = "webhook"
url = "http://127.0.0.1:9/"
listen = "127.0.0.1:{free_port()}"
secret = {{ file = "webhook-secret" }}
""")
    site.start()
    before = site.decided()
    assert "Shut" in before, before

    os.symlink("second", folder / "new")
    os.replace(folder / "new", folder / "program")
    site.until("a link that leads elsewhere is followed", lambda: "Open" in site.decided())
    (folder / "second" / "site.presync").write_text(PROGRAM % "Shut")
    site.until("a program that changes is reloaded", lambda: "Shut" in site.decided())
    (folder / "second" / "site.presync").write_text(PROGRAM % "Shutt")
    site.until("an error keeps the old program", lambda: "problem" in site.ask("/health/ready"))
    assert "Shut" in site.decided()
    (folder / "second" / "site.presync").write_text("system pbx { state Free }\nprofile \"P\" { pbx otherwise -> pbx unchanged }\n")
    (folder / "second" / "site.presync").write_text(PROGRAM.replace("door", "gate") % "Shut")
    site.until("a program without a connected system is refused",
               lambda: "unknown system `door`" in site.ask("/health/ready").get("problem", ""))
    (folder / "second" / "site.presync").write_text(PROGRAM % "Shut")
    site.until("a repaired program is reloaded", lambda: "problem" not in site.ask("/health/ready"))
    (folder / "users.csv").write_text("user,pbx,door\nann,17,d\n")
    site.until("new users are connected", lambda: site.ask("/v1/users/ann", wanted=None) is not None)

    site.ask("/v1/events", {"user": "ann", "change": {"pbx": "Away"}, "id": 7})
    today = time.strftime("%Y-%m-%d", time.gmtime())
    *_, line = (folder / "audit" / f"audit.{today}.jsonl").read_text().splitlines()
    line = json.loads(line)
    assert (line["user"], line["set"], line["cause"]) == ("ann", {"door": "Shut"}, 7) and len(line["digest"]) > 8, line
    print("the command is written down: passed")

    metrics = site.ask("/metrics")
    assert 'presync_system_connected{system="pbx"} 1' in metrics, metrics
    promtool(metrics)

    site.process.send_signal(signal.SIGTERM)
    assert site.process.wait(30) == 0
    log = (folder / "serve.log").read_text()
    entries = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert len(entries) >= 3 and all(entry["level"] and entry["timestamp"] for entry in entries), log
    everything = log + metrics + json.dumps(line)
    for secret in (SECRET, TOKEN):
        assert secret not in everything, f"{secret} is shown"
    # Only the files of secrets hold them, and no file of the store or the audit.
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in ("tokens", "webhook-secret"):
            content = file.read_bytes()
            assert SECRET.encode() not in content and TOKEN.encode() not in content, file
    print("no secret is shown: passed")


def promtool(metrics):
    """Asks Prometheus's own tool, where it is installed."""
    tool = shutil.which("promtool")
    if tool is None:
        raise AssertionError("promtool is not installed: apt-get install prometheus")
    checked = subprocess.run([tool, "check", "metrics"], input=metrics, capture_output=True, text=True)
    print(checked.stdout, checked.stderr)
    assert checked.returncode == 0
    print("promtool has nothing to say: passed")


if __name__ == "__main__":
    main()
