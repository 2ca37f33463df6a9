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

    // The panel starts where a state is set.
    const start = await page.textContent('#answer');
    if (path.basename(report).startsWith('contact-centre') && !start.includes(' is set to ')) throw new Error(`it starts with ${start}`);

    // It says what the page decides, by keyboard alone, marks the row and the cell, and shows which profile decides.
    await page.focus('select[name=entered]');
    await page.keyboard.press('ArrowDown');
    const panel = () => page.evaluate(() => {
      const value = (name) => document.querySelector(`[name=${name}]`).value;
      const given = { [value('from')]: value('entered') };
      for (const control of document.querySelectorAll('[data-flag]')) given[control.dataset.flag] = control.checked;
      for (const control of document.querySelectorAll('[data-choice]')) given[control.dataset.choice] = control.value || null;
      for (const control of document.querySelectorAll('[data-state]')) given[control.dataset.state] ??= control.value || null;
      let wanted = null;
      try {
        wanted = presync.decide(value('role'), value('from'), value('entered'), given);
      } catch { /* a choice has no value yet: the panel says so */ }
      return {
        entered: value('entered'),
        wanted,
        told: document.getElementById('answer').textContent,
        hits: document.querySelectorAll('tr.hit:not(.append)').length,
        profiles: [...document.querySelectorAll('#cascade li')].map((line) => line.textContent),
      };
    });
    const asked = await panel();
    const { told, wanted, hits, profiles } = asked;
    if (wanted === null ? !told.startsWith('choose a value') : !told.includes(wanted[0].to)) throw new Error(`the panel says ${told}`);
    const shown = await page.evaluate(() => document.querySelectorAll('table[data-from] tr[data-condition]').length);
    if (wanted && shown && hits !== wanted.length) throw new Error(`${hits} rows are marked, not ${wanted.length}`);
    const deciding = (wanted ?? []).filter((found) => found.outcome !== 'unmapped').length;
    if (profiles.filter((line) => line.includes(' decides: ')).length !== deciding) throw new Error(`of ${profiles} ${deciding} decide`);
    const cells = await page.evaluate(() => document.querySelectorAll('td.hit').length);
    if (cells > (wanted ?? []).length) throw new Error(`${cells} cells are marked`);

    // A link leads to the same situation.
    await page.click('#permalink');
    const link = await page.evaluate(() => location.href);
    await page.goto('about:blank');
    await page.goto(link);
    const again = await panel();
    if (JSON.stringify(again) !== JSON.stringify(asked)) throw new Error(`${link} shows ${JSON.stringify(again)}`);

    // A link that names what is not there says so.
    await page.goto('about:blank');
    await page.goto(link.replace(/entered=[^&]*/, 'entered=No+such+state'));
    const wrong = await page.textContent('#answer');
    if (wanted && !wrong.startsWith('The link names what no longer exists: No such state')) throw new Error(`an old link shows ${wrong}`);
    await page.goto('about:blank');
    await page.goto(link);

    // A step of a scenario is marked, and the next one.
    const timelines = await page.locator('.timeline').count();
    if (timelines) {
      const current = () => page.evaluate(() => [...document.querySelectorAll('.timeline')[0].querySelectorAll('tbody tr')]
        .findIndex((row) => row.getAttribute('aria-current') === 'step'));
      const next = page.locator('.timeline').first().locator('[data-step="1"]');
      await next.focus();
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter');
      if (await current() !== 1) throw new Error(`step ${await current()} is marked`);
      await page.locator('.timeline').first().locator('[data-step="-1"]').click();
      if (await current() !== 0) throw new Error(`step ${await current()} is marked after going back`);
    }

    // Search hides what it does not find, tables without a row among it, opens what it does, and says how much is left.
    await page.fill('#search', 'no such text anywhere');
    const left = await page.locator('[data-searched]:visible, [data-group]:visible').count();
    if (left || (await page.textContent('#found')) !== '0 rows and findings') throw new Error(`${left} rows are left`);
    const word = await page.evaluate(() => document.querySelector('#rows td')?.textContent.trim().split('\n')[0] ?? '');
    if (word) {
      await page.fill('#search', word);
      if (!(await page.locator('#rows tr[data-searched]:visible').count())) throw new Error(`${word} is not found`);
    }
    await page.fill('#search', '');
    if (await page.locator('#rows tr[data-searched]:visible').count()) throw new Error('every row is still open');

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
    if (await page.isVisible('#panel')) throw new Error('the panel is printed');
    const paper = await page.pdf({ path: `${picture}.pdf`, format: 'A4' });
    const pages = paper.toString('latin1').match(/\/Type\s*\/Page\b/g).length;
    if (path.basename(report).startsWith('contact-centre') && pages > 6) throw new Error(`${pages} printed pages`);
  });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
