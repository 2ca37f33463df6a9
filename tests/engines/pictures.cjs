// `node pictures.cjs GRAPH.dot GRAPH.mermaid GRAPH.svg LABELS.json PICTURE`: draws the mapping graph with Graphviz, with
// Mermaid and as it is, and looks for the label of each state in all three.
const fs = require('fs');
const path = require('path');
const withPage = require('./chromium.cjs');

async function main() {
  const [dot, mermaid, svg, labels, picture] = process.argv.slice(2);
  const wanted = JSON.parse(fs.readFileSync(labels, 'utf8'));
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const drawn = (await Graphviz.load()).layout(fs.readFileSync(dot, 'utf8'), 'svg', 'dot');
  await withPage({ width: 1400, height: 1000 }, async (page) => {
    await page.setContent('<div id="picture"></div>');
    await page.addScriptTag({ path: path.join(path.dirname(require.resolve('mermaid/package.json')), 'dist', 'mermaid.min.js') });
    const byMermaid = await page.evaluate(async (text) => {
      mermaid.initialize({ startOnLoad: false, maxTextSize: 1e7, maxEdges: 10000 });
      return (await mermaid.render('mermaid', text)).svg;
    }, fs.readFileSync(mermaid, 'utf8'));
    for (const [name, text] of [['graphviz', drawn], ['mermaid', byMermaid], ['svg', fs.readFileSync(svg, 'utf8')]]) {
      const shown = await page.evaluate((text) => {
        document.getElementById('picture').innerHTML = text;
        // What Graphviz cannot break it joins with spaces that do not break; Mermaid adds line ends.
        return document.getElementById('picture').textContent.replaceAll(/\s+/g, ' ');
      }, text);
      const missing = wanted.filter((label) => !shown.includes(label.replaceAll(/\s+/g, ' ')));
      if (missing.length) throw new Error(`${name} does not show ${JSON.stringify(missing)} but ${shown}`);
      await page.screenshot({ path: `${picture}.${name}.png`, fullPage: true });
    }
    console.log(`${wanted.length} labels`);
  });
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
