// The programs that the browser tests run, and the browser itself.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

// Where the SDK of the example keeps what it could not send.
const sdkFolder = mkdtempSync(join(tmpdir(), 'trapline-e2e-sdk-'));
process.on('exit', () => rmSync(sdkFolder, { recursive: true, force: true }));

export const credentials = { email: 'owner@example.com', password: 'correct horse battery' };

function required(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run these tests through ctest`);
  return value;
}

/** A collector of its own on a free port, with one user. */
export async function startCollector() {
  const program = required('TRAPLINE_COLLECTOR');
  const data = mkdtempSync(join(tmpdir(), 'trapline-e2e-'));
  const child = spawn(program, ['serve', '--data', data, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const facts = {};
  for await (const line of createInterface({ input: child.stderr })) {
    Object.assign(facts, JSON.parse(line));
    if (facts.url) break;
  }
  if (!facts.url) throw new Error(`the collector did not start: ${JSON.stringify(facts)}`);
  const run = (...args) => execFileSync(program, [...args, '--data', data], { encoding: 'utf8', input: credentials.password + '\n' });
  run('user', 'create', credentials.email, '--role', 'owner');
  const token = run('token', 'create', '--name', 'e2e').trim();
  const writeToken = run('token', 'create', '--name', 'e2e writer', '--scope', 'write').trim();
  const adminToken = run('token', 'create', '--name', 'e2e admin', '--scope', 'admin').trim();
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    rmSync(data, { recursive: true });
  };
  return { ...facts, token, writeToken, adminToken, stop };
}

/** Runs the C++ example; with '--crash' it ends by an uncaught exception. */
export function runHelloError(dsn, ...args) {
  try {
    execFileSync(required('TRAPLINE_HELLO_ERROR'), args, { env: { ...process.env, TRAPLINE_DSN: dsn, TRAPLINE_FOLDER: sdkFolder }, stdio: 'pipe' });
  } catch (error) {
    if (!args.includes('--crash')) throw error;
  }
}

export async function sendEvent(collector, event) {
  const key = new URL(collector.dsn).username;
  const response = await fetch(`${collector.url}/v1/events`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: `Trapline ${key}` },
    body: JSON.stringify(event),
  });
  if (response.status !== 202) throw new Error(`the event was refused: ${await response.text()}`);
}

/** Waits until the API shows so many issues. */
export async function waitForIssues(collector, count) {
  const deadline = Date.now() + 20_000;
  while (Date.now() < deadline) {
    const response = await fetch(`${collector.url}/api/v1/issues`, { headers: { Authorization: `Bearer ${collector.token}` } });
    const { items } = await response.json();
    if (items.length >= count) return items;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`there are not ${count} issues after 20 seconds`);
}

/** The system's Chromium, with a fresh profile. */
export async function startBrowser() {
  const profile = mkdtempSync(join(tmpdir(), 'trapline-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    viewport: { width: 1280, height: 860 },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const stop = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { context, stop };
}

export async function signIn(page, url) {
  await page.goto(url);
  await page.getByLabel('E-mail').fill(credentials.email);
  await page.getByLabel('Password').fill(credentials.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('table').waitFor();
}
