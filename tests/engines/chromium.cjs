// Chromium with one page that reaches nothing outside; whatever the page complains of is an error.
const { chromium } = require('playwright-core');

module.exports = async function withPage(size, work) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    const context = await browser.newContext({ viewport: size, offline: true });
    const page = await context.newPage();
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    await work(page);
    if (errors.length) throw new Error(`the page says: ${errors.join('; ')}`);
  } finally {
    await browser.close();
  }
};
