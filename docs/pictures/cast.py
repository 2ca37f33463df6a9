#!/usr/bin/env python3
"""Draws docs/pictures/cast.svg: a wrong rule, its conflict, the fix, and the difference, as a terminal shows them.

Runs the commands for real, in a temporary git repository. Needs the Python package rich, and a built presync.
Usage: cast.py [--check]    (--check: fails if the committed picture is not what the commands print today)
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from rich.console import Console
from rich.text import Text

ROOT = pathlib.Path(__file__).resolve().parents[2]
PICTURE = pathlib.Path(__file__).with_name("cast.svg")
PRESYNC = pathlib.Path(os.environ.get("PRESYNC", ROOT / "target" / "release" / "presync"))
COLUMNS, LINES, SECONDS = 92, 18, 6

BEFORE = """\
use cic_lync

profile "Voice" when both_logged_in {
    cic "At Lunch" | "Gone Home" -> lync Away
    cic otherwise -> lync unchanged
    lync otherwise -> cic unchanged
}
"""
RULE = '    when in_queue: cic "At Lunch" -> lync "Be Right Back"\n'
WRONG = BEFORE.replace("    cic otherwise", RULE + "    cic otherwise", 1)
RIGHT = WRONG.replace("when in_queue: cic", "when in_queue: override cic")

# One picture of a font that everybody has; nothing is loaded.
FORMAT = """\
<svg class="terminal" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, monospace; font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
<g transform="translate(10, 10)"><g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main():
    picture = drawn(frames())
    if "--check" in sys.argv[1:]:
        assert PICTURE.read_text() == picture, f"{PICTURE} is old: run {pathlib.Path(__file__).relative_to(ROOT)}"
        return
    PICTURE.write_text(picture)


def frames():
    """The screens: a command, and what it prints in color."""
    with tempfile.TemporaryDirectory() as folder:
        def command(line, *words):
            environment = {**os.environ, "COLUMNS": str(COLUMNS), "CLICOLOR_FORCE": "1", "GIT_CONFIG_GLOBAL": os.devnull}
            ran = subprocess.run(words or line.split(), cwd=folder, env=environment, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True)
            return f"\x1b[1m$ {line}\x1b[0m\n{ran.stdout}"

        def presync(line):
            return command(line, str(PRESYNC), *line.split()[1:])

        def git(*words):
            subprocess.run(["git", "-c", "user.name=x", "-c", "user.email=x@example.org", *words], cwd=folder, check=True,
                           stdout=subprocess.DEVNULL)

        program = pathlib.Path(folder, "lunch.presync")
        git("init", "-q", "-b", "main")
        program.write_text(BEFORE)
        git("add", ".")
        git("commit", "-q", "-m", "before")
        program.write_text(WRONG)
        wrong = command("git diff -U1", "git", "diff", "-U1", "--color=always").split("\n", 5)
        yield "\n".join([wrong[0], *wrong[5:]]) + "\n\x1b[2mA new rule for people in the queue.\x1b[0m"
        yield presync("presync check lunch.presync")
        program.write_text(RIGHT)
        yield ("\x1b[2mAs the help says, `override` before the rule that should win:\x1b[0m\n\n"
               + f"\x1b[32m+   {RIGHT.splitlines()[4].strip()}\x1b[0m\n\n" + presync("presync check lunch.presync"))
        yield presync("presync diff main:lunch.presync lunch.presync")


def drawn(screens):
    """The screens one after the other, in one picture that repeats."""
    pictures = []
    for number, screen in enumerate(screens):
        console = Console(record=True, width=COLUMNS, height=LINES, file=open(os.devnull, "w"), force_terminal=True,
                          color_system="standard", legacy_windows=False)
        lines = screen.rstrip("\n").split("\n")
        assert len(lines) <= LINES, f"screen {number} has {len(lines)} lines"
        console.print(Text.from_ansi("\n".join(lines + [" "] * (LINES - len(lines)))))
        svg = console.export_svg(title="", code_format=FORMAT, unique_id=f"screen{number}")
        pictures.append(svg)
    width, height = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', pictures[0]).groups()
    part = 100 / len(pictures)
    styles = "".join(f".screen{number} {{ animation-delay: {number * SECONDS}s; }}\n" for number in range(len(pictures)))
    groups = "".join(f'<g class="screen screen{number}">{picture}</g>\n' for number, picture in enumerate(pictures))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>A wrong rule, its conflict, the fix, and the difference</title>
<style>
.screen {{ opacity: 0; animation: screen {SECONDS * len(pictures)}s linear infinite; }}
@keyframes screen {{ 0%, {part - 0.5:.1f}% {{ opacity: 1; }} {part:.1f}%, 100% {{ opacity: 0; }} }}
{styles}@media (prefers-reduced-motion: reduce) {{ .screen {{ animation: none; }} .screen1 {{ opacity: 1; }} }}
</style>
<rect width="100%" height="100%" rx="8" fill="#292929"/>
{groups}</svg>
"""


if __name__ == "__main__":
    main()
