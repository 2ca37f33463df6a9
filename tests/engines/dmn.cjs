// `node dmn.cjs FILE.dmn < situations`: reads the model with dmn-moddle, evaluates its cells with feelin, and prints the
// decision of each situation. Hit policy UNIQUE: exactly one row has to match.
const fs = require('fs');
const readline = require('readline');

async function main() {
  const { DmnModdle } = await import('dmn-moddle');
  const { evaluate, unaryTest } = await import('feelin');
  const result = (value) => (value !== null && typeof value === 'object' && 'value' in value ? value.value : value);
  const { rootElement, warnings } = await new DmnModdle().fromXML(fs.readFileSync(process.argv[2], 'utf8'));
  if (warnings.length) throw new Error(warnings.map((warning) => warning.message).join('; '));
  const decisions = new Map();
  const labels = new Map();
  for (const element of rootElement.drgElement) {
    if (element.$type === 'dmn:Decision') decisions.set(element.label, element.decisionLogic);
    else labels.set(element.name, element.label);
  }
  // A cell comes to the same for the same value.
  const known = new Map();
  const remember = (key, work) => {
    if (!known.has(key)) known.set(key, work());
    return known.get(key);
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const situation = JSON.parse(line);
    const table = decisions.get(`${situation.role}: ${situation.from} → ${situation.to}`);
    const values = table.input.map((input) => {
      const name = input.inputExpression.text;
      if (name === 'entered') return situation.entered;
      const value = situation.given[labels.get(name)];
      return value === undefined ? null : value;
    });
    const hits = table.rule.filter((rule) => rule.inputEntry.every((entry, at) => {
      if (entry.text === '-') return true;
      const value = values[at];
      return remember(JSON.stringify([entry.text, value]), () => result(unaryTest(entry.text, { '?': value })) === true);
    }));
    if (hits.length !== 1) throw new Error(`${hits.length} rows match ${line}`);
    const output = {};
    table.output.forEach((column, at) => {
      const text = hits[0].outputEntry[at].text;
      output[column.name] = remember(text, () => result(evaluate(text)));
    });
    process.stdout.write(`${JSON.stringify(output)}\n`);
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
