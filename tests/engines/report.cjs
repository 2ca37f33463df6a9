// `node report.cjs REPORT.html PICTURE < situations`: decides each situation in the page and prints it, one JSON value a
// line; then uses the page as people do: with the keyboard, on paper, narrow, light and dark, and by axe's rules for
// those who do not see it.
const fs = require('fs');
const path = require('path');
const { pathToFileURL } = require('url');
const withPage = require('./chromium.cjs');

async function main() {
  const [report, picture] = process.argv.slice(2);
  const cases = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line));
  await withPage({ width: 1200, height: 900 }, async (page) => {
    await page.goto(pathToFileURL(path.resolve(report)).href);
    const decided = await page.evaluate((cases) => cases.map(({ role, from, to, entered, given, by_hand }) => {
      const found = presync.decide(role, from, entered, { ...given, [from]: entered }, by_hand).find((found) => found.to === to);
      return { outcome: found.outcome, state: found.state, append: found.append };
    }), cases);
    for (const decision of decided) process.stdout.write(`${JSON.stringify(decision)}\n`);

    // The panel says what the page decides, by keyboard alone, and marks the row.
    await page.focus('select[name=entered]');
    await page.keyboard.press('ArrowDown');
    const { told, wanted, hits } = await page.evaluate(() => {
      const value = (name) => document.querySelector(`[name=${name}]`).value;
      const given = { [value('from')]: value('entered') };
      for (const control of document.querySelectorAll('[data-flag]')) given[control.dataset.flag] = control.checked;
      for (const control of document.querySelectorAll('[data-choice]')) given[control.dataset.choice] = control.value || null;
      for (const control of document.querySelectorAll('[data-state]')) given[control.dataset.state] ??= control.value || null;
      let wanted = null;
      try {
        wanted = presync.decide(value('role'), value('from'), value('entered'), given);
      } catch { /* a choice has no value yet: the panel says so */ }
      return { told: document.getElementById('answer').textContent, wanted, hits: document.querySelectorAll('tr.hit:not(.append)').length };
    });
    if (wanted === null ? !told.startsWith('choose a value') : !told.includes(wanted[0].to)) throw new Error(`the panel says ${told}`);
    if (wanted && hits !== wanted.length) throw new Error(`${hits} rows are marked`);

    // Search hides what it does not find, and says how much is left.
    await page.fill('#search', 'no such text anywhere');
    const left = await page.locator('[data-searched]:visible').count();
    if (left || (await page.textContent('#found')) !== '0 rows and findings') throw new Error(`${left} rows are left`);
    await page.fill('#search', '');

    await page.addScriptTag({ path: require.resolve('axe-core') });
    for (const colorScheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await page.evaluate(() => axe.run());
      if (violations.length) {
        throw new Error(`${colorScheme}: ${violations.map((found) => `${found.id} at ${found.nodes[0].html.slice(0, 200)}`).join('; ')}`);
      }
      await page.screenshot({ path: `${picture}.${colorScheme}.png` });
    }
    await page.setViewportSize({ width: 360, height: 700 });
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    if (width > 360) throw new Error(`a narrow window scrolls sideways: ${width}`);
    await page.screenshot({ path: `${picture}.narrow.png` });
    await page.emulateMedia({ media: 'print' });
    if (await page.isVisible('#what-if')) throw new Error('the panel is printed');
    await page.pdf({ path: `${picture}.pdf` });
  });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
