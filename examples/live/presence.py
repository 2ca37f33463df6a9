#!/usr/bin/env python3
"""Changes or shows a presence of the servers of servers.py.

Usage: presence.py xmpp|matrix ann               shows it
       presence.py xmpp ann away                 a client in XMPP shows away, until Ctrl-C
       presence.py matrix ann unavailable        sets it in Matrix
"""
import json
import pathlib
import re
import socket
import sys
import time
import urllib.parse
import urllib.request
from base64 import b64encode

FOLDER = pathlib.Path(__file__).resolve().parent / "servers"
SHOWS = {"available": "", **{show: f"<show>{show}</show>" for show in ("chat", "away", "xa", "dnd")}}


class XmppClient:
    """A client of a user, as small as can be."""

    def __init__(self, user, password, port=15222, resource="phone"):
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        self.text = ""
        header = "<stream:stream to='localhost' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
        self.send(header)
        self.wait("</stream:features>")
        plain = b64encode(f"\0{user}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>")
        self.wait("<success")
        self.send(header)
        self.wait("</stream:features>")
        self.send("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                  f"<resource>{resource}</resource></bind></iq>")
        self.wait("</iq>")

    def send(self, text):
        self.socket.sendall(text.encode())

    def wait(self, what, seconds=10):
        """The text up to this, which is taken."""
        end = time.monotonic() + seconds
        while what not in self.text:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            received = self.socket.recv(65_536).decode()
            if not received:
                raise OSError("the server has closed the stream")
            self.text += received
        before, self.text = self.text.split(what, 1)
        return before + what

    def show(self, state, priority=5):
        self.send(f"<presence>{SHOWS[state]}<priority>{priority}</priority></presence>")

    def presence(self, resource, seconds=10):
        """The next presence of a resource: its state."""
        while True:
            presence = re.search(r"<presence[^>]*/>|<presence.*?</presence>", self.text, re.S)
            if presence is None:
                self.socket.settimeout(seconds)
                received = self.socket.recv(65_536).decode()
                if not received:
                    raise OSError("the server has closed the stream")
                self.text += received
                continue
            self.text = self.text[presence.end():]
            sender = re.search(r"from=['\"][^'\"]*/([^'\"]*)", presence[0])
            if sender and sender[1] == resource:
                if "type='unavailable'" in presence[0] or 'type="unavailable"' in presence[0]:
                    return "offline"
                show = re.search(r"<show>(\w+)</show>", presence[0])
                return show[1] if show else "available"

    def forget(self, seconds=0.5):
        """Forgets what has come until nothing comes any more."""
        self.socket.settimeout(seconds)
        try:
            while self.socket.recv(65_536):
                pass
        except TimeoutError:
            self.text = ""

    def close(self):
        self.socket.close()


def befriend(users, port=15222):
    """Makes users, given with their passwords, see each other."""
    clients = {user: XmppClient(user, password, port, "befriend") for user, password in users.items()}
    for user, client in clients.items():
        client.show("available", priority=-3)
        for other in clients:
            if other != user:
                client.send(f"<presence to='{other}@localhost' type='subscribe'/>")
    for user, client in clients.items():
        for other in clients:
            if other != user:
                client.send(f"<presence to='{other}@localhost' type='subscribed'/>")
    for client in clients.values():
        client.send("<iq type='get' id='done'><ping xmlns='urn:xmpp:ping'/></iq>")
        client.wait("id='done'")
        client.close()


class MatrixClient:
    """A client of a user that does not sync."""

    def __init__(self, user, password, port=18008):
        self.base = f"http://127.0.0.1:{port}/_matrix/client/v3"
        self.user, self.token = f"@{user}:localhost", None
        login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": user}, "password": password}
        self.token = self.call("POST", "/login", login)["access_token"]

    def call(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.base + path, data, headers, method=method), timeout=20) as answer:
            return json.loads(answer.read())

    @property
    def path(self):
        return f"/presence/{urllib.parse.quote(self.user)}/status"

    def show(self, state):
        self.call("PUT", self.path, {"presence": state})

    def presence(self):
        return self.call("GET", self.path)["presence"]


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[1] not in ("xmpp", "matrix"):
        sys.exit(__doc__)
    system, user = sys.argv[1:3]
    passwords = dict(line.split() for line in (FOLDER / "xmpp-passwords").read_text().splitlines())
    password = passwords[f"{user}@localhost"]
    if system == "matrix":
        client = MatrixClient(user, password)
        if len(sys.argv) == 4:
            client.show(sys.argv[3])
        print(client.presence())
        return
    if len(sys.argv) == 3:
        # What another user sees, who watches this one.
        [watcher, secret] = next([name.split("@")[0], secret] for name, secret in passwords.items() if not name.startswith(user))
        client = XmppClient(watcher, secret, resource="watch")
        client.show("available")
        print(client.presence("presync"))
        return
    client = XmppClient(user, password)
    client.show(sys.argv[3])
    print("until Ctrl-C")
    try:
        time.sleep(86_400)
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
