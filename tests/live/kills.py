#!/usr/bin/env python3
"""Kills `presync serve` at random moments under load, and lets its disk be full. Afterwards every user has the session that an
undisturbed service has, and an adapter has carried out the newest command of each user and system.

Senders repeat what was not answered, so an event may come twice; an adapter carries out a command before it acknowledges, so a
command may come twice. Usage: kills.py [--kills N] [PRESYNC]    (default: 10; a debug build with the feature `serve`, which is built)
"""
import argparse
import json
import os
import pathlib
import random
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from end_to_end import ROOT, binary  # noqa: E402

PROGRAM = ROOT / "examples" / "contact-centre"
USERS, EVENTS, SENDERS, BATCH = 40, 6_000, 4, 25


running = []


def end(code):
    """Ends the run and what it started."""
    for process in running:
        process.kill()
    os._exit(code)


class Service:
    """A service that can be killed and started again on the same store."""

    def __init__(self, presync, store, most_bytes=None):
        self.most_bytes = most_bytes
        self.refused = threading.Event()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.command = [presync, "serve", PROGRAM, "--quiet", "--listen", f"127.0.0.1:{self.port}", "--store", store]
        self.start()

    def start(self):
        def full():
            # As on a full disk: writing fails, and the process goes on.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.most_bytes, resource.RLIM_INFINITY))

        self.process = subprocess.Popen(self.command, stderr=subprocess.PIPE, preexec_fn=full if self.most_bytes else None)
        running.append(self.process)
        for _ in range(500):
            if self.process.poll() is not None:
                sys.exit(f"the service does not start: {self.process.stderr.read().decode()}")
            try:
                return self.ask("GET", "/health/ready")
            except OSError:
                time.sleep(0.02)
        sys.exit("the service does not answer")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, method, path, body=None, kind="application/json"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body, method=method,
                                         headers={"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read()

    def repeated(self, *request, **more):
        """Asks until there is an answer."""
        while True:
            try:
                return self.ask(*request, **more)
            except urllib.error.HTTPError as error:
                assert error.code == 503, error.read()
                self.refused.set()
                time.sleep(0.02)
            except OSError:
                time.sleep(0.02)


def events():
    """The events of each user, in order, each with its own time."""
    randomly = random.Random(5)
    tables = json.loads((PROGRAM / "tables.json").read_text())
    states = {system["name"]: [state.get("id", state["name"]) for state in system["states"]] for system in tables["systems"]}
    roles = [role["name"] for role in tables["roles"]]
    of_users = []
    for user in range(USERS):
        times = (f"2026-11-30T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z" for second in range(86_400))
        of_user = [{"role": roles[user % len(roles)], "at": next(times), "set": {
            "user_type": "enterprise_voice", "cic_logged_in": True, "lync_logged_in": True}}]
        while len(of_user) < EVENTS // USERS:
            system = randomly.choice(sorted(states))
            event = {"at": next(times)}
            if randomly.random() < 0.1:
                event["set"] = {"lync_logged_in": randomly.random() < 0.5}
            else:
                event["observe" if randomly.random() < 0.1 else "change"] = {system: randomly.choice(states[system])}
            of_user.append(event)
        # In the end most users wait for a command that nobody has confirmed.
        of_user.append({"at": next(times), "set": {"cic_logged_in": True, "lync_logged_in": True}})
        of_user += [{"at": next(times), "change": {"cic": state}} for state in ("Available", "At Lunch")]
        of_users.append([json.dumps({"user": f"user {user}", **event}) for event in of_user])
    return of_users


def run(presync, store, of_users, kills, most_bytes=None):
    """What the users and an adapter have in the end, and the number of kills."""
    service = Service(presync, store, most_bytes)
    sending = threading.Event()
    sending.set()

    def send(own):
        # A part of each user in turn, so that many wait together.
        while any(own):
            batch = []
            for of_user in own:
                batch += of_user[:BATCH // len(own) + 1]
                del of_user[:BATCH // len(own) + 1]
            answers = service.repeated("POST", "/v1/events", "\n".join(batch).encode(), kind="application/x-ndjson")
            assert len(answers.splitlines()) == len(batch)

    shown = {}

    def adapt():
        while True:
            claimed = json.loads(service.repeated("POST", "/v1/commands/claim", b'{"most": 50}'))
            for command in claimed:
                [(system, state)] = command["set"].items()
                before = shown.get((command["user"], system), (0, None))
                assert command["number"] >= before[0], "an older command came after a newer one"
                shown[command["user"], system] = (command["number"], state, command["append"])
                body = json.dumps({"user": command["user"], "number": command["number"]}).encode()
                service.repeated("POST", "/v1/commands/acknowledge", body)
            if not claimed and not sending.is_set():
                return
            time.sleep(0.005)

    rest = [list(of_user) for of_user in of_users]
    threads = [threading.Thread(target=send, args=(rest[number::SENDERS],)) for number in range(SENDERS)]
    adapter = threading.Thread(target=adapt)
    for thread in [*threads, adapter]:
        thread.start()
    randomly, killed = random.Random(), 0
    while killed < kills and any(thread.is_alive() for thread in threads):
        time.sleep(randomly.uniform(0.0, 0.15))
        service.kill()
        killed += 1
        service.start()
    if most_bytes:
        assert service.refused.wait(30), "the disk was never full"
        try:
            service.ask("GET", "/health/ready")
            sys.exit("a service that cannot write says that it is ready")
        except urllib.error.HTTPError as error:
            assert error.code == 503
        # Somebody makes room; nobody starts the service again.
        resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    for thread in threads:
        thread.join()
    sending.clear()
    adapter.join()
    users = {}
    for user in range(USERS):
        record = json.loads(service.repeated("GET", f"/v1/users/user%20{user}"))
        assert "waiting" not in record, record["waiting"]
        users[user] = record["session"]
    service.ask("GET", "/health/ready")
    service.kill()
    # What was confirmed or overruled by hand is carried out or not, by chance.
    waits = lambda user, system: "unconfirmed" in users[int(user.split()[1])]["systems"][system]
    return users, {place: command[1:] for place, command in shown.items() if waits(*place)}, killed


def compared(found, expected, what):
    """Ends the run if something is different."""
    users, shown, _ = found
    for user, session in expected[0].items():
        if users[user] != session:
            sys.exit(f"{what}: user {user} has another session\n{users[user]}\n{session}")
    if shown != expected[1]:
        sys.exit(f"{what}: the adapter shows something else: {set(shown.items()) ^ set(expected[1].items())}")


def main():
    # What fails in a thread ends the run.
    threading.excepthook = lambda failure: (sys.__excepthook__(*failure[:3]), end(1))
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("presync", nargs="?")
    arguments = parser.parse_args()
    presync = binary([arguments.presync] if arguments.presync else [])
    of_users = events()
    killed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        expected = run(presync, folder / "calm", of_users, 0)
        assert len(expected[1]) > USERS / 4, "the events lead to few commands"
        while killed < arguments.kills:
            found = run(presync, folder / f"store {killed}", of_users, arguments.kills - killed)
            killed += found[2]
            compared(found, expected, "kills")
        compared(run(presync, folder / "full", of_users, 0, most_bytes=200_000), expected, "a full disk")
    print(f"{killed} kills under load, and a full disk: {USERS} users have the sessions of an undisturbed service, and "
          f"{len(expected[1])} systems of users show their newest command")


if __name__ == "__main__":
    try:
        main()
    except BaseException as error:
        print(error, file=sys.stderr)
        end(1)
