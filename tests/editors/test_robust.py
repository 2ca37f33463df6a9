"""What users of other language servers complain about: stale findings, lost buffers, cancelled requests, growing memory."""
import asyncio
import pathlib
import random

import pytest
import pytest_lsp
from lsprotocol import types as t
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

from test_server import MAIN, PRESYNC, SITE, change, diagnostics, document, open_text, position, start, uri


@pytest.fixture
def project(tmp_path):
    (tmp_path / "site.presync").write_text(SITE)
    (tmp_path / "main.presync").write_text(MAIN)
    return tmp_path


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[PRESYNC, "lsp"]))
async def client(lsp_client: LanguageClient, project):
    yield
    await lsp_client.shutdown_session()


def pulling():
    """A client that asks for diagnostics, and knows documents without files."""
    return t.ClientCapabilities(
        text_document=t.TextDocumentClientCapabilities(
            diagnostic=t.DiagnosticClientCapabilities(related_document_support=True),
            publish_diagnostics=t.PublishDiagnosticsClientCapabilities(related_information=True)),
        workspace=t.WorkspaceClientCapabilities(
            diagnostics=t.DiagnosticWorkspaceClientCapabilities(refresh_support=True),
            text_document_content=t.TextDocumentContentClientCapabilities(),
            did_change_watched_files=t.DidChangeWatchedFilesClientCapabilities(dynamic_registration=True)))


def changed_on_disk(client, *names):
    client.workspace_did_change_watched_files(t.DidChangeWatchedFilesParams(changes=[
        t.FileEvent(uri=uri(client, name), type=t.FileChangeType.Changed) for name in names]))


async def test_related_documents_and_the_workspace(client, project):
    await start(client, pulling(), project)
    open_text(client, MAIN)
    open_text(client, SITE.replace("condition ready", "condition redy"), "site.presync")
    report = await client.text_document_diagnostic_async(t.DocumentDiagnosticParams(
        text_document=document(client, "site.presync")))
    related = report.related_documents[uri(client)]
    assert [one.code for one in related.items] == ["unknown-condition", "unknown-condition"]
    whole = await client.workspace_diagnostic_async(t.WorkspaceDiagnosticParams(previous_result_ids=[]))
    assert {item.uri for item in whole.items} == {uri(client), uri(client, "site.presync")}
    again = await client.workspace_diagnostic_async(t.WorkspaceDiagnosticParams(previous_result_ids=[
        t.PreviousResultId(uri=item.uri, value=item.result_id) for item in whole.items]))
    assert {item.kind for item in again.items} == {"unchanged"}


async def test_findings_elsewhere_are_asked_for_again(client, project):
    await start(client, pulling(), project)
    open_text(client, MAIN)
    assert list(await diagnostics(client)) == []
    open_text(client, SITE.replace("condition ready", "condition redy"), "site.presync")
    await diagnostics(client, "site.presync")
    for _ in range(100):
        if client.diagnostic_refresh_count:
            break
        await asyncio.sleep(0.02)
    # Those of the first file changed when the second was opened.
    assert client.diagnostic_refresh_count == 1
    assert "unknown-condition" in [one.code for one in await diagnostics(client)]
    # An edit that changes only its own findings is no reason to ask for others.
    change(client, SITE.replace("condition ready", "condition redy") + "flag more\n", 2, "site.presync")
    await diagnostics(client, "site.presync")
    await asyncio.sleep(0.3)
    assert client.diagnostic_refresh_count == 1


async def test_a_checkout_under_the_editor(client, project):
    await start(client, pulling(), project)
    open_text(client, MAIN)
    assert list(await diagnostics(client)) == []
    (project / "site.presync").write_text("use cic_lync\n")
    changed_on_disk(client, "site.presync")
    assert "unknown-condition" in [one.code for one in await diagnostics(client)]
    (project / "site.presync").unlink()
    changed_on_disk(client, "site.presync")
    assert [one.code for one in await diagnostics(client)] == ["unknown-file"]
    (project / "site.presync").write_text(SITE)
    changed_on_disk(client, "site.presync")
    assert list(await diagnostics(client)) == []


async def test_unsaved_text_counts(client, project):
    await start(client, pulling(), project)
    # After a restart, an editor opens what it has, which is not what is saved.
    open_text(client, SITE.replace("ready", "prepared"), "site.presync")
    open_text(client, MAIN.replace("ready", "prepared"))
    assert list(await diagnostics(client)) == []
    client.text_document_did_close(t.DidCloseTextDocumentParams(text_document=document(client, "site.presync")))
    assert "unknown-condition" in [one.code for one in await diagnostics(client)]


async def test_tables_and_vocabularies_without_files(client, project):
    await start(client, pulling(), project)
    open_text(client, MAIN)
    found = await client.text_document_definition_async(t.DefinitionParams(
        text_document=document(client), position=position(MAIN, "\"At Lunch\" =>")))
    assert found.uri == "presync:/vocabulary/cic.presync"
    content = await client.workspace_text_document_content_async(t.TextDocumentContentParams(uri=found.uri))
    assert "At Lunch" in content.text
    hover = await client.text_document_hover_async(t.HoverParams(
        text_document=t.TextDocumentIdentifier(uri=found.uri), position=found.range.start))
    assert "At Lunch" in hover.contents.value
    answer = await client.workspace_execute_command_async(t.ExecuteCommandParams(
        command="presync.showTable", arguments=[{"uri": uri(client), "role": ""}]))
    address = answer["uri"] if isinstance(answer, dict) else answer.uri
    content = await client.workspace_text_document_content_async(t.TextDocumentContentParams(uri=address))
    assert "cic → lync" in content.text
    with pytest.raises(Exception, match="does not exist"):
        await client.workspace_text_document_content_async(t.TextDocumentContentParams(uri="presync:/vocabulary/../x.presync"))


async def test_a_new_buffer_without_a_file(client, project):
    await start(client, pulling(), None)
    client.folder = project
    client.text_document_did_open(t.DidOpenTextDocumentParams(text_document=t.TextDocumentItem(
        uri="untitled:Untitled-1", language_id="presync", version=1, text="use cic_lync\nprofile P { cic Foo -> lync Away }\n")))
    report = await client.text_document_diagnostic_async(t.DocumentDiagnosticParams(
        text_document=t.TextDocumentIdentifier(uri="untitled:Untitled-1")))
    assert [one.code for one in report.items] == ["unknown-state"]


async def test_a_folder_is_added(client, project, tmp_path_factory):
    await start(client, pulling(), project)
    other = tmp_path_factory.mktemp("other")
    (other / "other.presync").write_text("use cic_lync\nprofile P { cic Foo -> lync Away }\n")
    client.workspace_did_change_workspace_folders(t.DidChangeWorkspaceFoldersParams(event=t.WorkspaceFoldersChangeEvent(
        added=[t.WorkspaceFolder(uri=other.as_uri(), name="other")], removed=[])))
    whole = await client.workspace_diagnostic_async(t.WorkspaceDiagnosticParams(previous_result_ids=[]))
    codes = {item.uri: [one.code for one in item.items] for item in whole.items}
    assert codes[(other / "other.presync").as_uri()] == ["unknown-state"]


async def test_a_cancelled_request(client, project):
    await start(client, pulling(), project)
    # It takes a while to check.
    open_text(client, MAIN * 2_000)
    asked = [client.protocol.send_request("textDocument/hover", t.HoverParams(
        text_document=document(client), position=t.Position(line=4, character=9)), msg_id=f"cancel {number}")
        for number in range(200)]
    for number in range(200):
        client.protocol.notify("$/cancelRequest", t.CancelParams(id=f"cancel {number}"))
    cancelled = 0
    for future in asked:
        try:
            await asyncio.wait_for(asyncio.wrap_future(future), 30)
        except Exception as error:
            assert "cancelled" in str(error)
            cancelled += 1
    # Which ones depends on how fast they are.
    assert cancelled > 0
    assert await diagnostics(client)


async def test_wrong_messages_are_refused(client, project):
    await start(client, pulling(), project)
    for command in ["presync.runTest", "presync.unknown"]:
        with pytest.raises(Exception, match="needs the address"):
            await client.workspace_execute_command_async(t.ExecuteCommandParams(command=command, arguments=[]))
    with pytest.raises(Exception, match="unknown"):
        await client.workspace_execute_command_async(t.ExecuteCommandParams(
            command="presync.unknown", arguments=[{"uri": uri(client)}]))
    with pytest.raises(Exception, match="is unknown"):
        await asyncio.wait_for(client.protocol.send_request_async("presync/unknown", None), 10)
    open_text(client, MAIN)
    assert list(await diagnostics(client)) == []


async def test_memory_stays_flat(client, project):
    await start(client, pulling(), project)
    open_text(client, MAIN)
    randomly = random.Random(1)

    def memory():
        status = pathlib.Path(f"/proc/{client._server.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    version, first = 1, None
    for turn in range(2_000):
        at = randomly.randrange(len(MAIN))
        version += 1
        change(client, MAIN[:at] + randomly.choice(["", "x", " ", "\"", "{"]) + MAIN[at:], version)
        await diagnostics(client)
        if turn == 500:
            first = memory()
    assert memory() < first + 20, f"{first} MB became {memory()} MB"
