// The Presync extension: starts the language server and adds its commands.
const fs = require('fs');
const path = require('path');
const { commands, Uri, window, workspace } = require('vscode');
const { LanguageClient } = require('vscode-languageclient/node');

let client;

/** The program to run: the setting, else the one in this extension, else the one in PATH. Never one of the opened folder. */
function program(context) {
  const settings = workspace.getConfiguration('presync');
  const { globalValue, workspaceValue } = settings.inspect('path') ?? {};
  const set = (workspace.isTrusted && workspaceValue) || globalValue;
  if (set) {
    return set;
  }
  const name = process.platform === 'win32' ? 'presync.exe' : 'presync';
  const bundled = path.join(context.extensionPath, 'bin', name);
  return fs.existsSync(bundled) ? bundled : name;
}

/** Tables and decisions are shown as pages, everything else as it is. */
async function showDocument(params, token, next) {
  if (!params.uri.startsWith('presync:') || !params.uri.endsWith('.md')) {
    return next(params, token);
  }
  await commands.executeCommand('markdown.showPreviewToSide', Uri.parse(params.uri));
  return { success: true };
}

async function start(context) {
  const command = program(context);
  client = new LanguageClient(
    'presync',
    'Presync',
    { command, args: ['lsp'], options: { cwd: context.extensionPath } },
    {
      documentSelector: ['file', 'untitled', 'presync'].map((scheme) => ({ scheme, language: 'presync' })),
      middleware: { window: { showDocument } },
    },
  );
  client.registerFeature({
    fillClientCapabilities: (capabilities) => {
      capabilities.experimental = { commands: { commands: ['presync.askWhatIf'] } };
    },
    initialize: () => {},
    getState: () => ({ kind: 'static' }),
    clear: () => {},
  });
  try {
    await client.start();
  } catch (error) {
    const choice = await window.showErrorMessage(
      `Presync: cannot run \`${command}\`: ${error.message}. Install presync, or set presync.path.`,
      'Open settings',
    );
    if (choice) {
      commands.executeCommand('workbench.action.openSettings', 'presync.path');
    }
  }
}

/** The symbols of the file in the active editor with one of these kinds, as the outline calls them. */
async function symbols(kinds) {
  const uri = window.activeTextEditor?.document.uri;
  const all = uri ? await commands.executeCommand('vscode.executeDocumentSymbolProvider', uri) : [];
  return { uri, found: (all ?? []).filter((symbol) => kinds.includes(symbol.detail)) };
}

/** The file in the active editor and one of its roles; nothing if somebody does not want to choose. */
async function chosenRole() {
  const { uri, found } = await symbols(['role']);
  const names = found.map((symbol) => symbol.name);
  const role = names.length > 1 ? await window.showQuickPick(names, { placeHolder: 'Role' }) : names[0] ?? '';
  return uri && role !== undefined ? { uri: uri.toString(), role } : undefined;
}

async function showTable() {
  const chosen = await chosenRole();
  if (chosen) {
    await commands.executeCommand('presync.showTable', chosen);
  }
}

async function showChanges() {
  const uri = window.activeTextEditor?.document.uri;
  if (uri) {
    await commands.executeCommand('presync.showChanges', { uri: uri.toString(), profile: '' });
  }
}

/** Asks for a change and shows what is decided, and why. */
async function askWhatIf(asked) {
  const about = asked ?? (await chosenRole());
  if (!about) {
    return;
  }
  const change = await window.showInputBox({
    title: 'What if … (1 of 2)',
    prompt: 'A system and the state that is entered',
    placeHolder: 'cic "At Lunch"',
    ignoreFocusOut: true,
  });
  const given = change && (await window.showInputBox({
    title: 'What if … (2 of 2)',
    prompt: 'Facts and states that hold, separated by commas; other flags are false',
    placeHolder: 'cic_logged_in, user_type=im, lync=Busy by hand',
    ignoreFocusOut: true,
  }));
  if (given !== undefined && change) {
    await commands.executeCommand('presync.whatIf', { ...about, change, given });
  }
}

async function runTests() {
  const { uri, found } = await symbols(['test', 'scenario']);
  for (const symbol of found) {
    await commands.executeCommand('presync.runTest', { uri: uri.toString(), name: symbol.name });
  }
}

exports.activate = async (context) => {
  context.subscriptions.push(
    commands.registerCommand('presync.showTableOf', showTable),
    commands.registerCommand('presync.runTestsOfFile', runTests),
    commands.registerCommand('presync.showChangesOfFile', showChanges),
    commands.registerCommand('presync.askWhatIf', askWhatIf),
    commands.registerCommand('presync.showOutput', () => client?.outputChannel.show()),
    commands.registerCommand('presync.restart', async () => {
      await client?.stop().catch(() => {});
      await start(context);
    }),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('presync.path')) {
        commands.executeCommand('presync.restart');
      }
    }),
  );
  await start(context);
};

exports.deactivate = () => client?.stop();
