#!/usr/bin/env python3
"""Sends and takes webhooks with the reference library of Standard Webhooks for JavaScript: what Presync signs it accepts, and what it
signs Presync accepts, but nothing that was changed, is late, or comes again. Installs the library below target/live.
Usage: webhooks.py [PRESYNC]    (default: as end_to_end.py)
"""
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from end_to_end import ROOT, binary, free_port  # noqa: E402

LIBRARY = "standardwebhooks@1.1.1"
SECRET = "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
PROGRAM = """
system pbx { state Free  state Away }
system door { state Open  state Shut }
profile "P" { pbx Free -> door Open  pbx Away -> door Shut  door otherwise -> pbx unchanged }
"""


def main():
    presync = binary(sys.argv[1:])
    library = ROOT / "target" / "live" / "webhooks"
    if not (library / "node_modules" / "standardwebhooks").exists():
        library.mkdir(parents=True, exist_ok=True)
        (library / "package.json").write_text('{"private": true}\n')
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent", LIBRARY], cwd=library, check=True)
    with tempfile.TemporaryDirectory() as folder:
        play(presync, pathlib.Path(folder), library)


def play(presync, folder, library):
    ports = {name: (free_port(), free_port()) for name in ("pbx", "door")}
    (folder / "site.presync").write_text(PROGRAM)
    (folder / "users.csv").write_text("user,pbx,door\nann,17,d\n")
    (folder / "secret").write_text(SECRET + "\n")
    (folder / "live.toml").write_text('program = "site.presync"\nusers = "users.csv"\n' + "".join(
        f'[systems.{name}]\nconnector = "webhook"\nurl = "http://127.0.0.1:{url}/"\nlisten = "127.0.0.1:{listen}"\n'
        'secret = { file = "secret" }\n' for name, (url, listen) in ports.items()))
    port = free_port()
    processes = {"serve": subprocess.Popen([presync, "serve", "--config", folder / "live.toml", "--listen", f"127.0.0.1:{port}", "--quiet"])}
    peers = {}
    try:
        for name, (url, listen) in ports.items():
            command = ["node", ROOT / "tests" / "live" / "webhook_peer.mjs", SECRET, str(url), f"http://127.0.0.1:{listen}/", library]
            peers[name] = processes[name] = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            assert heard(peers[name]) == {"listening": True}
        for _ in range(200):
            with contextlib.suppress(OSError):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/systems", timeout=5) as answer:
                    if all(one["connected"] for one in json.loads(answer.read()).values()):
                        break
            time.sleep(0.05)

        def send(name, **message):
            peers[name].stdin.write(json.dumps(message) + "\n")
            peers[name].stdin.flush()
            answer = heard(peers[name])
            return answer["answered"]

        assert send("door", data={"user": "d", "observe": {"door": "Open"}}) == 204
        assert send("pbx", data={"user": "17", "observe": {"pbx": "Free"}}) == 204
        for state, wanted in (("Away", "Shut"), ("Free", "Open"), ("Away", "Shut")):
            assert send("pbx", data={"user": "17", "change": {"pbx": state}}) == 204
            command = heard(peers["door"])
            assert (command["type"], command["command"]["user"], command["command"]["state"]) == ("presync.set", "d", wanted), command
            assert send("door", data={"user": "d", "change": {"door": wanted}}) == 204
        print("commands are verified, and events are taken: passed")
        # The same again is answered, and does nothing.
        assert send("pbx", again=True, data={"user": "17", "change": {"pbx": "Free"}}) == 204
        assert send("pbx", spoil=True, data={"user": "17", "change": {"pbx": "Away"}}) == 401
        assert send("pbx", late=True, data={"user": "17", "change": {"pbx": "Free"}}) == 401
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/users/ann", timeout=5) as answer:
            systems = json.loads(answer.read())["session"]["systems"]
        assert systems["pbx"]["reported"]["state"] == "Away", systems
        print("what is changed, late or repeated is not taken: passed")
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def heard(peer):
    line = peer.stdout.readline()
    assert line, "the peer has ended"
    return json.loads(line)


if __name__ == "__main__":
    main()
