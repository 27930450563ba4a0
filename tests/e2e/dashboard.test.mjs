// The dashboard in a real browser, on what a real C++ program reported to a real collector.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';

import { runHelloError, sendEvent, signIn, startBrowser, startCollector, waitForIssues, credentials } from './collector.mjs';

let collector;
let browser;
let page;
const strayRequests = [];
const pageErrors = [];

before(async () => {
  collector = await startCollector();
  browser = await startBrowser();
  browser.context.on('request', (request) => {
    if (new URL(request.url()).host !== new URL(collector.url).host) strayRequests.push(request.url());
  });
  runHelloError(collector.dsn);
  runHelloError(collector.dsn, '--crash');
  await sendEvent(collector, { message: '<img src=x onerror="document.title=\'hacked\'"> <b>bold</b>', level: 'warning' });
  await waitForIssues(collector, 3);
});

after(async () => {
  await browser?.stop();
  await collector?.stop();
});

beforeEach(async () => {
  await browser.context.clearCookies();
  await page?.close();
  page = await browser.context.newPage();
  page.on('pageerror', (error) => pageErrors.push(error.message));
  page.on('console', (message) => {
    if (/Content Security Policy/.test(message.text())) pageErrors.push(message.text());
  });
});

test('a wrong password shows what the server says, and the right one the issues', async () => {
  await page.goto(`${collector.url}/issues`);
  await page.getByLabel('E-mail').fill(credentials.email);
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('do not belong together').waitFor();
  await page.getByLabel('Password').fill(credentials.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'shop::OrderError: order 4711 failed' }).waitFor();
});

test("the C++ example's issue shows its exceptions, stack frame names, breadcrumbs, user and tags", async () => {
  await signIn(page, collector.url);
  await page.getByRole('link', { name: 'shop::OrderError: order 4711 failed' }).click();
  await page.getByRole('heading', { name: 'shop::OrderError: order 4711 failed' }).waitFor();
  const exception = page.getByRole('region', { name: 'Exception' });
  await exception.getByText('shop::checkout', { exact: false }).first().waitFor();
  await exception.getByText('main.cpp', { exact: false }).first().waitFor();
  await page.getByRole('region', { name: 'Caused by' }).getByText('shop::PaymentError').waitFor();
  await page.getByRole('region', { name: 'Breadcrumbs' }).getByText('checkout opened').waitFor();
  await page.getByRole('region', { name: 'User' }).getByText('zoe').waitFor();
  await page.getByRole('region', { name: 'Tags' }).getByText('berlin').waitFor();
  await page.getByRole('region', { name: 'Context: os' }).getByText('Linux', { exact: true }).waitFor();
});

test('calls outside the app are folded, and open by keyboard', async () => {
  await signIn(page, collector.url);
  await page.getByRole('link', { name: /shop::StockError/ }).click();
  const exception = page.getByRole('region', { name: 'Exception' });
  await exception.getByText('unhandled').waitFor();
  const fold = exception.getByRole('button', { name: /outside the app/ }).first();
  await fold.waitFor();
  assert.equal(await exception.getByText('__libc_start_main').count(), 0);
  await fold.focus();
  await page.keyboard.press('Enter');
  await exception.getByText('__libc_start_main').waitFor();
});

test('the pager leads through the events of an issue', async () => {
  await signIn(page, collector.url);
  await page.getByRole('link', { name: /shop::OrderError/ }).click();
  const pager = page.getByRole('navigation', { name: 'Events of this issue' });
  await pager.getByRole('link', { name: /Older event/ }).click();
  await page.waitForURL(/\/events\/[0-9a-f]{32}$/);
  await pager.getByRole('link', { name: /Newer event/ }).waitFor();
});

test('the raw JSON is the event as it was sent', async () => {
  await signIn(page, collector.url);
  await page.getByRole('link', { name: /shop::StockError/ }).click();
  await page.getByRole('button', { name: 'Raw JSON' }).click();
  const json = JSON.parse(await page.locator('pre').filter({ hasText: '"event_id"' }).innerText());
  assert.equal(json.exception.values.at(-1).type, 'shop::StockError');
});

test('markup in an event shows as text', async () => {
  await signIn(page, collector.url);
  await page.getByRole('link', { name: /onerror/ }).click();
  await page.getByRole('heading', { name: /<b>bold<\/b>/ }).waitFor();
  assert.equal(await page.title(), 'Trapline');
  assert.equal(await page.locator('img').count(), 0);
});

test('j, k, Enter and / work without a mouse', async () => {
  await signIn(page, collector.url);
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('type')), 'search');
  await page.keyboard.type('stock');
  await page.getByRole('link', { name: /onerror/ }).waitFor({ state: 'detached' });
  await page.evaluate(() => document.activeElement?.blur());
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: /shop::StockError/ }).waitFor();
});

test('every control has a name', async () => {
  await signIn(page, collector.url);
  const nameless = () =>
    page.locator('button, a, input, select').evaluateAll((controls) =>
      controls
        .filter((control) => !(control.getAttribute('aria-label') || control.textContent?.trim() || control.labels?.length))
        .map((control) => control.outerHTML),
    );
  assert.deepEqual(await nameless(), []);
  await page.getByRole('link', { name: /shop::OrderError/ }).click();
  await page.getByRole('region', { name: 'Exception' }).waitFor();
  assert.deepEqual(await nameless(), []);
});

test('signing out asks for the password again', async () => {
  await signIn(page, collector.url);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByLabel('Password').waitFor();
});

test('nothing was asked of another host, and no script failed or broke the content policy', () => {
  assert.deepEqual(strayRequests, []);
  assert.deepEqual(pageErrors, []);
});
