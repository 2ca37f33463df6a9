"""`presync lsp` as three editors see it: what they can decides what they get. Run by tests/editors/run.py."""
import asyncio
import os
import pathlib
import shutil
import subprocess

import pytest
import pytest_lsp
from lsprotocol import types as t
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

ROOT = pathlib.Path(__file__).resolve().parents[2]
PRESYNC = os.environ.get("PRESYNC", str(ROOT / "target" / "debug" / "presync"))
CLIENTS = ["neovim@0.11.0", "visual-studio-code", "emacs"]

SITE = """use cic_lync
group cic.away = "At Lunch" | "Gone Home"
condition ready = both_logged_in and enterprise_voice
"""
MAIN = """use "site.presync"

/// Agents who take calls.
profile "Voice" when ready {
    cic Available -> lync Available
    cic away -> lync Away
    cic otherwise -> lync unchanged
}

test "lunch shows as away" {
    given ready
    cic "At Lunch" => lync Away
}
"""


@pytest.fixture
def project(tmp_path):
    """Two files, of which one uses the other."""
    (tmp_path / "site.presync").write_text(SITE)
    (tmp_path / "main.presync").write_text(MAIN)
    return tmp_path


@pytest_lsp.fixture(config=ClientServerConfig(server_command=[PRESYNC, "lsp"]), params=CLIENTS)
async def client(request, lsp_client: LanguageClient, project):
    """A client with the capabilities of an editor, that has opened the main file."""
    await start(lsp_client, client_capabilities(request.param), project)
    yield
    await lsp_client.shutdown_session()


async def start(client, capabilities, folder):
    client.feature("client/registerCapability")(lambda params: None)
    for what in ["codeLens", "inlayHint", "semanticTokens"]:
        client.feature(f"workspace/{what}/refresh")(lambda params: None)
    client.result = await client.initialize_session(t.InitializeParams(
        capabilities=capabilities,
        workspace_folders=[t.WorkspaceFolder(uri=folder.as_uri(), name="site")] if folder else None,
    ))
    client.folder = folder


def uri(client, name="main.presync"):
    return (client.folder / name).as_uri()


def document(client, name="main.presync"):
    return t.TextDocumentIdentifier(uri=uri(client, name))


def open_text(client, text, name="main.presync", version=1):
    client.text_document_did_open(t.DidOpenTextDocumentParams(
        text_document=t.TextDocumentItem(uri=uri(client, name), language_id="presync", version=version, text=text)))


def change(client, text, version, name="main.presync"):
    client.text_document_did_change(t.DidChangeTextDocumentParams(
        text_document=t.VersionedTextDocumentIdentifier(uri=uri(client, name), version=version),
        content_changes=[t.TextDocumentContentChangeWholeDocument(text=text)]))


def position(text, words, after=False):
    """Where words stand in a text, in UTF-16."""
    at = text.index(words) + (len(words) if after else 0)
    line = text[:at].count("\n")
    return t.Position(line=line, character=len(text[:at].split("\n")[-1].encode("utf-16-le")) // 2)


def covered(text, span):
    lines = text.split("\n")
    assert span.start.line == span.end.line
    units = lines[span.start.line].encode("utf-16-le")
    return units[2 * span.start.character:2 * span.end.character].decode("utf-16-le")


def edits_of(edit):
    """The edits of each document, in either of the forms that clients take."""
    return edit.changes or {one.text_document.uri: one.edits for one in edit.document_changes}


def edited(text, edits):
    """A text without letters outside of ASCII, with edits."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    offset = lambda at: min(starts[min(at.line, len(starts) - 1)] + at.character, len(text))
    for edit in sorted(edits, key=lambda edit: offset(edit.range.start), reverse=True):
        text = text[:offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end):]
    return text


async def diagnostics(client, name="main.presync", version=None):
    """What the client shows for a file: what it is sent, or what it asks for."""
    if client.result.capabilities.diagnostic_provider:
        report = await client.text_document_diagnostic_async(t.DocumentDiagnosticParams(text_document=document(client, name)))
        return report.items
    for _ in range(200):
        found = client.diagnostics.get(uri(client, name))
        if found is not None:
            await asyncio.sleep(0.05)
            return client.diagnostics[uri(client, name)]
        await asyncio.sleep(0.02)
    raise AssertionError("no diagnostics came")


async def test_a_clean_file_has_no_diagnostics(client):
    open_text(client, MAIN)
    assert list(await diagnostics(client)) == []


async def test_an_error_is_shown_with_what_helps(client):
    text = MAIN.replace("lync Away\n    cic other", "lync Awya\n    cic other")
    open_text(client, text)
    [error] = await diagnostics(client)
    assert error.severity == t.DiagnosticSeverity.Error
    assert error.code == "unknown-state"
    assert covered(text, error.range) == "Awya"
    assert "did you mean `Away`?" in error.message


async def test_findings_survive_an_error(client):
    text = MAIN.replace("    cic otherwise -> lync unchanged\n", "") + """profile "Second" {
    cic -> lync Away
}
role "A" uses "Voice"
role "B" uses "Voice", "Second"
"""
    open_text(client, text)
    found = [(one.code, covered(text, one.range)) for one in await diagnostics(client)]
    # In the other role, the broken profile may map the states.
    assert ("gap", '"A"') in found and ("gap", '"B"') not in found
    assert "syntax" in {code for code, _ in found}


async def test_witness_and_related_places(client):
    text = MAIN.replace("    cic otherwise", "    cic \"At Lunch\" -> lync Busy\n    cic otherwise")
    open_text(client, text)
    [error] = [one for one in await diagnostics(client) if one.code == "conflict"]
    witness = 'situation: cic_logged_in, lync_logged_in, user_type is enterprise_voice, cic is "At Lunch"'
    if error.related_information:
        messages = [one.message for one in error.related_information]
        assert messages[0] == witness and "sets lync Away" in messages
    else:
        assert witness in error.message


async def test_codes_link_to_their_page_and_unused_is_faded(client):
    open_text(client, MAIN + "flag never_used\n")
    [unused] = [one for one in await diagnostics(client) if one.code == "unused"]
    assert list(unused.tags) == [t.DiagnosticTag.Unnecessary]
    # Emacs and Neovim do not say that they show links.
    linked = getattr(client.capabilities.text_document.diagnostic, "code_description_support", None) or getattr(
        client.capabilities.text_document.publish_diagnostics, "code_description_support", None)
    if not linked:
        return
    page = unused.code_description.href
    assert "unused" in page
    if page.startswith("file://"):
        assert "# unused" in pathlib.Path(page.removeprefix("file://")).read_text()


async def test_a_change_in_another_file_is_seen(client):
    open_text(client, MAIN)
    open_text(client, SITE, "site.presync")
    assert list(await diagnostics(client)) == []
    client.diagnostics.pop(uri(client), None)
    change(client, SITE.replace("condition ready", "condition redy"), 2, "site.presync")
    codes = [one.code for one in await diagnostics(client)]
    assert "unknown-condition" in codes


async def test_completion_knows_the_place(client):
    text = MAIN.replace("    cic away -> lync Away\n", "    cic away -> lync \n    cic \n")
    open_text(client, text)

    async def labels(words):
        found = await client.text_document_completion_async(t.CompletionParams(
            text_document=document(client), position=position(text, words, after=True)))
        return [item.label for item in found.items]

    after_arrow = await labels("cic away -> lync ")
    assert "Be Right Back" in after_arrow and "unchanged" in after_arrow
    assert "At Lunch" not in after_arrow
    left = await labels("lync \n    cic ")
    assert "At Lunch" in left and "away" in left and "Be Right Back" not in left
    assert "ready" in await labels("profile \"Voice\" when ")
    assert "cic_lync" in await labels("use ")
    assert "profile" in await labels("\n\n")


async def test_a_completed_state_is_quoted_and_documented(client):
    text = MAIN.replace("cic away -> lync Away", "cic away -> lync B")
    open_text(client, text)
    found = await client.text_document_completion_async(t.CompletionParams(
        text_document=document(client), position=position(text, "-> lync B", after=True)))
    item = next(item for item in found.items if item.label == "Be Right Back")
    assert item.text_edit.new_text == '"Be Right Back"'
    assert covered(text, item.text_edit.range) == "B"
    item = await client.completion_item_resolve_async(item)
    assert "Be Right Back" in getattr(item.documentation, "value", item.documentation)


async def test_hover_says_where_a_state_goes(client):
    open_text(client, MAIN)
    hover = await client.text_document_hover_async(t.HoverParams(
        text_document=document(client), position=position(MAIN, "At Lunch")))
    assert "At Lunch" in hover.contents.value
    assert "lync Away" in hover.contents.value.replace("`", "")
    hover = await client.text_document_hover_async(t.HoverParams(
        text_document=document(client), position=position(MAIN, "ready {")))
    assert "both_logged_in and enterprise_voice" in hover.contents.value
    assert "situations" in hover.contents.value


async def test_go_to_definition_and_back(client):
    open_text(client, MAIN)
    found = await client.text_document_definition_async(t.DefinitionParams(
        text_document=document(client), position=position(MAIN, "away ->")))
    found = found[0] if isinstance(found, list) else found
    target = getattr(found, "target_uri", None) or found.uri
    span = getattr(found, "target_selection_range", None) or found.range
    assert target == uri(client, "site.presync")
    assert covered(SITE, span) == "away"
    places = await client.text_document_references_async(t.ReferenceParams(
        text_document=document(client, "site.presync"), position=span.start,
        context=t.ReferenceContext(include_declaration=False)))
    assert [(place.uri, covered(MAIN, place.range)) for place in places] == [(uri(client), "away")]


async def test_a_vocabulary_can_be_opened(client):
    open_text(client, MAIN)
    found = await client.text_document_definition_async(t.DefinitionParams(
        text_document=document(client), position=position(MAIN, "\"At Lunch\" =>")))
    found = found[0] if isinstance(found, list) else found
    target = getattr(found, "target_uri", None) or found.uri
    assert target.startswith("file:"), "this client knows no documents without files"
    assert "At Lunch" in pathlib.Path(target.removeprefix("file://")).read_text()


async def test_rename_goes_across_files(client):
    open_text(client, MAIN)
    edit = await client.text_document_rename_async(t.RenameParams(
        text_document=document(client), position=position(MAIN, "away ->"), new_name="not here"))
    changes = edits_of(edit)
    texts = {uri(client): MAIN, uri(client, "site.presync"): SITE}
    assert set(changes) == set(texts)
    for name, edits in changes.items():
        assert [(covered(texts[name], one.range), one.new_text) for one in edits] == [("away", '"not here"')]


async def test_a_name_of_a_vocabulary_is_not_renamed(client):
    open_text(client, MAIN)
    with pytest.raises(Exception, match="vocabulary `cic`"):
        await client.text_document_rename_async(t.RenameParams(
            text_document=document(client), position=position(MAIN, "\"At Lunch\" =>"), new_name="Lunch"))


async def test_a_rename_that_makes_an_error_is_refused(client):
    open_text(client, MAIN)
    with pytest.raises(Exception, match="error"):
        await client.text_document_rename_async(t.RenameParams(
            text_document=document(client), position=position(MAIN, "ready {"), new_name="both_logged_in"))


async def test_formatting(client):
    text = MAIN.replace("cic Available ->", "cic   Available->")
    open_text(client, text)
    edits = await client.text_document_formatting_async(t.DocumentFormattingParams(
        text_document=document(client), options=t.FormattingOptions(tab_size=4, insert_spaces=True)))
    assert "    cic Available -> lync Available\n    cic away      -> lync Away\n" in edited(text, edits)
    # Only what differs.
    assert (edits[0].range.start.line, edits[0].range.start.character) == (4, 8)


async def test_formatting_of_a_part(client):
    text = MAIN.replace("cic Available ->", "cic   Available->").replace("    given ready", "  given   ready")
    open_text(client, text)
    edits = await client.text_document_range_formatting_async(t.DocumentRangeFormattingParams(
        text_document=document(client), options=t.FormattingOptions(tab_size=4, insert_spaces=True),
        range=t.Range(start=position(text, "test "), end=position(text, "test ", after=True))))
    after = edited(text, edits)
    assert "    given ready\n" in after and "cic   Available->" in after


async def test_highlights_implementations_and_what_can_be_renamed(client):
    text = MAIN + 'role "Agents" uses "Voice"\n'
    open_text(client, text)
    found = await client.text_document_document_highlight_async(t.DocumentHighlightParams(
        text_document=document(client), position=position(text, "Available -> lync")))
    assert [covered(text, one.range) for one in found] == ["Available"]
    found = await client.text_document_implementation_async(t.ImplementationParams(
        text_document=document(client), position=position(text, '"Voice"')))
    found = found if isinstance(found, list) else [found]
    spans = [getattr(one, "target_selection_range", None) or one.range for one in found]
    # The roles that use it.
    assert [(span.start.line, covered(text, span)) for span in spans] == [(text.count("\n") - 1, '"Voice"')]
    found = await client.text_document_prepare_rename_async(t.PrepareRenameParams(
        text_document=document(client), position=position(text, "away ->")))
    assert covered(text, getattr(found, "range", found)) == "away"
    assert await client.text_document_prepare_rename_async(t.PrepareRenameParams(
        text_document=document(client), position=position(text, "given"))) is None


async def test_semantic_tokens_of_a_part(client):
    open_text(client, MAIN)
    full = await client.text_document_semantic_tokens_full_async(t.SemanticTokensParams(text_document=document(client)))
    part = await client.text_document_semantic_tokens_range_async(t.SemanticTokensRangeParams(
        text_document=document(client), range=t.Range(start=position(MAIN, "test "), end=t.Position(line=99, character=0))))

    def places(data):
        line = column = 0
        found = []
        for at in range(0, len(data), 5):
            column = data[at + 1] + (column if data[at] == 0 else 0)
            line += data[at]
            found.append((line, column, *data[at + 2:at + 5]))
        return found

    first = position(MAIN, "test ").line
    assert places(part.data) == [one for one in places(full.data) if one[0] >= first]


async def test_a_quick_fix(client):
    text = MAIN + "flag never_used\n"
    open_text(client, text)
    found = await diagnostics(client)
    [unused] = [one for one in found if one.code == "unused"]
    actions = await client.text_document_code_action_async(t.CodeActionParams(
        text_document=document(client), range=unused.range, context=t.CodeActionContext(diagnostics=[unused])))
    titles = [one.title for one in actions]
    assert "delete it" in titles and "allow `unused` here" in titles


async def test_a_misspelled_keyword_is_replaced(client):
    text = MAIN.replace("profile", "profil", 1)
    open_text(client, text)
    [error] = [one for one in await diagnostics(client) if one.code == "syntax"]
    actions = await client.text_document_code_action_async(t.CodeActionParams(
        text_document=document(client), range=error.range, context=t.CodeActionContext(diagnostics=[error])))
    [replace] = [one for one in actions if one.title == "replace with `profile`"]
    changes = edits_of(replace.edit)
    assert edited(text, changes[uri(client)]) == MAIN


async def test_symbols_folds_selections_links(client):
    open_text(client, MAIN)
    symbols = await client.text_document_document_symbol_async(t.DocumentSymbolParams(text_document=document(client)))
    assert [symbol.name for symbol in symbols] == ["site.presync", "Voice", "lunch shows as away"]
    found = await client.workspace_symbol_async(t.WorkspaceSymbolParams(query="vce"))
    assert [symbol.name for symbol in found] == ["Voice"]
    folds = await client.text_document_folding_range_async(t.FoldingRangeParams(text_document=document(client)))
    assert (3, 6) in [(fold.start_line, fold.end_line) for fold in folds]
    [selection] = await client.text_document_selection_range_async(t.SelectionRangeParams(
        text_document=document(client), positions=[position(MAIN, "away ->")]))
    sizes = []
    while selection:
        sizes.append(selection.range)
        selection = selection.parent
    assert covered(MAIN, sizes[0]) == "away" and len(sizes) >= 4
    [link] = await client.text_document_document_link_async(t.DocumentLinkParams(text_document=document(client)))
    assert link.target == uri(client, "site.presync")


async def test_semantic_tokens_and_their_changes(client):
    open_text(client, MAIN)
    full = await client.text_document_semantic_tokens_full_async(t.SemanticTokensParams(text_document=document(client)))
    assert len(full.data) % 5 == 0 and len(full.data) > 100
    changed = MAIN.replace("lync Away\n    cic other", "lync Busy\n    cic other")
    change(client, changed, 2)
    delta = await client.text_document_semantic_tokens_full_delta_async(t.SemanticTokensDeltaParams(
        text_document=document(client), previous_result_id=full.result_id))
    again = await client.text_document_semantic_tokens_full_async(t.SemanticTokensParams(text_document=document(client)))
    data = list(full.data)
    for edit in delta.edits:
        data[edit.start:edit.start + edit.delete_count] = edit.data
    assert data == list(again.data)


async def test_hints_show_what_a_group_holds(client):
    open_text(client, MAIN)
    whole = t.Range(start=t.Position(line=0, character=0), end=t.Position(line=99, character=0))
    hints = await client.text_document_inlay_hint_async(t.InlayHintParams(text_document=document(client), range=whole))
    labels = [hint.label for hint in hints]
    assert '= "At Lunch" | "Gone Home"' in labels
    assert any(label.endswith("states") for label in labels)


async def test_lenses_run_tests_and_count(client):
    open_text(client, MAIN)
    lenses = await client.text_document_code_lens_async(t.CodeLensParams(text_document=document(client)))
    titles = []
    for lens in lenses:
        lens = await client.code_lens_resolve_async(lens)
        titles.append(lens.command.title)
        if lens.command.command == "presync.runTest":
            result = await client.workspace_execute_command_async(t.ExecuteCommandParams(
                command=lens.command.command, arguments=lens.command.arguments))
            assert result["passed"] if isinstance(result, dict) else result.passed
    assert any(title.startswith("run test: passed in") for title in titles)
    assert "show table" in titles
    assert any(title.startswith("decides ") for title in titles)


async def test_any_prefix_is_answered(client):
    open_text(client, "")
    for version, end in enumerate(range(0, len(MAIN), 7), 2):
        text = MAIN[:end]
        change(client, text, version)
        await client.text_document_completion_async(t.CompletionParams(
            text_document=document(client), position=position(text, text, after=True) if text else t.Position(0, 0)))
        await client.text_document_hover_async(t.HoverParams(
            text_document=document(client), position=t.Position(line=0, character=3)))
    assert client.error is None


async def test_text_of_another_format(client):
    open_text(client, '{"a": [1, 2, {"b": null}]}\n' * 50)
    [error] = await diagnostics(client)
    assert error.code == "syntax"


async def test_a_file_that_appears(client):
    text = MAIN.replace("use \"site.presync\"", "use \"site.presync\"\nuse \"later.presync\"")
    open_text(client, text)
    assert [one.code for one in await diagnostics(client)] == ["unknown-file"]
    (client.folder / "later.presync").write_text("flag later\n")
    if client.capabilities.workspace.did_change_watched_files and \
            client.capabilities.workspace.did_change_watched_files.dynamic_registration:
        client.workspace_did_change_watched_files(t.DidChangeWatchedFilesParams(changes=[t.FileEvent(
            uri=uri(client, "later.presync"), type=t.FileChangeType.Created)]))
    for _ in range(100):
        codes = [one.code for one in await diagnostics(client)]
        if "unknown-file" not in codes:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the file was not noticed")


async def test_a_refactoring_is_proved(client):
    text = MAIN.replace("cic away -> lync Away", "cic \"Follow Up\" -> lync Away\n    cic \"Working at Home\" -> lync Away")
    open_text(client, text)
    here = position(text, "Follow Up")
    actions = await client.text_document_code_action_async(t.CodeActionParams(
        text_document=document(client), range=t.Range(start=here, end=here), context=t.CodeActionContext(diagnostics=[])))
    [merge] = [one for one in actions if one.title == "merge 2 rules with `|`"]
    assert merge.kind == "refactor.rewrite"
    if merge.edit is None:
        merge = await client.code_action_resolve_async(merge)
    changes = edits_of(merge.edit)
    assert 'cic "Follow Up" | "Working at Home" -> lync Away' in edited(text, changes[uri(client)])


async def test_all_safe_fixes_at_once(client):
    text = MAIN + "condition never_used = ready\n"
    open_text(client, text)
    whole = t.Range(start=t.Position(line=0, character=0), end=t.Position(line=99, character=0))
    actions = await client.text_document_code_action_async(t.CodeActionParams(
        text_document=document(client), range=whole,
        context=t.CodeActionContext(diagnostics=[], only=["source.fixAll"])))
    [fix] = actions
    changes = edits_of(fix.edit)
    assert [edit.new_text for edit in changes[uri(client)]] == [""]


async def test_what_is_missing_is_declared(client):
    text = MAIN.replace("when ready", "when ready and unheard_of").replace("cic away ->", "cic Elsewhere | away ->")
    open_text(client, text)
    whole = t.Range(start=t.Position(line=0, character=0), end=t.Position(line=99, character=0))
    actions = await client.text_document_code_action_async(t.CodeActionParams(
        text_document=document(client), range=whole, context=t.CodeActionContext(diagnostics=[])))
    edits = {}
    for one in actions:
        if getattr(one, "edit", None):
            changes = edits_of(one.edit)
            edits[one.title] = changes[uri(client)][0]
    flag, state = edits["declare the flag `unheard_of`"], edits["add the state `Elsewhere` to cic"]
    assert flag.new_text == "flag unheard_of\n\n" and state.new_text == "extend system cic {\n    state Elsewhere\n}\n\n"
    assert flag.range.start == position(text, "/// Agents")


def shown(answer):
    """What a command opened: this client gets a file."""
    address = answer["uri"] if isinstance(answer, dict) else answer.uri
    return pathlib.Path(address.removeprefix("file://")).read_text()


async def run(client, command, **argument):
    return await client.workspace_execute_command_async(t.ExecuteCommandParams(
        command=command, arguments=[{"uri": uri(client), **argument}]))


async def test_what_if(client):
    open_text(client, MAIN)
    given = "user_type=enterprise_voice, cic_logged_in, lync_logged_in"
    text = shown(await run(client, "presync.whatIf", role="", change='cic "At Lunch"', given=given))
    assert 'cic "At Lunch" -> lync Away' in text and "> cic away -> lync Away    (main.presync:6)" in text
    # Something is missing: the answer says what to write.
    text = shown(await run(client, "presync.whatIf", role="", change='cic "At Lunch"', given="cic_logged_in"))
    assert "`user_type` has no value: give it one of user_type=" in text
    text = shown(await run(client, "presync.whatIf", role="", change='cic Lunch', given=given))
    assert "did you mean" in text or "has no state `Lunch`" in text


async def test_changes_since_the_last_commit(client):
    open_text(client, MAIN)
    with pytest.raises(Exception, match="not in a git repository"):
        await run(client, "presync.showChanges", profile="Voice")
    git = lambda *words: subprocess.run(
        ["git", "-c", "user.name=A", "-c", "user.email=a@example.com", *words], cwd=client.folder, check=True,
        capture_output=True)
    git("init")
    # Settings that were wrong say nothing about decisions.
    settings = client.folder / "presync.toml"
    before = settings.read_text() if settings.exists() else None
    settings.write_text("[lints]\nunheard = 3\n")
    git("add", ".")
    git("commit", "-m", "First")
    settings.write_text(before) if before is not None else settings.unlink()
    assert "No decision changes in any situation." in shown(await run(client, "presync.showChanges", profile="Voice"))
    change(client, MAIN.replace("cic away -> lync Away", "cic away -> lync Busy"), 2)
    text = shown(await run(client, "presync.showChanges", profile="Voice"))
    assert "Away" in text and "Busy" in text and "situations" in text
    assert "has this profile" in shown(await run(client, "presync.showChanges", profile="Another"))
    change(client, MAIN.replace("cic away -> lync Away", "cic away -> lync Awya"), 3)
    assert "The program has errors." in shown(await run(client, "presync.showChanges", profile="Voice"))
    lenses = await client.text_document_code_lens_async(t.CodeLensParams(text_document=document(client)))
    titles = [(await client.code_lens_resolve_async(lens)).command.title for lens in lenses]
    assert "show changes since the last commit" in titles


async def test_missing_rules_are_added(client):
    text = MAIN.replace("    cic otherwise -> lync unchanged\n", "")
    open_text(client, text)
    [gap] = [one for one in await diagnostics(client) if one.code == "gap"]
    actions = await client.text_document_code_action_async(t.CodeActionParams(
        text_document=document(client), range=gap.range, context=t.CodeActionContext(diagnostics=[gap])))
    [add] = [one for one in actions if one.title == "add a profile with the missing rules"]
    changes = edits_of(add.edit)
    after = edited(text, changes[uri(client)])
    change(client, after, 2)
    assert "otherwise -> lync unchanged" in after
    assert [one.code for one in await diagnostics(client)] == []


async def test_signatures(client):
    text = MAIN + "extend system cic {\n    state Elsewhere id \"e\" \n}\n"
    open_text(client, text)
    help = await client.text_document_signature_help_async(t.SignatureHelpParams(
        text_document=document(client), position=position(text, "Elsewhere id", after=True)))
    [signature] = help.signatures
    assert signature.label == "state NAME [id ID] [reads STATE] [{ ATTRIBUTE, read_only, other }]"
    assert signature.parameters[help.active_parameter].label == "[id ID]"
