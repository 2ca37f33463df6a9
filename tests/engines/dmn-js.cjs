// `node dmn-js.cjs FILE.dmn PICTURE.png`: opens the model in the dmn-js viewer, draws its diagram and each of its tables,
// and compares what is on the page with the file: every rule drawn, every input by its label.
const fs = require('fs');
const path = require('path');
const withPage = require('./chromium.cjs');

const dist = path.join(path.dirname(require.resolve('dmn-js/package.json')), 'dist');

async function main() {
  const [xml, picture] = [fs.readFileSync(process.argv[2], 'utf8'), process.argv[3]];
  await withPage({ width: 1400, height: 900 }, async (page) => {
    await page.setContent('<div id="canvas" style="height: 860px"></div>');
    for (const style of ['diagram-js.css', 'dmn-js-shared.css', 'dmn-js-drd.css', 'dmn-js-decision-table.css', 'dmn-font/css/dmn-embedded.css']) {
      await page.addStyleTag({ path: path.join(dist, 'assets', style) });
    }
    await page.addScriptTag({ path: path.join(dist, 'dmn-viewer.development.js') });
    const views = await page.evaluate(async (xml) => {
      window.viewer = new DmnJS({ container: '#canvas' });
      const { warnings } = await viewer.importXML(xml);
      if (warnings.length) throw new Error(warnings.map((warning) => warning.message).join('; '));
      return viewer.getViews().map((view) => ({ type: view.type, id: view.element.id }));
    }, xml);
    const tables = views.filter((view) => view.type === 'decisionTable');
    const drawn = [];
    for (const { id } of tables) {
      drawn.push(await page.evaluate(async (id) => {
        await viewer.open(viewer.getViews().find((view) => view.element.id === id));
        const { decisionLogic } = viewer.getActiveView().element;
        return {
          rows: document.querySelectorAll('tbody tr').length,
          wantedRows: decisionLogic.rule.length,
          heads: [...document.querySelectorAll('th.input-cell .input-label')].map((head) => head.textContent),
          wantedHeads: decisionLogic.input.map((input) => input.label),
        };
      }, id));
    }
    for (const table of drawn) {
      if (!table.rows || table.rows !== table.wantedRows) throw new Error(`${table.rows} of ${table.wantedRows} rows are drawn`);
      if (JSON.stringify(table.heads) !== JSON.stringify(table.wantedHeads)) throw new Error(`${table.heads} for ${table.wantedHeads}`);
    }
    if (!drawn.length) throw new Error('no table is drawn');
    await page.screenshot({ path: `${picture}.table.png` });
    const shapes = await page.evaluate(async () => {
      await viewer.open(viewer.getViews().find((view) => view.type === 'drd'));
      viewer.getActiveViewer().get('canvas').zoom('fit-viewport');
      return document.querySelectorAll('.djs-shape').length;
    });
    // A role with several tables is a decision that is an expression.
    const decisions = views.filter((view) => view.type !== 'drd');
    if (shapes !== decisions.length) throw new Error(`${shapes} shapes for ${decisions.length} decisions`);
    await page.screenshot({ path: `${picture}.diagram.png` });
    console.log(`${drawn.length} tables of ${drawn.map((table) => table.rows).join(', ')} rows`);
  });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
