#!/usr/bin/env python3
"""Synchronizes a real prosody and a real Synapse by examples/live, with real clients on both sides, and then prosody and a stand-in
for CIC.

Prints the time from a change on one side to its presence on the other, restarts each of the three, cuts connections, and counts
that no echo bounces. Usage: end_to_end.py [PRESYNC]    (default: a debug build with the feature `serve`, which is built)
"""
import contextlib
import json
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "live"
sys.path.insert(0, str(EXAMPLE))
sys.path.insert(0, str(ROOT / "tests" / "live"))

from icws import Cic  # noqa: E402
from presence import MatrixClient, XmppClient  # noqa: E402
from servers import Servers  # noqa: E402

CHANGES = 50
# Nobody changes back before the echo of a command has come back, which takes milliseconds.
PAUSE = 0.1
PAIRS = [("available", "online"), ("away", "unavailable")]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def binary(words):
    """The `presync` that the command line names, or a debug build with the service."""
    if words:
        return words[0]
    subprocess.run(["cargo", "build", "--locked", "--quiet", "-p", "presync-cli", "--features", "serve"], cwd=ROOT, check=True)
    return ROOT / "target" / "debug" / "presync"


class Network:
    """A connection between the service and a server that can be cut."""

    def __init__(self, port):
        self.target, self.pairs, self.is_up = port, [], True
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            try:
                if not self.is_up:
                    raise OSError
                far = socket.create_connection(("127.0.0.1", self.target), 5)
                far.settimeout(None)
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    @staticmethod
    def pump(one, other):
        with contextlib.suppress(OSError):
            while data := one.recv(65_536):
                other.sendall(data)
        for end in (one, other):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.is_up = False
        self.drop()

    def drop(self):
        """Cuts what is connected now; it may connect again."""
        for pair in self.pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()

    def mend(self):
        self.is_up = True


class Service:
    def __init__(self, presync, folder):
        self.presync, self.folder, self.port = presync, folder, free_port()

    def start(self):
        command = [self.presync, "serve", "--config", self.folder / "live.toml", "--listen", f"127.0.0.1:{self.port}", "--quiet"]
        self.log = open(self.folder / "serve.log", "ab")
        self.process = subprocess.Popen(command, stderr=self.log)
        self.wait_for(lambda systems: all(one["connected"] for one in systems.values()))

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return json.loads(answer.read())

    def wait_for(self, condition):
        for _ in range(600):
            assert self.process.poll() is None, (self.folder / "serve.log").read_text()
            with contextlib.suppress(OSError):
                if condition(self.ask("/v1/systems")):
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "serve.log").read_text())

    def sent(self):
        return {name: one["sent"] for name, one in self.ask("/v1/systems").items()}


class Person:
    """Ann, with a phone in XMPP and a client in Matrix; and Bob, who watches her in XMPP."""

    def __init__(self, servers):
        self.servers, self.passwords = servers, servers.users()
        self.meet()

    def meet(self):
        self.phone = XmppClient("ann", self.passwords["ann"], self.servers.xmpp)
        self.phone.show("available")
        self.bob = XmppClient("bob", self.passwords["bob"], self.servers.xmpp, "desk")
        self.bob.show("available")
        self.matrix = MatrixClient("ann", self.passwords["ann"], self.servers.matrix)

    def shows_in_matrix(self, wanted, seconds=20):
        return self.shows(self.matrix.presence, wanted, seconds)

    def shows_in_xmpp(self, wanted, seconds=20):
        return self.shows(lambda: self.bob.presence("presync", seconds), wanted, seconds)

    @staticmethod
    def shows(presence, wanted, seconds):
        """The seconds until somebody sees it."""
        start = time.monotonic()
        while time.monotonic() < start + seconds:
            with contextlib.suppress(OSError):
                if presence() == wanted:
                    return time.monotonic() - start
            time.sleep(0.002)
        raise AssertionError(f"nobody sees {wanted}")


def measured(ann, changes):
    """The times of changes on both sides. Synapse shows the highest state of all devices, and ours is one: hers is away while the
    phone changes, and ours is while hers changes.
    """
    times = {"xmpp to matrix": [], "matrix to xmpp": []}
    for number in range(changes // 2):
        show, presence = PAIRS[(number + 1) % 2]
        time.sleep(PAUSE)
        ann.phone.show(show)
        times["xmpp to matrix"].append(ann.shows_in_matrix(presence))
    for number in range(changes // 2):
        show, presence = PAIRS[number % 2]
        time.sleep(PAUSE)
        ann.matrix.show(presence)
        times["matrix to xmpp"].append(ann.shows_in_xmpp(show))
    time.sleep(PAUSE)
    ann.matrix.show("unavailable")
    return times


def play_cic(servers, service):
    """A stand-in for CIC, against prosody."""
    cic = Cic(["ann.smith", "bob"], "cic-password")
    service.folder.mkdir()
    shutil.copy(ROOT / "tests" / "live" / "contact_center.presync", service.folder)
    (service.folder / "users.csv").write_text("user,cic,xmpp\nann,ann.smith,ann@localhost\n")
    (service.folder / "password").write_text("cic-password\n")
    (service.folder / "live.toml").write_text(f"""
program = "contact_center.presync"
users = "users.csv"

[systems.cic]
connector = "icws"
servers = ["http://127.0.0.1:{cic.port}"]
user = "presync"
password = {{ file = "password" }}

[systems.xmpp]
connector = "xmpp"
server = "127.0.0.1:{servers.xmpp}"
passwords = {{ file = {json.dumps(str(servers.folder / "xmpp-passwords"))} }}
plaintext = true
""")
    ann = Person(servers)
    service.start()
    pairs = [("At Lunch", "away"), ("Do Not Disturb", "dnd"), ("Gone Home", "xa"), ("Available", "available")]
    times = {"cic to xmpp": [], "xmpp to cic": []}
    before = service.sent()
    for number in range(CHANGES // 2):
        status, show = pairs[number % 4]
        time.sleep(PAUSE)
        cic.choose("ann.smith", status)
        times["cic to xmpp"].append(ann.shows_in_xmpp(show))
    for number in range(CHANGES // 2):
        status, show = pairs[(number + 1) % 4]
        time.sleep(PAUSE)
        ann.phone.show(show)
        times["xmpp to cic"].append(ann.shows(lambda: cic.status("ann.smith"), status, 20))
    time.sleep(1)
    sent = {name: number - before[name] for name, number in service.sent().items()}
    report(times, sent)

    # What changes while all sessions are lost, on either side.
    cic.drop()
    cic.choose("ann.smith", "At Lunch")
    ann.shows_in_xmpp("away", 60)
    cic.drop()
    ann.phone.show("xa")
    ann.shows(lambda: cic.status("ann.smith"), "Gone Home", 60)
    print("lost sessions of CIC: passed")
    time.sleep(1)
    service.kill()
    cic.choose("ann.smith", "Do Not Disturb")
    service.start()
    ann.shows_in_xmpp("dnd", 60)
    print("a restart of the service with CIC: passed")


def report(times, sent):
    """Prints times, and fails if they are long or there is more than a command for a change."""
    for name, some in times.items():
        some.sort()
        print(f"{name}: {len(some)} changes, median {statistics.median(some) * 1000:.0f} ms, "
              f"p95 {some[int(len(some) * 0.95)] * 1000:.0f} ms")
        assert some[int(len(some) * 0.95)] < 1, "slower than a second"
    # One command for a change, and none for an echo.
    assert sum(sent.values()) <= CHANGES, f"echoes bounce: {sent} commands for {CHANGES} changes"
    print(f"no echo bounces: {sum(sent.values())} commands for {CHANGES} changes")


def main():
    presync = binary(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        servers = Servers(folder / "servers", free_port(), free_port(), free_port(), venv=ROOT / "target" / "live" / "venv")
        service = Service(presync, folder)
        try:
            play(servers, service, folder)
            service.kill()
            service = Service(presync, folder / "cic")
            play_cic(servers, service)
        except BaseException:
            log = service.folder / "serve.log"
            print(log.read_text() if log.exists() else "", file=sys.stderr)
            with contextlib.suppress(OSError):
                print(json.dumps(service.ask("/v1/users/ann"), indent=1), file=sys.stderr)
            raise
        finally:
            if hasattr(service, "process"):
                service.kill()
            for which in list(servers.running):
                servers.stop(which)


def play(servers, service, folder):
    for which in ("prosody", "synapse"):
        servers.start(which)
    networks = {"prosody": Network(servers.xmpp), "synapse": Network(servers.matrix)}
    for name in ("live.presync", "users.csv"):
        shutil.copy(EXAMPLE / name, folder)
    config = (EXAMPLE / "live.toml").read_text()
    ports = {"15222": networks["prosody"].port, "18008": networks["synapse"].port, "18019": servers.events}
    for before, after in ports.items():
        assert before in config
        config = config.replace(before, str(after))
    (folder / "live.toml").write_text(config)
    service.start()
    ann = Person(servers)
    ann.shows_in_matrix("online")

    # Synapse, which has been running longer, waits before it tries to reach us again.
    ann.phone.show("away")
    ann.shows_in_matrix("unavailable")
    ann.bob.forget()
    quick = 0
    for number in range(200):
        time.sleep(PAUSE)
        ann.matrix.show(PAIRS[number % 2][1])
        quick = quick + 1 if ann.shows_in_xmpp(PAIRS[number % 2][0]) < 0.5 else 0
        if quick >= 4 and number % 2:
            break
    # A command is counted when it is acknowledged.
    time.sleep(1)
    before = service.sent()
    times = measured(ann, CHANGES)
    time.sleep(1)
    sent = {name: number - before[name] for name, number in service.sent().items()}
    report(times, sent)

    # A choice in Matrix outlives a restart, although her phone shows something else.
    ann.matrix.show("online")
    ann.shows_in_xmpp("available")
    time.sleep(1)
    service.kill()
    service.start()
    time.sleep(3)
    assert sum(service.sent().values()) == 0, f"{service.sent()} commands after a restart without a change"
    ann.shows_in_matrix("online", 1)
    ann.matrix.show("unavailable")
    ann.shows_in_xmpp("away")
    print("a restart without a change: passed")

    # The phone was last, so the command before it counts no more when its user logs in again.
    ann.phone.show("chat")
    ann.shows_in_matrix("online")
    time.sleep(1)
    before = service.sent()
    networks["prosody"].drop()
    time.sleep(3)
    assert service.sent() == before, f"{before} became {service.sent()} by new connections without a change"
    ann.shows_in_matrix("online", 1)
    print("new connections without a change: passed")
    ann.phone.show("away")
    ann.shows_in_matrix("unavailable")
    # The command is acknowledged.
    time.sleep(1)

    # Each is gone while the other side changes.
    service.kill()
    ann.phone.show("available")
    service.start()
    ann.shows_in_matrix("online")
    print("a restart of the service: passed")

    for which in ("prosody", "synapse"):
        networks[which].cut()
        ann.phone.show("away" if which == "prosody" else "available")
        time.sleep(1)
        networks[which].mend()
        ann.shows_in_matrix("unavailable" if which == "prosody" else "online", 60)
        print(f"no network to {which}: passed")

    servers.stop("synapse")
    ann.phone.show("away")
    time.sleep(1)
    servers.start("synapse")
    ann.shows_in_matrix("unavailable", 60)
    print("a restart of Synapse: passed")

    servers.stop("prosody")
    with contextlib.suppress(OSError):
        ann.phone.close()
    time.sleep(1)
    servers.start("prosody")
    service.wait_for(lambda systems: systems["xmpp"]["connected"])
    ann.meet()
    ann.phone.show("available")
    ann.shows_in_matrix("online", 60)
    ann.phone.show("away")
    ann.shows_in_matrix("unavailable", 60)
    ann.matrix.show("online")
    ann.shows_in_xmpp("available", 60)
    print("a restart of prosody: passed")


if __name__ == "__main__":
    main()
