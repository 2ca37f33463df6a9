// Decides a change with a tables.json: `node decide.js tables.json < situations`, one JSON object for each line, such as
// {"role":"Agents","from":"cic","entered":"At Lunch","given":{"cic_logged_in":true,"user_type":"im","lync":"Busy"}}.
// `by_hand` may list the systems whose state did not come from us. Outcome `previous`: set the system's own state.
function decide(tables, role, from, entered, given, byHand = []) {
  const facts = new Map(tables.facts.map((fact) => [fact.name, fact]));
  const value = (name) => (name === from ? entered : given[name] ?? facts.get(name)?.default ?? (facts.get(name)?.kind === 'flag' ? false : null));
  const matches = (row) => (row.from ?? [entered]).includes(entered)
    && Object.entries(row.when ?? {}).every(([name, values]) => values.includes(value(name)))
    && Object.entries(row.by_hand ?? {}).every(([name, values]) => values.includes(isByHand(name)));
  const isByHand = (name) => name === from || byHand.includes(name);
  const states = (system) => tables.systems.find((one) => one.name === system).states.map((state) => state.name);
  const values = (name) => {
    if (name === null) return states(from);
    const fact = facts.get(name);
    return fact ? fact.values ?? [false, true] : [null, ...states(name)];
  };
  const reached = (diagram) => {
    let at = diagram.root;
    while (at !== null && at >= 0) {
      const { ask, next } = diagram.nodes[at];
      at = next[ask?.by_hand ? Number(isByHand(ask.by_hand)) : values(ask).indexOf(ask === null ? entered : value(ask))];
    }
    return at === null ? null : -1 - at;
  };
  const joins = (text) => (text.diagram ? reached(text.diagram) !== null : !text.rows || text.rows.some(matches));
  const directions = tables.roles.find((one) => one.name === role).directions.map((number) => tables.directions[number]);
  return directions.filter((direction) => direction.from === from).map(({ to, columns, tables: numbers }) => {
    const unset = columns.find((name) => facts.get(name)?.kind === 'choice' && value(name) === null);
    if (unset !== undefined) throw new Error(`${unset} has no value`);
    for (const table of numbers.map((number) => tables.tables[number])) {
      const row = table.diagram ? table.decisions[reached(table.diagram)] : matches({ when: table.when }) && table.blocks?.filter(matches).flatMap((block) => block.rows).find(matches);
      if (row) {
        const append = row.outcome !== 'unchanged' ? (table.append ?? []).filter(joins).map((appendix) => appendix.text) : [];
        return { to, outcome: row.outcome, state: row.state ?? null, append, profile: table.profile ?? null, rule: row.rule ?? null };
      }
    }
    return { to, outcome: 'unmapped', state: null, append: [], profile: null, rule: null };
  });
}

if (typeof require === 'function' && require.main === module) {
  const fs = require('fs');
  const tables = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
  const lines = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean).map(JSON.parse);
  const decided = lines.map(({ role, from, entered, given, by_hand }) => `${JSON.stringify(decide(tables, role, from, entered, given, by_hand))}\n`);
  fs.writeFileSync(1, decided.join(''));
}
