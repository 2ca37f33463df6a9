// `node dmn.cjs FILE.dmn < situations`: reads the model with dmn-moddle, evaluates its cells with feelin, and prints the
// decision of each situation. Hit policy UNIQUE: at most one row may match.
const fs = require('fs');
const readline = require('readline');

async function main() {
  const { DmnModdle } = await import('dmn-moddle');
  const { evaluate, unaryTest } = await import('feelin');
  const result = (value) => (value !== null && typeof value === 'object' && 'value' in value ? value.value : value);
  const { rootElement, warnings } = await new DmnModdle().fromXML(fs.readFileSync(process.argv[2], 'utf8'));
  if (warnings.length) throw new Error(warnings.map((warning) => warning.message).join('; '));
  const decisions = new Map();
  const byId = new Map();
  const labels = new Map();
  for (const element of rootElement.drgElement) {
    if (element.$type === 'dmn:Decision') {
      decisions.set(element.label, element.decisionLogic);
      byId.set(element.id, element.decisionLogic);
    } else labels.set(element.name, element.label);
  }
  // A cell comes to the same for the same value.
  const known = new Map();
  const remember = (key, work) => {
    if (!known.has(key)) known.set(key, work());
    return known.get(key);
  };
  // The outputs of the rows that match; what a literal expression makes of the decisions that it needs.
  function rowsOf(logic, situation) {
    if (logic.$type === 'dmn:LiteralExpression') {
      const needed = {};
      for (const [id, other] of byId) {
        if (!new RegExp(`\\b${id}\\b`).test(logic.text)) continue;
        const rows = rowsOf(other, situation);
        needed[id] = other.hitPolicy === 'COLLECT' ? rows : rows[0] ?? null;
      }
      const value = result(evaluate(logic.text, needed));
      return Array.isArray(value) ? value : [value];
    }
    const values = logic.input.map((input) => {
      const name = input.inputExpression.text;
      if (name === 'entered') return situation.entered;
      const label = labels.get(name);
      if (name.startsWith('by_hand_')) return situation.by_hand.includes(label.slice(0, -' by hand'.length));
      const value = situation.given[label];
      return value === undefined ? null : value;
    });
    const hits = (logic.rule ?? []).filter((rule) => rule.inputEntry.every((entry, at) => {
      if (entry.text === '-') return true;
      const value = values[at];
      return remember(JSON.stringify([entry.text, value]), () => result(unaryTest(entry.text, { '?': value })) === true);
    }));
    if (logic.hitPolicy !== 'COLLECT' && hits.length > 1) throw new Error(`${hits.length} rows match ${JSON.stringify(situation)}`);
    return hits.map((hit) => Object.fromEntries(logic.output.map((column, at) => {
      const { text } = hit.outputEntry[at];
      return [column.name, remember(text, () => result(evaluate(text)))];
    })));
  }
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const situation = JSON.parse(line);
    const label = `${situation.role}: ${situation.from} → ${situation.to}`;
    const [decided] = rowsOf(decisions.get(label), situation);
    const output = decided ?? { outcome: 'unmapped', state: null };
    const texts = decisions.get(`${label}, texts`);
    output.append = texts && ['set', 'previous'].includes(output.outcome) ? rowsOf(texts, situation).map((row) => row.text) : [];
    process.stdout.write(`${JSON.stringify(output)}\n`);
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
