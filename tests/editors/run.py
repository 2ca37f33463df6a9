#!/usr/bin/env python3
"""Runs the language server under real clients: pytest-lsp with the abilities of three editors, and Neovim.

Installs what is missing below target/editors. Usage: run.py [PRESYNC]    (default: the debug build, which is built)
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import venv

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = ROOT / "tests" / "editors"
TOOLS = ROOT / "target" / "editors"


def python():
    """A Python with the packages of requirements.txt."""
    wanted = (HERE / "requirements.txt").read_text()
    stamp = TOOLS / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        venv.create(TOOLS / "venv", with_pip=True, clear=True)
        subprocess.run([TOOLS / "venv/bin/pip", "install", "--quiet", "-r", HERE / "requirements.txt"], check=True)
        stamp.write_text(wanted)
    return TOOLS / "venv/bin/python"


def neovim(presync):
    """Opens a project in Neovim, without a screen, and does what people do."""
    if shutil.which("nvim") is None:
        subprocess.run("apt-get update -q && apt-get install -y -q neovim", shell=True, check=True)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for example in (ROOT / "examples" / "large-site").glob("*.presync"):
            shutil.copy(example, folder)
        environment = {**os.environ, "PRESYNC": str(presync), "XDG_CONFIG_HOME": str(folder / "config"),
                       "XDG_DATA_HOME": str(folder / "data"), "XDG_CACHE_HOME": str(folder / "cache"),
                       "XDG_STATE_HOME": str(folder / "state")}
        done = subprocess.run(["nvim", "--headless", "--clean", "-l" if has_l() else "-S", HERE / "neovim.lua"], cwd=folder,
                              env=environment, timeout=120, capture_output=True, text=True)
        print(done.stdout + done.stderr)
        if done.returncode != 0:
            sys.exit("Neovim: failed")
        # The rename reached both files.
        for name in ("large-site.presync", "site.presync"):
            text = (folder / name).read_text()
            assert "elsewhere" in text and "cic gone" not in text and "cic.gone" not in text, name
        print("Neovim: passed")


def has_l():
    """Whether this Neovim runs a script with -l (0.9 and later)."""
    version = subprocess.run(["nvim", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return tuple(map(int, version.lstrip("v").split("-")[0].split(".")))[:2] >= (0, 9)


def main():
    if sys.argv[1:]:
        presync = pathlib.Path(sys.argv[1]).resolve()
    else:
        # As the tests build it: `cargo build` would choose other features.
        subprocess.run(["cargo", "test", "--no-run", "--locked", "--quiet"], cwd=ROOT, check=True)
        presync = ROOT / "target" / "debug" / "presync"
    environment = {**os.environ, "PRESYNC": str(presync)}
    subprocess.run([python(), "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE], cwd=HERE, env=environment, check=True)
    neovim(presync)


if __name__ == "__main__":
    main()
