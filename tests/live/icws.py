"""A stand-in for the web service of Genesys CIC, for tests/live/end_to_end.py: sessions with a token and a cookie, accepted requests
that end later, a subscription of statuses, and messages as server-sent events. Written from the documented shapes.
"""
import http.server
import json
import queue
import threading
import time
import uuid

STATUSES = ["Available", "At Lunch", "Do Not Disturb", "Gone Home", "Follow Up"]
TYPE = "application/vnd.inin.icws+JSON; charset=utf-8"


class Session:
    def __init__(self):
        self.id, self.csrf, self.cookie = str(uuid.uuid4().int % 10**9), uuid.uuid4().hex, uuid.uuid4().hex
        self.users, self.messages = set(), queue.Queue()


class Cic:
    """The server, with one user for each name."""

    def __init__(self, names, password):
        self.lock = threading.RLock()
        self.password, self.sessions, self.writes = password, {}, 0
        self.users = {name: {"userId": name, "statusId": "Available", "loggedIn": True, "statusChanged": self.now()} for name in names}
        handler = type("Handler", (Handler,), {"cic": self})
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.http.daemon_threads = True
        self.port = self.http.server_address[1]
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @staticmethod
    def now():
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())

    def choose(self, user, status, notes=""):
        """A person or a program sets a status."""
        with self.lock:
            known = self.users[user]
            if known["statusId"] == status and known.get("notes", "") == notes:
                # Nothing changes, and nothing is sent.
                return
            known.update(statusId=status, notes=notes, statusChanged=self.now())
            for session in self.sessions.values():
                if user in session.users:
                    self.send(session, True, [user])

    def send(self, session, is_delta, users):
        session.messages.put({
            "__type": "urn:inin.com:status:userStatusMessage", "isDelta": is_delta,
            "userStatusList": [dict(self.users[user]) for user in users],
        })

    def status(self, user):
        with self.lock:
            return self.users[user]["statusId"]

    def drop(self):
        """All sessions are lost, as by a switchover."""
        with self.lock:
            for session in self.sessions.values():
                session.messages.put(None)
            self.sessions.clear()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cic = None

    def answer(self, code, body=None, headers=()):
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(code)
        for name, value in [("Content-Type", TYPE), ("Content-Length", str(len(content))), *headers]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def refuse(self, code, kind, message):
        self.answer(code, {"errorId": f"error.{kind}", "message": message})

    def handle_request(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        path = self.path.split("?")[0].removeprefix("/icws/")
        with self.cic.lock:
            if (self.command, path) == ("POST", "connection"):
                return self.log_in(body)
            number, _, path = path.partition("/")
            session = self.cic.sessions.get(number)
            cookie = f"icws_{number}={session.cookie}" if session else None
            if not session or cookie not in (self.headers.get("Cookie") or "") or self.headers.get("ININ-ICWS-CSRF-Token") != session.csrf:
                return self.refuse(401, "request.invalidSession", "no session")
            if (self.command, path) != ("GET", "messaging/messages"):
                return self.asked(session, path, body)
        self.stream(session)

    def log_in(self, body):
        if body.get("password") != self.cic.password:
            return self.refuse(400, "request.connection.authenticationFailure", "The authentication process failed.")
        session = Session()
        self.cic.sessions[session.id] = session
        self.answer(201, {
            "csrfToken": session.csrf, "sessionId": session.id, "alternateHostList": [], "userID": body["userID"],
            "features": [{"featureId": "messaging", "version": 2}, {"featureId": "status", "version": 2}],
        }, [("Set-Cookie", f"icws_{session.id}={session.cookie}; path=/icws/{session.id}; HttpOnly")])

    def asked(self, session, path, body):
        user = path.removeprefix("status/user-statuses/")
        if (self.command, path) == ("DELETE", "connection"):
            self.cic.sessions.pop(session.id)
            session.messages.put(None)
            return self.answer(204)
        if (self.command, path) == ("PUT", "messaging/subscriptions/status/user-statuses"):
            if set(body["userIds"]) - set(self.cic.users):
                return self.refuse(404, "user.notFound", "a user is unknown")
            session.users = set(body["userIds"])
            self.cic.send(session, False, sorted(session.users))
            return self.answer(200)
        if user not in self.cic.users:
            return self.refuse(404, "notFound", path)
        if self.command == "GET":
            return self.answer(200, self.cic.users[user])
        if body.get("statusId") not in STATUSES:
            return self.refuse(400, "request.invalidRepresentation.invalidProperty", "statusId")
        request = uuid.uuid4().hex[:6]
        self.answer(202, {"requestId": request})
        self.cic.writes += 1
        self.cic.choose(user, body["statusId"], body.get("notes", ""))
        session.messages.put({
            "__type": "urn:inin.com:messaging:asyncOperationCompletedMessage", "isDelta": False, "requestId": request, "error": None,
        })

    def stream(self, session):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while True:
            try:
                message = session.messages.get(timeout=2)
                if message is None:
                    return
                text = f"event: message\ndata: {json.dumps(message)}\n\n"
            except queue.Empty:
                text = ":ping\n\n"
            try:
                self.wfile.write(text.encode())
                self.wfile.flush()
            except OSError:
                return

    do_GET = do_PUT = do_POST = do_DELETE = handle_request

    def log_message(self, *_):
        pass
