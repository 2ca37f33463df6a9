"""An adapter for tests: what users show is in files, and other files say how to answer."""
import json
import pathlib
import sys
import threading
import time

HERE = pathlib.Path(__file__).parent
lock = threading.Lock()
told = {}


def say(line):
    with lock:
        print(json.dumps(line), flush=True)


def commands():
    for line in sys.stdin:
        command = json.loads(line)
        if "users" in command:
            continue
        user, number = command["user"], command["number"]
        with open(HERE / f"times-{user}", "a") as times:
            times.write("x")
        if (HERE / "refuse").exists() or not (HERE / f"shown-{user}").exists():
            say({"refused": number, "why": "no right"})
        elif (HERE / "busy").exists():
            say({"later": number, "why": "too many requests"})
        else:
            if not (HERE / "lose").exists():
                (HERE / f"shown-{user}.new").write_text(command["state"])
                (HERE / f"shown-{user}.new").rename(HERE / f"shown-{user}")
            say({"done": number})


threading.Thread(target=commands, daemon=True).start()
while True:
    if (HERE / "cut").exists():
        sys.exit(3)
    for file in HERE.glob("shown-*"):
        if file.suffix:
            continue
        user, state = file.name.removeprefix("shown-"), file.read_text()
        if told.get(user) != state:
            say({"user": user, ("change" if user in told else "observe"): {"pbx": state}})
            told[user] = state
    time.sleep(0.005)
