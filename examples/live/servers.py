#!/usr/bin/env python3
"""Two real servers to try `presync serve` with: prosody (XMPP) and Synapse (Matrix), on this machine only, with users `ann` and
`bob`. Everything is in the folder `servers` next to this file; delete it to begin anew. Ends with Ctrl-C.

Needs Debian's prosody, and Python's venv, into which Synapse is installed (a minute, once).
"""
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from presence import befriend

HERE = pathlib.Path(__file__).resolve().parent
USERS = ("ann", "bob")

PROSODY = """
run_as_root = true
daemonize = false
pidfile = "{folder}/prosody.pid"
data_path = "{folder}/prosody-data"
interfaces = {{ "127.0.0.1" }}
local_interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {xmpp} }}
s2s_ports = {{}}
http_ports = {{}}
https_ports = {{}}
log = {{ info = "{folder}/prosody.log" }}
modules_enabled = {{ "roster"; "saslauth"; "disco"; "presence"; "ping"; "posix" }}
modules_disabled = {{ "s2s"; "tls" }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
VirtualHost "localhost"
"""

SYNAPSE = """
enable_registration: true
enable_registration_without_verification: true
trusted_key_servers: []
presence: {{ enabled: true }}
rc_login: {{ address: {{ per_second: 100, burst_count: 100 }}, account: {{ per_second: 100, burst_count: 100 }} }}
rc_registration: {{ per_second: 100, burst_count: 100 }}
rc_presence: {{ per_user: {{ per_second: 100, burst_count: 100 }} }}
url_preview_enabled: false
federation_domain_whitelist: []
listeners:
  - {{ port: {matrix}, type: http, tls: false, bind_addresses: ["127.0.0.1"], resources: [ {{ names: [client], compress: false }} ] }}
app_service_config_files: ["{folder}/registration.yaml"]
"""

REGISTRATION = """
id: presync
url: "http://127.0.0.1:{events}"
as_token: {as_token}
hs_token: {hs_token}
sender_localpart: presync
rate_limited: false
receive_ephemeral: true
namespaces:
  users: [ {{ exclusive: false, regex: "@.*:localhost" }} ]
  rooms: []
  aliases: []
"""


def wait_for(port, what, process):
    """Until somebody listens on a port."""
    for _ in range(600):
        if process.poll() is not None:
            sys.exit(f"{what} has ended: see its log")
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    sys.exit(f"{what} does not answer on port {port}")


class Servers:
    """Both servers. `xmpp`, `matrix`: the ports they listen on; `events`: the one that Synapse sends events to."""

    def __init__(self, folder, xmpp=15222, matrix=18008, events=18019, venv=None):
        self.folder, self.xmpp, self.matrix, self.events = folder, xmpp, matrix, events
        folder.mkdir(parents=True, exist_ok=True)
        self.venv = venv or folder / "venv"
        self.running = {}
        self.prepare()

    def prepare(self):
        """Settings, users and secrets, if they are not there yet."""
        if not shutil.which("prosody"):
            sys.exit("prosody is not installed: apt-get install prosody")
        if not (self.venv / "bin" / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", self.venv], check=True)
        if subprocess.run([self.venv / "bin" / "python", "-c", "import synapse"], capture_output=True).returncode:
            print("installing Synapse")
            subprocess.run([self.venv / "bin" / "pip", "install", "--quiet", "matrix-synapse"], check=True)
        for name in ("as-token", "hs-token"):
            if not (self.folder / name).exists():
                self.write(name, secrets.token_urlsafe(32) + "\n")
        passwords = self.folder / "xmpp-passwords"
        if not passwords.exists():
            self.write("xmpp-passwords", "".join(f"{user}@localhost {secrets.token_urlsafe(16)}\n" for user in USERS))
        ports = {"folder": self.folder, "xmpp": self.xmpp, "matrix": self.matrix, "events": self.events}
        tokens = {name.replace("-", "_"): (self.folder / name).read_text().strip() for name in ("as-token", "hs-token")}
        self.write("prosody.cfg.lua", PROSODY.format(**ports))
        self.write("extra.yaml", SYNAPSE.format(**ports))
        self.write("registration.yaml", REGISTRATION.format(**ports, **tokens))
        for user, password in self.users().items():
            subprocess.run(["prosodyctl", "--config", self.folder / "prosody.cfg.lua", "--root", "register", user, "localhost",
                            password], check=True, capture_output=True)
        if not (self.folder / "homeserver.yaml").exists():
            subprocess.run([*self.synapse(), "--server-name", "localhost", "--config-path", self.folder / "homeserver.yaml",
                            "--generate-config", "--report-stats=no"], cwd=self.folder, check=True, capture_output=True)

    def users(self):
        """Their passwords."""
        lines = (self.folder / "xmpp-passwords").read_text().splitlines()
        return {user.split("@")[0]: password for user, password in map(str.split, lines)}

    def write(self, name, text):
        file = self.folder / name
        file.touch(mode=0o600)
        file.write_text(text)

    def synapse(self):
        return [self.venv / "bin" / "python", "-m", "synapse.app.homeserver"]

    def start(self, which):
        """`prosody` or `synapse`."""
        if which == "prosody":
            command, port = ["prosody", "--config", self.folder / "prosody.cfg.lua", "-F", "--root"], self.xmpp
        else:
            command, port = [*self.synapse(), "-c", "homeserver.yaml", "-c", "extra.yaml"], self.matrix
        with open(self.folder / f"{which}.out", "ab") as log:
            self.running[which] = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log)
        wait_for(port, which, self.running[which])
        if which == "synapse":
            self.register()
        else:
            befriend(self.users(), self.xmpp)

    def register(self):
        """The users in Matrix, who have the same passwords."""
        for user, password in self.users().items():
            body = {"username": user, "password": password, "auth": {"type": "m.login.dummy"}}
            request = urllib.request.Request(f"http://127.0.0.1:{self.matrix}/_matrix/client/v3/register",
                                             json.dumps(body).encode(), {"Content-Type": "application/json"})
            try:
                urllib.request.urlopen(request, timeout=20).close()
            except urllib.error.HTTPError as error:
                # The user is there already.
                assert json.loads(error.read()).get("errcode") == "M_USER_IN_USE"

    def stop(self, which):
        process = self.running.pop(which)
        process.terminate()
        process.wait()


def main():
    servers = Servers(HERE / "servers")
    try:
        for which in ("prosody", "synapse"):
            servers.start(which)
        print("""both servers run. In another terminal:

    presync serve --config examples/live/live.toml

and change a presence:

    python3 examples/live/presence.py matrix ann unavailable
    python3 examples/live/presence.py xmpp ann
""")
        while all(process.poll() is None for process in servers.running.values()):
            time.sleep(0.5)
        sys.exit("a server has ended: see its log")
    except KeyboardInterrupt:
        pass
    finally:
        for which in list(servers.running):
            servers.stop(which)


if __name__ == "__main__":
    main()
