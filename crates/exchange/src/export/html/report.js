'use strict';
// Decides in the page: looks in the tables for the one row that matches, as any other program can.
const presync = (() => {
  const tables = JSON.parse(document.getElementById('tables').textContent);
  const facts = new Map(tables.facts.map((fact) => [fact.name, fact]));
  const systems = new Map(tables.systems.map((system) => [system.name, system]));

  // What nobody has set: false, the default of a choice, a state that is not known.
  function valueOf(name, given) {
    if (Object.hasOwn(given, name) && given[name] !== null) return given[name];
    const fact = facts.get(name);
    if (!fact) return null;
    return fact.kind === 'flag' ? false : fact.default;
  }

  function matches(when, from, given, entered) {
    return (!from || from.includes(entered))
      && Object.entries(when ?? {}).every(([name, values]) => values.includes(valueOf(name, given)));
  }

  // The values of an input in the order of a diagram's ways on.
  function place(name, given, from, entered) {
    if (name === null) return systems.get(from).states.findIndex((state) => state.name === entered);
    const value = valueOf(name, given);
    const fact = facts.get(name);
    if (!fact) return value === null ? 0 : 1 + systems.get(name).states.findIndex((state) => state.name === value);
    return fact.kind === 'flag' ? Number(value) : fact.values.indexOf(value);
  }

  function walk(diagram, given, from, entered) {
    let at = diagram.root;
    while (at !== null && at >= 0) {
      const node = diagram.nodes[at];
      at = node.next[place(node.ask ?? null, given, from, entered)];
    }
    return at === null ? null : -1 - at;
  }

  // { outcome, state, append, profile, rule, row } for each other system; row counts from 0.
  function decide(role, from, entered, given) {
    const found = tables.roles.find((other) => other.name === role);
    return found.tables.filter((table) => table.from === from).map((table) => {
      if (table.diagrams) {
        for (const diagram of table.diagrams) {
          const at = walk(diagram, given, from, entered);
          if (at !== null) {
            return { to: table.to, ...table.decisions[at], row: null };
          }
        }
      }
      const row = table.rows.findIndex((row) => matches(row.when, row.from, given, entered));
      const { outcome, state, append, origin } = table.rows[row];
      const by = origin.find((part) => matches(part.when, part.from, given, entered));
      return { to: table.to, outcome, state, append, profile: by?.profile ?? null, rule: by?.rule ?? null, row };
    });
  }

  return { tables, decide };
})();

(() => {
  const form = document.getElementById('what-if');
  const answer = document.getElementById('answer');
  const field = (name) => form.elements.namedItem(name);
  const option = (value, text) => Object.assign(document.createElement('option'), { value, textContent: text });

  function fillStates() {
    const system = presync.tables.systems.find((system) => system.name === field('from').value);
    field('entered').replaceChildren(...system.states.map((state) => option(state.name, state.name)));
    for (const control of form.querySelectorAll('[data-state]')) {
      control.disabled = control.dataset.state === system.name;
    }
  }

  function ask() {
    const given = {};
    for (const control of form.querySelectorAll('[data-flag]')) given[control.dataset.flag] = control.checked;
    for (const control of form.querySelectorAll('[data-choice]')) given[control.dataset.choice] = control.value || null;
    for (const control of form.querySelectorAll('[data-state]')) given[control.dataset.state] = control.value || null;
    const [role, from, entered] = ['role', 'from', 'entered'].map((name) => field(name).value);
    given[from] = entered;
    document.querySelectorAll('tr.hit').forEach((row) => row.classList.remove('hit'));
    const unset = presync.tables.facts.filter((fact) => fact.kind === 'choice' && given[fact.name] === null && fact.default === null);
    let text;
    try {
      text = presync.decide(role, from, entered, given).map((found) => {
        const number = presync.tables.roles.find((other) => other.name === role).tables.findIndex((table) => table.from === from && table.to === found.to);
        const roleNumber = presync.tables.roles.findIndex((other) => other.name === role);
        document.getElementById(`row-${roleNumber}-${number}-${found.row}`)?.classList.add('hit');
        const by = found.profile === null ? '' : `, decided by profile “${found.profile}” (${found.rule})`;
        if (found.outcome === 'set') {
          const appended = found.append.length ? ` with “${found.append.join(', ')}” appended` : '';
          return `${found.to} is set to “${found.state}”${appended}${by}`;
        }
        return found.outcome === 'unchanged' ? `${found.to} is left unchanged${by}` : `${found.to}: nothing is decided (unmapped)`;
      }).join('\n');
    } catch (error) {
      if (!unset.length) throw error;
      text = `choose a value for ${unset.map((fact) => fact.name).join(', ')} first`;
    }
    answer.textContent = text;
  }

  form.addEventListener('input', (event) => {
    if (event.target === field('from')) fillStates();
    ask();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  fillStates();
  ask();

  const search = document.getElementById('search');
  const found = document.getElementById('found');
  search.addEventListener('input', () => {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    for (const row of document.querySelectorAll('[data-searched]')) {
      row.hidden = wanted !== '' && !row.textContent.toLowerCase().includes(wanted);
      count += row.hidden ? 0 : 1;
    }
    found.textContent = wanted === '' ? '' : `${count} rows and findings`;
  });
})();
