#!/usr/bin/env python3
"""Asks a service what its OpenAPI document allows, and what it does not (schemathesis, which is installed below target/).
Usage: openapi.py [PRESYNC]    (default: as end_to_end.py)
"""
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from end_to_end import ROOT, binary, free_port  # noqa: E402

# Not every event or question of the right form names users, systems and states that exist. Without tokens, nothing is refused.
# The stream of commands has no end.
ARGUMENTS = ["--checks", "all", "--exclude-checks", "positive_data_acceptance,unsupported_method,ignored_auth", "--exclude-path",
             "/v1/commands", "--max-examples", "100", "--no-color"]


def main():
    presync = binary(sys.argv[1:])
    tool = ROOT / "target" / "tools" / "schemathesis"
    if not (tool / "bin" / "schemathesis").exists():
        subprocess.run([sys.executable, "-m", "venv", tool], check=True)
        subprocess.run([tool / "bin" / "pip", "install", "--quiet", "schemathesis"], check=True)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        command = [presync, "serve", ROOT / "examples" / "contact-centre" / "tables.json", "--listen", f"127.0.0.1:{port}",
                   "--store", f"{folder}/store", "--quiet"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as service:
            try:
                address = f"http://127.0.0.1:{port}/openapi.json"
                for _ in range(200):
                    try:
                        urllib.request.urlopen(address, timeout=1).close()
                        break
                    except OSError:
                        time.sleep(0.05)
                sys.exit(subprocess.run([tool / "bin" / "schemathesis", "run", address, *ARGUMENTS], cwd=folder).returncode)
            finally:
                service.terminate()


if __name__ == "__main__":
    main()
