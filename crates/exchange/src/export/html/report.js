// `decide` is examples/decide/decide.js, as any other program can use it.
const presync = (() => {
  const tables = JSON.parse(document.getElementById('tables').textContent);
  return { tables, decide: (role, from, entered, given, byHand) => decide(tables, role, from, entered, given, byHand) };
})();

// Whether a row of the page matches.
function isHit(row, entered, given, byHand) {
  const { when, by_hand, from } = JSON.parse(row.dataset.condition);
  const facts = new Map(presync.tables.facts.map((fact) => [fact.name, fact]));
  const value = (name) => given[name] ?? facts.get(name)?.default ?? (facts.get(name)?.kind === 'flag' ? false : null);
  return (from ?? [entered]).includes(entered) && Object.entries(when).every(([name, values]) => values.includes(value(name)))
    && Object.entries(by_hand).every(([name, values]) => values.includes(byHand.includes(name)));
}

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
    for (const control of form.querySelectorAll('[data-by-hand]')) {
      control.disabled = control.dataset.byHand === system.name;
    }
  }

  function ask() {
    const given = {};
    for (const control of form.querySelectorAll('[data-flag]')) given[control.dataset.flag] = control.checked;
    for (const control of form.querySelectorAll('[data-choice]')) given[control.dataset.choice] = control.value || null;
    for (const control of form.querySelectorAll('[data-state]')) given[control.dataset.state] = control.value || null;
    const [role, from, entered] = ['role', 'from', 'entered'].map((name) => field(name).value);
    given[from] = entered;
    const checked = [...form.querySelectorAll('[data-by-hand]')].filter((control) => control.checked).map((control) => control.dataset.byHand);
    const byHand = [...checked, from];
    document.querySelectorAll('tr.hit').forEach((row) => row.classList.remove('hit'));
    const unset = presync.tables.facts.filter((fact) => fact.kind === 'choice' && given[fact.name] === null && fact.default === null);
    let text;
    try {
      text = presync.decide(role, from, entered, given, checked).map((found) => {
        const table = document.querySelector(`table[data-role="${CSS.escape(role)}"][data-from="${CSS.escape(from)}"][data-to="${CSS.escape(found.to)}"]`);
        for (const row of table?.querySelectorAll('tr[data-condition]') ?? []) {
          const decides = row.classList.contains('append') ? ['set', 'previous'].includes(found.outcome) : true;
          row.classList.toggle('hit', decides && isHit(row, entered, given, byHand));
        }
        const by = found.profile === null ? '' : `, decided by profile “${found.profile}” (${found.rule})`;
        const appended = found.append.length ? ` with “${found.append.join(', ')}” appended` : '';
        if (found.outcome === 'previous') return `${found.to} gets its own state back${appended}${by}`;
        if (found.outcome === 'set') {
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
