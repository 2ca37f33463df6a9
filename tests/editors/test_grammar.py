"""The tree-sitter grammar: what `presync check` reads without a syntax error parses without one, and the queries fit."""
import ctypes
import json
import os
import pathlib
import subprocess

import pytest
import tree_sitter

from test_server import PRESYNC, ROOT

GRAMMAR = ROOT / "editors" / "tree-sitter-presync"
# The errors after which a text is no tree.
BROKEN = {"syntax", "hidden-character", "not-utf8", "confusable-name"}


@pytest.fixture(scope="session")
def language(tmp_path_factory):
    library = tmp_path_factory.mktemp("grammar") / "presync.so"
    subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-I", GRAMMAR / "src", GRAMMAR / "src" / "parser.c",
                    "-o", library], check=True)
    function = ctypes.CDLL(str(library)).tree_sitter_presync
    function.restype = ctypes.c_void_p
    new = ctypes.pythonapi.PyCapsule_New
    new.restype, new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
    return tree_sitter.Language(new(function(), b"tree_sitter.Language", None))


def programs():
    listed = subprocess.run(["git", "ls-files", "-z", "*.presync"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name]


def test_what_check_reads_parses(language):
    parser = tree_sitter.Parser(language)
    parsed = 0
    for file in programs():
        shown = subprocess.run([PRESYNC, "check", "--quiet", "--format", "json", file], capture_output=True, text=True).stdout
        codes = {found["code"] for found in json.loads(shown)["diagnostics"]}
        if codes & BROKEN:
            continue
        tree = parser.parse(file.read_bytes())
        assert not tree.root_node.has_error, file
        parsed += 1
    assert parsed > 200


ZED = ROOT / "editors" / "zed" / "languages" / "presync"
QUERIES = [*sorted((GRAMMAR / "queries").glob("*.scm")), *sorted(ZED.glob("*.scm"))]


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: f"{query.parent.name} {query.stem}")
def test_queries_find_something(language, query):
    text = query.read_text()
    tree = tree_sitter.Parser(language).parse((ROOT / "examples/large-site/large-site.presync").read_bytes())
    captures = tree_sitter.QueryCursor(tree_sitter.Query(language, text)).captures(tree.root_node)
    assert captures


def test_zed_has_the_same_colors():
    assert (ZED / "highlights.scm").read_text() == (GRAMMAR / "queries" / "highlights.scm").read_text()


def test_every_keyword_has_a_color(language):
    text = (GRAMMAR / "queries" / "highlights.scm").read_text()
    words = {language.node_kind_for_id(number) for number in range(language.node_kind_count)
             if not language.node_kind_is_named(number)}
    missing = {word for word in words if word[0].isalpha() and word.replace("_", "").isalpha() and f'"{word}"' not in text}
    assert missing <= {"end"}, missing
