// The Presync extension: starts the language server and adds its commands.
const fs = require('fs');
const path = require('path');
const { commands, window, workspace } = require('vscode');
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

async function start(context) {
  const command = program(context);
  client = new LanguageClient(
    'presync',
    'Presync',
    { command, args: ['lsp'], options: { cwd: context.extensionPath } },
    {
      documentSelector: ['file', 'untitled', 'presync'].map((scheme) => ({ scheme, language: 'presync' })),
    },
  );
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

async function showTable() {
  const { uri, found } = await symbols(['role']);
  if (!uri) {
    return;
  }
  const names = found.map((symbol) => symbol.name);
  const role = names.length > 1 ? await window.showQuickPick(names, { placeHolder: 'Role' }) : names[0] ?? '';
  if (role !== undefined) {
    await commands.executeCommand('presync.showTable', { uri: uri.toString(), role });
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
