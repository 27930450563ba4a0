// Pictures of the dashboard, for people to look at: TRAPLINE_SCREENSHOTS names the folder.
import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { runHelloError, sendEvent, signIn, startBrowser, startCollector, waitForIssues } from './collector.mjs';

const folder = process.env.TRAPLINE_SCREENSHOTS ?? 'build/screenshots';
let collector;
let browser;

before(async () => {
  mkdirSync(folder, { recursive: true });
  collector = await startCollector();
  browser = await startBrowser();
  runHelloError(collector.dsn);
  runHelloError(collector.dsn, '--crash');
  await sendEvent(collector, {
    platform: 'javascript',
    exception: {
      values: [
        {
          type: 'TypeError',
          value: "Cannot read properties of undefined (reading 'items')",
          stacktrace: {
            frames: [
              { function: 'dispatch', filename: 'node_modules/router/index.js', lineno: 118, in_app: false },
              {
                function: 'readCart',
                filename: 'src/cart.js',
                lineno: 14,
                colno: 15,
                in_app: true,
                pre_context: ['export function readCart(cart) {'],
                context_line: '  return cart.items.length;',
                post_context: ['}'],
              },
            ],
          },
        },
      ],
    },
  });
  await sendEvent(collector, { message: 'disk almost full: 93 % of /var', level: 'warning' });
  await waitForIssues(collector, 4);
});

after(async () => {
  await browser?.stop();
  await collector?.stop();
});

async function picture(page, name) {
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  assert.ok(statSync(path).size > 5_000, `${path} is almost empty`);
}

for (const theme of ['light', 'dark']) {
  test(`list and issue page, ${theme}`, async () => {
    const page = await browser.context.newPage();
    await browser.context.clearCookies();
    await page.emulateMedia({ colorScheme: theme });
    await signIn(page, collector.url);
    await picture(page, `list-${theme}`);
    await page.getByRole('link', { name: /shop::StockError/ }).click();
    await page.getByRole('region', { name: 'Exception' }).waitFor();
    await picture(page, `issue-${theme}`);
    await page.close();
  });
}

test('list and issue page, phone', async () => {
  const page = await browser.context.newPage();
  await browser.context.clearCookies();
  await page.setViewportSize({ width: 390, height: 844 });
  await signIn(page, collector.url);
  await picture(page, 'list-phone');
  await page.getByRole('link', { name: /TypeError/ }).click();
  await page.getByRole('region', { name: 'Exception' }).waitFor();
  const isTooWide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  assert.equal(isTooWide, false, 'the page scrolls sideways on a phone');
  await picture(page, 'issue-phone');
  await page.close();
});
