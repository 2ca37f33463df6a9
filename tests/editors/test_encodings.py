"""Columns in each unit that a client can ask for, behind an emoji; and projects in odd places."""
import asyncio

import pytest
import pytest_lsp
from lsprotocol import types as t
from pytest_lsp import ClientServerConfig, LanguageClient

from test_server import PRESYNC, change, diagnostics, open_text, start, uri

TEXT = 'use cic_lync\nprofile "😀é" { cic Available -> lync Awya }\n'
UNITS = {
    t.PositionEncodingKind.Utf8: lambda text: len(text.encode()),
    t.PositionEncodingKind.Utf16: lambda text: len(text.encode("utf-16-le")) // 2,
    t.PositionEncodingKind.Utf32: len,
}


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[PRESYNC, "lsp"]))
async def client(lsp_client: LanguageClient):
    yield
    await lsp_client.shutdown_session()


def capabilities(encoding=None):
    return t.ClientCapabilities(
        general=t.GeneralClientCapabilities(position_encodings=[encoding] if encoding else None))


@pytest.mark.parametrize("encoding", list(UNITS))
async def test_an_emoji_before_the_finding(client, tmp_path, encoding):
    await start(client, capabilities(encoding), tmp_path)
    assert client.result.capabilities.position_encoding == encoding
    open_text(client, TEXT)
    [error] = [one for one in await diagnostics(client) if one.code == "unknown-state"]
    line = TEXT.split("\n")[1]
    before = UNITS[encoding](line[:line.index("Awya")])
    assert (error.range.start.character, error.range.end.character) == (before, before + 4)


async def test_a_file_without_a_folder(client, tmp_path):
    await start(client, capabilities(), None)
    client.folder = tmp_path
    open_text(client, TEXT)
    assert [one.code for one in await diagnostics(client)] == ["unknown-state"]


async def test_the_nearest_settings_count(client, tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "presync.toml").write_text('[lints]\nunused = "error"\n')
    (inner / "presync.toml").write_text('[lints]\nunused = "off"\n')
    await start(client, capabilities(), tmp_path)
    text = 'use cic_lync\nflag never\nprofile "P" { cic any -> lync unchanged }\n'
    open_text(client, text, "outer.presync")
    open_text(client, text, "inner/inner.presync")
    [outer] = await diagnostics(client, "outer.presync")
    assert outer.severity == t.DiagnosticSeverity.Error
    assert list(await diagnostics(client, "inner/inner.presync")) == []


async def test_broken_settings_are_said_once(client, tmp_path):
    (tmp_path / "presync.toml").write_text("[lints]\nunsed = \"off\"\n")
    await start(client, capabilities(), tmp_path)
    open_text(client, TEXT)
    for _ in range(100):
        if client.messages:
            break
        await asyncio.sleep(0.02)
    # It is not said again, whatever else happens.
    for version in range(2, 5):
        change(client, TEXT + "\n" * version, version)
        await diagnostics(client)
        await asyncio.sleep(0.3)
    assert len(client.messages) == 1
    assert "did you mean `unused`?" in client.messages[0].message
    # It is also said at its place.
    settings = str(uri(client, "presync.toml"))
    [found] = client.diagnostics[settings]
    assert "did you mean `unused`?" in found.message
    assert (found.range.start.line, found.range.start.character, found.range.end.character) == (1, 0, 5)
    # Attributes are compared with those of programs without errors.
    change(client, TEXT.replace("Awya", "Away"), 9)
    for text, line, columns in [
            ("[lints\n", 0, (6, 6)),
            ("lnts = 1\n", 0, (0, 4)),
            ('\nformat = "jsn"\n', 1, (9, 14)),
            ('protected-attributes = ["acd", "akd"]\n', 0, (31, 36)),
            ('exclude = ["a", "{b"]\n', 0, (16, 20)),
            ('[[overrides]]\npaths = ["a"]\nlints = { gap = "eror" }\n', 2, (10, 13))]:
        (tmp_path / "presync.toml").write_text(text)
        saved(client, settings)
        for _ in range(100):
            found = client.diagnostics.get(settings, [])
            if found and found[0].range.start.line == line and found[0].range.start.character == columns[0]:
                break
            await asyncio.sleep(0.02)
        [found] = client.diagnostics[settings]
        assert (found.range.start.line, found.range.start.character, found.range.end.character) == (line, *columns), text
    (tmp_path / "presync.toml").write_text("")
    saved(client, settings)
    for _ in range(100):
        if not client.diagnostics[settings]:
            break
        await asyncio.sleep(0.02)
    assert not client.diagnostics[settings]


def saved(client, address):
    client.text_document_did_save(t.DidSaveTextDocumentParams(text_document=t.TextDocumentIdentifier(uri=address)))
