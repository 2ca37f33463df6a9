// Drives Visual Studio Code in Chromium: what people do. Usage: node vscode.mjs ADDRESS FOLDER PICTURES
// Run by heavy.py, in a folder with node_modules/playwright-core.
import { createRequire } from 'module';
import fs from 'fs';
import path from 'path';
const { chromium } = createRequire(path.join(process.cwd(), 'x.js'))('playwright-core');
const [address, folder, pictures] = process.argv.slice(2);

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
const page = await browser.newPage({ viewport: { width: 1400, height: 860 } });
const picture = (name) => page.screenshot({ path: path.join(pictures, `${name}.png`) });
const press = async (...keys) => { for (const key of keys) { await page.keyboard.press(key); await page.waitForTimeout(250); } };

async function command(name) {
  await press('F1');
  await page.waitForSelector('.quick-input-widget input');
  await page.keyboard.type(name, { delay: 10 });
  await page.waitForTimeout(800);
  await press('Enter');
}

async function open(name) {
  await press('Control+P');
  await page.waitForTimeout(800);
  await page.keyboard.type(name);
  await page.waitForTimeout(1500);
  await press('Enter');
  await page.waitForSelector(`.tab[data-resource-name="${name}"]`, { timeout: 20000 });
}

/** Waits until a selector has a text. */
async function wait(selector, words, what) {
  try {
    await page.waitForFunction(([selector, words]) =>
      [...document.querySelectorAll(selector)].some((one) => (one.textContent + (one.getAttribute('aria-label') ?? '')).replaceAll('\u00a0', ' ').includes(words)),
    [selector, words], { timeout: 30000 });
    console.log(`${what}: shown`);
  } catch {
    await picture('failed');
    const texts = await page.$$eval(selector, (all) => all.map((one) => one.textContent).slice(0, 40));
    throw new Error(`${what}: \`${words}\` is not in ${JSON.stringify(texts)}`);
  }
}

/** Waits until a page, which has a frame of its own, has a text. */
async function waitForPage(words, what) {
  for (let turn = 0; turn < 100; turn += 1) {
    for (const frame of page.frames()) {
      const text = await frame.evaluate(() => document.body?.innerText ?? '').catch(() => '');
      if (frame !== page.mainFrame() && text.includes(words)) {
        console.log(`${what}: shown`);
        return;
      }
    }
    await page.waitForTimeout(300);
  }
  await picture('failed');
  throw new Error(`${what}: \`${words}\` is on no page`);
}

async function goto(line, column) {
  await press('Control+G');
  await page.waitForTimeout(400);
  await page.keyboard.type(`${line}:${column}`);
  await press('Enter');
  await page.waitForTimeout(400);
}

function place(words, offset = 0) {
  const lines = fs.readFileSync(path.join(folder, 'large-site.presync'), 'utf8').split('\n');
  const line = lines.findIndex((text) => text.includes(words));
  return [line + 1, lines[line].indexOf(words) + 1 + offset];
}

try {
  await page.goto(`${address}/?folder=${folder}`, { timeout: 120_000 });
  await page.waitForSelector('.monaco-workbench', { timeout: 60000 });
  await page.waitForTimeout(5000);
  await open('large-site.presync');
  await wait('.codelens-decoration', 'decides', 'lens with what a mapping decides');
  await goto(...place('test "presence is followed"'));
  await wait('.codelens-decoration', 'run test: passed in', 'lens with the result of a test');

  // A problem, its quick fix, and a state completed.
  await goto(...place('cic away                -> lync Away', 'cic away                -> lync Away'.length));
  await press('Backspace');
  await page.waitForTimeout(300);
  await press('Escape');
  await command('View: Focus Problems');
  await wait('.markers-panel .monaco-list-row', 'no state or group', 'problem');
  await picture('vscode-problem');
  await open('large-site.presync');
  await goto(...place('cic away                -> lync', 'cic away                -> lync Awa'.length));
  await press('Control+Space');
  await wait('.suggest-widget .monaco-list-row', 'Away', 'completion');
  await picture('vscode-completion');
  await press('Escape', 'Control+.');
  await wait('.action-widget .monaco-list-row, .context-view .action-item', 'replace with', 'quick fix');
  await press('Enter');
  await page.waitForTimeout(1500);

  // Hover.
  await goto(...place('cic gone', 5));
  await command('Show or Focus Hover');
  await wait('.monaco-hover', 'group cic.gone', 'hover');
  await picture('vscode-hover');
  await press('Escape');

  // Rename a group across files.
  await goto(...place('cic gone', 5));
  await press('F2');
  await page.waitForSelector('.rename-box input', { timeout: 20000 });
  await page.keyboard.type('elsewhere');
  await press('Enter');
  await page.waitForTimeout(2500);
  await command('File: Save All');
  await page.waitForTimeout(2000);

  // The table of a role.
  await command('Presync: Show table of a role');
  await page.waitForTimeout(1500);
  await press('Enter');
  await waitForPage('cic → lync', 'table of a role');
  await picture('vscode-table');

  // A decision.
  await open('large-site.presync');
  await command('Presync: What if');
  await page.waitForTimeout(1500);
  await press('Enter');
  for (const words of ['cic "At Lunch"', 'user_type=enterprise_voice, client=lync_client, cic_logged_in, lync_logged_in']) {
    await page.waitForTimeout(800);
    await page.keyboard.type(words, { delay: 10 });
    await press('Enter');
  }
  await waitForPage('decides', 'a decision and its reasons');
  await picture('vscode-what-if');

  // Run a test.
  await open('large-site.presync');
  await goto(...place('test "presence is followed"'));
  await command('Presync: Run the tests of this file');
  await wait('.notifications-toasts, .notification-list-item', 'passed in', 'result of a test');
  await picture('vscode-test');
} finally {
  await browser.close();
}
for (const name of ['large-site.presync', 'site.presync']) {
  if (!fs.readFileSync(path.join(folder, name), 'utf8').includes('elsewhere')) {
    throw new Error(`the rename did not reach ${name}`);
  }
}
console.log('VS Code: passed');
