#!/usr/bin/env python3
"""Operates a service as a site does: its program, users and links change while it runs, its log is JSON, Prometheus reads its metrics,
commands are written down, and no secret is shown. Usage: operations.py [PRESYNC]    (default: as end_to_end.py)
"""
import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from end_to_end import ROOT, binary, free_port  # noqa: E402

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
    presync = binary(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        site = Site(presync, pathlib.Path(folder))
        try:
            play(site)
        finally:
            site.process.kill()
            site.process.wait()
        encrypted(presync, pathlib.Path(folder) / "tls")
        shadow(presync, pathlib.Path(folder) / "shadow")


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

    mistakes(site)

    metrics = site.ask("/metrics")
    assert 'presync_system_connected{system="pbx"} 1' in metrics, metrics
    promtool("check", "metrics", text=metrics)
    alerts()

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


def promtool(*words, text=None):
    """Asks Prometheus's own tool."""
    if shutil.which("promtool") is None:
        raise AssertionError("promtool is not installed: apt-get install prometheus")
    checked = subprocess.run(["promtool", *words], input=text, capture_output=True, text=True, cwd=ROOT / "deploy")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    print(f"promtool {' '.join(words)}: passed")


def alerts():
    """The alerts fire when they should, the runbook has each, and no file names a metric that there is not."""
    promtool("test", "rules", "alerts.test.yml")
    rules = (ROOT / "deploy" / "alerts.yml").read_text()
    runbook = (ROOT / "docs" / "runbook.md").read_text()
    tests = (ROOT / "deploy" / "alerts.test.yml").read_text()
    for alert in re.findall(r"alert: (\w+)", rules):
        assert f"### {alert}\n" in runbook and f"docs/runbook.md#{alert.lower()}" in rules, f"the runbook does not have {alert}"
        assert f'alertname="{alert}"' in tests, f"{alert} is not tested"
    source = (ROOT / "crates" / "service" / "src" / "metrics.rs").read_text()
    dashboard = json.loads((ROOT / "deploy" / "dashboard.json").read_text())
    for name in re.findall(r"presync_(\w+)", rules + json.dumps(dashboard)):
        name = re.sub("_(bucket|count|sum)$", "", name)
        assert f'"{name}"' in source, f"there is no metric {name}"
    print("alerts, dashboard and runbook: passed")


def mistakes(site):
    """What is wrong is said at once, and what to do."""
    config = (site.folder / "live.toml").read_text()

    def refused(settings, *words):
        (site.folder / "other.toml").write_text(settings)
        command = [site.presync, "serve", "--config", site.folder / "other.toml", *words]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=30)
        assert ended.returncode == 2, ended
        return ended.stderr

    free = f"127.0.0.1:{free_port()}"
    assert "another `presync serve` uses it" in refused(config, "--listen", free)
    store = ["--store", site.folder / "other.store"]
    assert "another program does; name another port" in refused(config, *store, "--listen", f"127.0.0.1:{site.port}")
    for program, words in (("./adaptr", "is not in the folder of the settings"), ("pyton3", "the program `pyton3` was not found")):
        wrong = re.sub('command = \\["[^"]*"', f'command = ["{program}"', config)
        assert wrong != config
        assert words in refused(wrong, "--check"), program
    print("mistakes are said: passed")


FOLLOWED = """
import json, sys, threading, time
def answer():
    for line in sys.stdin:
        pass
threading.Thread(target=answer, daemon=True).start()
done = 0
while True:
    lines = open(sys.argv[1]).read().splitlines()
    for line in lines[done:]:
        print(line, flush=True)
    done = len(lines)
    time.sleep(0.02)
"""


def shadow(presync, folder):
    """A dry run sends nothing, and says where it would have done something else than the integration that is there."""
    folder.mkdir()
    (folder / "site.presync").write_text(PROGRAM % "Shut")
    (folder / "users.csv").write_text("user,pbx,door\nann,17,d\n")
    (folder / "adapter.py").write_text(FOLLOWED)
    (folder / "live.toml").write_text('program = "site.presync"\nusers = "users.csv"\n' + "".join(
        f'[systems.{name}]\nconnector = "exec"\ncommand = ["python3", "adapter.py", "{name}"]\n' for name in ("pbx", "door")))

    def says(name, user, what, state):
        with open(folder / name, "a") as lines:
            lines.write(json.dumps({"user": user, what: {name: state}}) + "\n")

    says("pbx", "17", "observe", "Free")
    says("door", "d", "observe", "Open")
    port = free_port()
    process = subprocess.Popen([presync, "serve", "--config", folder / "live.toml", "--listen", f"127.0.0.1:{port}", "--dry-run",
                                "--store", folder / "dry-run.store", "--quiet"], stderr=subprocess.DEVNULL)
    try:
        def until(**wanted):
            found = {}
            for _ in range(200):
                with contextlib.suppress(OSError):
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/systems", timeout=5) as answer:
                        found = json.loads(answer.read())["door"]
                        if all({**found, **found["dry_run"]}[name] == value for name, value in wanted.items()):
                            return found["dry_run"]
                time.sleep(0.05)
            raise AssertionError((wanted, found))

        until(reports=1, would_set=0)
        says("pbx", "17", "change", "Away")
        until(would_set=1, shown=0)
        # The other integration does the same.
        says("door", "d", "change", "Shut")
        until(would_set=1, shown=1, not_shown=0)
        # And now it does nothing.
        says("pbx", "17", "change", "Free")
        until(would_set=2, shown=1)
        says("pbx", "17", "change", "Away")
        [difference] = until(not_shown=1)["differences"]
        assert (difference["user"], difference["would_set"], difference["shows"]) == ("ann", "Open", "Shut"), difference
        print("a dry run beside another integration: passed")
    finally:
        process.kill()
        process.wait()


def certificate(folder, name):
    """A certificate of this machine, by itself, in place of the one before."""
    for file in ("cert", "key"):
        (folder / f"new-{file}.pem").unlink(missing_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "new-key.pem",
                    "-out", folder / "new-cert.pem"], check=True, capture_output=True)
    for file in ("key", "cert"):
        os.replace(folder / f"new-{file}.pem", folder / f"{file}.pem")


def encrypted(presync, folder):
    """Requests are encrypted, and a new certificate is used without a restart."""
    folder.mkdir()
    (folder / "site.presync").write_text("system pbx { state Free }\nsystem door { state Open }\n"
                                         'profile "P" { pbx Free -> door Open  door otherwise -> pbx unchanged }\n')
    (folder / "users.csv").write_text("user,pbx\nann,17\n")
    (folder / "adapter.py").write_text(ADAPTER)
    (folder / "live.toml").write_text('program = "site.presync"\nusers = "users.csv"\n[systems.pbx]\nconnector = "exec"\n'
                                      'command = ["python3", "adapter.py"]\n'
                                      '[http]\ntls = { cert = "cert.pem", key = { file = "key.pem" } }\n')
    port = free_port()
    command = [presync, "serve", "--config", folder / "live.toml", "--listen", f"127.0.0.1:{port}", "--quiet"]
    refused = subprocess.run([*command, "--check"], capture_output=True, text=True)
    assert refused.returncode == 2 and "cert.pem" in refused.stderr, refused
    certificate(folder, "first")
    os.rename(folder / "key.pem", folder / "right.pem")
    (folder / "key.pem").write_text("this is no key\n")
    refused = subprocess.run([*command, "--check"], capture_output=True, text=True)
    assert refused.returncode == 2 and "`[http.tls]`" in refused.stderr and "this is no key" not in refused.stderr, refused
    os.rename(folder / "right.pem", folder / "key.pem")
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        def subject():
            # Only a certificate that is trusted is accepted, so this one is.
            trusted = ssl.create_default_context(cafile=folder / "cert.pem")
            with contextlib.suppress(OSError):
                with socket.create_connection(("127.0.0.1", port), 5) as plain:
                    with trusted.wrap_socket(plain, server_hostname="127.0.0.1") as stream:
                        stream.sendall(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                        assert stream.recv(100).startswith(b"HTTP/1.1 204")
                        return dict(pair[0] for pair in stream.getpeercert()["subject"])["commonName"]
            return None

        for name in ("first", "second"):
            if name == "second":
                certificate(folder, name)
            for _ in range(200):
                if subject() == name:
                    break
                time.sleep(0.05)
            assert subject() == name, name
        with contextlib.suppress(OSError, http.client.HTTPException):
            answer = urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=5)
            raise AssertionError(f"an answer that is not encrypted: {answer.status}")
        print("TLS, and a new certificate: passed")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    log = process.stderr.read().decode()
    assert "PRIVATE KEY" not in log, log


if __name__ == "__main__":
    main()
