// `decide` is examples/decide/decide.js, as any other program can use it.
const presync = (() => {
  const tables = JSON.parse(document.getElementById('data').textContent);
  return { tables, decide: (role, from, entered, given, byHand) => decide(tables, role, from, entered, given, byHand) };
})();

// Whether the conditions of a row or column of the page hold.
function holds({ when, by_hand, from }, entered, given, byHand) {
  const facts = new Map(presync.tables.facts.map((fact) => [fact.name, fact]));
  const value = (name) => given[name] ?? facts.get(name)?.default ?? (facts.get(name)?.kind === 'flag' ? false : null);
  return (from ?? [entered]).includes(entered) && Object.entries(when).every(([name, values]) => values.includes(value(name)))
    && Object.entries(by_hand).every(([name, values]) => values.includes(byHand.includes(name)));
}

// What each profile of a role says about a change, in order, up to the one that decides: decides with one table at a time.
function cascade(role, from, to, entered, given, byHand) {
  const { tables, roles, directions } = presync.tables;
  const of = roles.find((one) => one.name === role);
  const direction = of.directions.map((number) => directions[number]).find((one) => one.from === from && one.to === to);
  let decided = false;
  return (direction?.tables ?? []).map((number) => {
    const { profile } = tables[number];
    if (decided) return { profile, found: null };
    const one = { ...presync.tables, roles: [{ ...of, directions: [0] }], directions: [{ ...direction, tables: [number] }] };
    const [found] = decide(one, role, from, entered, given, byHand);
    decided = found.outcome !== 'unmapped';
    return { profile, found };
  });
}

// The panel that decides a change.
(() => {
  const form = document.getElementById('panel');
  const answer = document.getElementById('answer');
  const permalink = document.getElementById('permalink');
  const rules = JSON.parse(document.getElementById('rules').textContent);
  const field = (name) => form.elements.namedItem(name);
  const controls = (kind) => [...form.querySelectorAll(`[data-${kind}]`)];
  const element = (name, text, children = []) => {
    const made = Object.assign(document.createElement(name), { textContent: text });
    made.append(...children);
    return made;
  };
  const states = (system) => presync.tables.systems.find((one) => one.name === system).states.map((state) => state.name);

  function fillStates() {
    const from = field('from').value;
    field('entered').replaceChildren(...states(from).map((state) => Object.assign(element('option', state), { value: state })));
    for (const control of controls('state')) control.disabled = control.dataset.state === from;
    for (const control of controls('by-hand')) control.disabled = control.dataset.byHand === from;
  }

  function situation() {
    const given = {};
    for (const control of controls('flag')) given[control.dataset.flag] = control.checked;
    for (const control of controls('choice')) given[control.dataset.choice] = control.value || null;
    for (const control of controls('state')) given[control.dataset.state] = control.value || null;
    const [role, from, entered] = ['role', 'from', 'entered'].map((name) => field(name).value);
    given[from] = entered;
    const byHand = controls('by-hand').filter((control) => control.checked && !control.disabled).map((control) => control.dataset.byHand);
    return { role, from, entered, given, byHand };
  }

  // The situation in the address: what is not as the page starts.
  function address() {
    const parameters = new URLSearchParams();
    for (const name of ['role', 'from', 'entered']) parameters.set(name, field(name).value);
    for (const control of controls('flag')) if (control.checked) parameters.append('flag', control.dataset.flag);
    for (const control of controls('by-hand')) if (control.checked) parameters.append('by-hand', control.dataset.byHand);
    for (const control of controls('choice')) parameters.append(`choice:${control.dataset.choice}`, control.value);
    for (const control of controls('state')) if (control.value) parameters.append(`state:${control.dataset.state}`, control.value);
    return `#what-if?${parameters}`;
  }

  // What the link names that is not there any more.
  const missing = [];

  // Takes the situation of a link.
  function take(hash) {
    if (!hash.startsWith('#what-if?')) return false;
    const parameters = new URLSearchParams(hash.slice('#what-if?'.length));
    missing.length = 0;
    const choose = (control, value) => {
      if (value === null) return;
      if (control.type === 'hidden' || [...control.options].some((option) => option.value === value)) control.value = value;
      else missing.push(value);
    };
    choose(field('role'), parameters.get('role'));
    choose(field('from'), parameters.get('from'));
    fillStates();
    choose(field('entered'), parameters.get('entered'));
    for (const control of controls('flag')) control.checked = parameters.getAll('flag').includes(control.dataset.flag);
    for (const control of controls('by-hand')) control.checked = parameters.getAll('by-hand').includes(control.dataset.byHand);
    for (const control of controls('choice')) choose(control, parameters.get(`choice:${control.dataset.choice}`));
    for (const control of controls('state')) choose(control, parameters.get(`state:${control.dataset.state}`) ?? '');
    const known = (name, kind, key) => parameters.getAll(name).filter((value) => !controls(kind).some((control) => control.dataset[key] === value));
    missing.push(...known('flag', 'flag', 'flag'), ...known('by-hand', 'by-hand', 'byHand'));
    return true;
  }

  const setting = ['set', 'previous'];

  function sentence(found) {
    const appended = found.append.length ? ` with “${found.append.join(', ')}” appended` : '';
    if (found.outcome === 'previous') return `${found.to} gets its own state back${appended}`;
    if (found.outcome === 'set') return `${found.to} is set to “${found.state}”${appended}`;
    return found.outcome === 'unchanged' ? `${found.to} is left unchanged` : `${found.to}: nothing is decided (unmapped)`;
  }

  // One line for each profile: whether it decides, and by which rule.
  function profiles(found, { role, from, entered, given, byHand }) {
    const lines = cascade(role, from, found.to, entered, given, byHand).map(({ profile, found }) => {
      if (found === null) return element('li', `${profile} is not asked`);
      if (found.outcome === 'unmapped') return element('li', `${profile} passes`);
      const rule = element('code', rules[found.rule] ?? found.rule);
      rule.title = found.rule;
      return element('li', `${profile} decides: `, [rule]);
    });
    return lines.length > 0 ? [element('p', `${from} → ${found.to}`), element('ol', '', lines)] : [];
  }

  // Marks the rows and cells that decide.
  function mark(found, { role, from, entered, given, byHand }) {
    const own = [...byHand, from];
    const table = document.querySelector(`table[data-role="${CSS.escape(role)}"][data-from="${CSS.escape(from)}"][data-to="${CSS.escape(found.to)}"]`);
    for (const row of table?.querySelectorAll('tr[data-condition]') ?? []) {
      const decides = row.classList.contains('append') ? setting.includes(found.outcome) : true;
      row.classList.toggle('hit', decides && holds(JSON.parse(row.dataset.condition), entered, given, own));
    }
    for (const grid of document.querySelectorAll('table[data-grid]')) {
      const of = JSON.parse(grid.dataset.grid);
      if (of.from !== from || of.to !== found.to || !(of.roles.length === 0 || of.roles.includes(role))) continue;
      if (!holds(of.scope, entered, given, own)) continue;
      const column = of.columns.findIndex((column) => column.some((conditions) => holds(conditions, entered, given, own)));
      for (const row of grid.querySelectorAll('tr[data-states]')) {
        if (!JSON.parse(row.dataset.states).includes(entered)) continue;
        const cell = row.querySelectorAll('td')[column];
        // Where an exception decides, the cell does not.
        const agrees = cell?.classList.contains(found.outcome) && (cell.dataset.state ?? null) === found.state;
        cell?.classList.toggle('hit', agrees);
      }
    }
  }

  function ask() {
    const asked = situation();
    document.querySelectorAll('.hit').forEach((marked) => marked.classList.remove('hit'));
    const unset = presync.tables.facts.filter((fact) => fact.kind === 'choice' && asked.given[fact.name] === null && fact.default === null);
    const shown = document.getElementById('cascade');
    permalink.href = address();
    try {
      const found = presync.decide(asked.role, asked.from, asked.entered, asked.given, asked.byHand);
      found.forEach((one) => mark(one, asked));
      const changed = missing.length ? [`The link names what no longer exists: ${missing.join(', ')}`] : [];
      answer.textContent = [...changed, ...found.map(sentence)].join('\n');
      shown.replaceChildren(...found.flatMap((one) => profiles(one, asked)));
    } catch (error) {
      if (!unset.length) throw error;
      answer.textContent = `choose a value for ${unset.map((fact) => fact.name).join(', ')} first`;
      shown.replaceChildren();
    }
  }

  // The first state that sets another one.
  function chooseState() {
    for (const state of states(field('from').value)) {
      field('entered').value = state;
      const { role, from, entered, given, byHand } = situation();
      try {
        if (presync.decide(role, from, entered, given, byHand).some((found) => setting.includes(found.outcome))) return;
      } catch { /* a choice has no value yet */ }
    }
    field('entered').selectedIndex = 0;
  }

  form.addEventListener('input', (event) => {
    missing.length = 0;
    if (event.target === field('from')) {
      fillStates();
      chooseState();
    }
    ask();
  });
  form.addEventListener('submit', (event) => event.preventDefault());
  permalink.addEventListener('click', (event) => {
    event.preventDefault();
    history.replaceState(null, '', permalink.href);
    navigator.clipboard?.writeText(location.href).catch(() => {});
  });
  addEventListener('hashchange', () => {
    if (take(location.hash)) ask();
  });
  fillStates();
  if (take(location.hash)) document.getElementById('what-if').scrollIntoView();
  else chooseState();
  ask();
})();

// The steps of a scenario, one at a time.
for (const timeline of document.querySelectorAll('.timeline')) {
  const rows = [...timeline.querySelectorAll('tbody tr')];
  let at = -1;
  for (const button of timeline.querySelectorAll('button')) {
    button.addEventListener('click', () => {
      at = Math.min(Math.max(at + Number(button.dataset.step), 0), rows.length - 1);
      rows.forEach((row, number) => {
        row.classList.toggle('now', number === at);
        row.classList.toggle('later', number > at);
        if (number === at) row.setAttribute('aria-current', 'step');
        else row.removeAttribute('aria-current');
      });
    });
  }
}

// Search hides rows, and tables without a row that is found. It opens what is folded and has one.
(() => {
  const search = document.getElementById('search');
  const status = document.getElementById('found');
  const searched = [...document.querySelectorAll('[data-searched]')];
  const groups = [...document.querySelectorAll('[data-group]')];
  const wasOpen = new Map([...document.querySelectorAll('details')].map((details) => [details, details.open]));
  search.addEventListener('input', () => {
    const wanted = search.value.trim().toLowerCase();
    let count = 0;
    for (const row of searched) {
      row.hidden = wanted !== '' && !row.textContent.toLowerCase().includes(wanted);
      count += row.hidden ? 0 : 1;
    }
    for (const group of groups) {
      // What has nothing to search is hidden during a search, too.
      group.hidden = wanted !== '' && !group.querySelector('[data-searched]:not([hidden])');
    }
    for (const [details, open] of wasOpen) {
      details.open = wanted === '' ? open : Boolean(details.querySelector('[data-searched]:not([hidden])')) || (open && !details.hidden);
    }
    status.textContent = wanted === '' ? '' : `${count} rows and findings`;
  });
})();
