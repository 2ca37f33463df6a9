// `node postgres.cjs FOLDER SCRIPT.sql < events`: runs an exported script on PostgreSQL (PGlite), fills its events from JSON
// lines, and prints each decision as a JSON array a line.
const fs = require('fs');

async function main() {
  const { PGlite } = await import('@electric-sql/pglite');
  // A new database takes ten seconds to be made, so all programs go through one.
  const base = new PGlite(process.argv[2]);
  await base.exec('DROP SCHEMA public CASCADE; CREATE SCHEMA public;');
  await base.exec(fs.readFileSync(process.argv[3], 'utf8'));
  const events = fs.readFileSync(0, 'utf8').split('\n').filter(Boolean);
  for (let at = 0; at < events.length; at += 2000) {
    const rows = `[${events.slice(at, at + 2000).join(',')}]`;
    await base.query('INSERT INTO presync_events SELECT * FROM json_populate_recordset(null::presync_events, $1)', [rows]);
  }
  const decisions = await base.query('SELECT event_id, to_system, outcome, state, appendix FROM presync_decisions', [], { rowMode: 'array' });
  for (const row of decisions.rows) process.stdout.write(`${JSON.stringify(row.map((cell, at) => (at === 0 ? Number(cell) : cell)))}\n`);
  await base.close();
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
