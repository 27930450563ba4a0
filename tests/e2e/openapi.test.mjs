// Every answer of a real collector is as its own description says: the status is named there, and the body fits the
// schema, with no field that the schema does not have.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

import { credentials, runHelloError, sendEvent, startCollector, waitForIssues } from './collector.mjs';

let collector;
let description;
let ajv;
let key;
const answered = new Set();

/** Fields that a schema does not name are faults, too. */
function close(schema) {
  if (Array.isArray(schema)) return schema.map(close);
  if (schema === null || typeof schema !== 'object') return schema;
  const closed = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, close(value)]));
  if (closed.type === 'object' && typeof closed.properties === 'object' && !('additionalProperties' in closed)) {
    closed.additionalProperties = false;
  }
  return closed;
}

before(async () => {
  collector = await startCollector();
  key = new URL(collector.dsn).username;
  description = await (await fetch(`${collector.url}/api/v1/openapi.json`)).json();
  ajv = new Ajv({ strict: false, allErrors: true });
  addFormats(ajv);
  ajv.addSchema({ $id: 'api', components: { schemas: close(description.components.schemas) } });
  runHelloError(collector.dsn);
  runHelloError(collector.dsn, '--crash');
  await sendEvent(collector, { message: 'plain' });
  await sendEvent(collector, { message: 'another', level: 'warning', release: 'shop@1.0', environment: 'prod', user: { id: '1' }, tags: { shop: 'Oslo' } });
  await waitForIssues(collector, 4);
});

after(async () => collector?.stop());

function operationOf(method, path) {
  for (const [pattern, methods] of Object.entries(description.paths)) {
    const matches = new RegExp(`^${pattern.replace(/\{[^}]*\}/g, '[^/]+')}$`).test(path);
    if (matches && methods[method]) return { name: `${method} ${pattern}`, operation: methods[method] };
  }
  throw new Error(`the description has no ${method} ${path}`);
}

/** Holds a value against one of the description's schemas. */
function check(value, name) {
  const validate = ajv.compile({ $ref: `api#/components/schemas/${name}` });
  assert.ok(validate(value), `${name}: ${ajv.errorsText(validate.errors)}\n${JSON.stringify(value)}`);
}

/** The events of a stream until there is one of each name; their data. */
async function readStream(path, names, headers = {}) {
  const leaving = new AbortController();
  const response = await fetch(collector.url + path, { headers: { Authorization: `Bearer ${collector.token}`, ...headers }, signal: leaving.signal });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  answered.add(`get ${path} 200`);
  const found = {};
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (const [, name, data] of text.matchAll(/event: (\w+)\ndata: (.*)\n\n/g)) found[name] = JSON.parse(data);
    if (names.every((name) => found[name])) break;
  }
  leaving.abort();
  return found;
}

/** Items are stored some time after they were taken in. */
async function waitForItems(path) {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await new Promise((resolve) => setTimeout(resolve, 50))) {
    if ((await ask('get', path, 200)).items.length > 0) return;
  }
  throw new Error(`${path} shows nothing after 20 seconds`);
}

/** What stands under an answer's name, where several routes share it. */
function resolve(answer) {
  return answer?.$ref ? description.components.responses[answer.$ref.split('/').pop()] : answer;
}

/** Sends a request and holds its answer against the description. */
async function ask(method, path, expected, { body, token = collector.writeToken, headers = {} } = {}) {
  const { name, operation } = operationOf(method, path.split('?')[0]);
  const text = body === undefined || typeof body === 'string' || body instanceof FormData ? body : JSON.stringify(body);
  const response = await fetch(collector.url + path, {
    method: method.toUpperCase(),
    headers: {
      ...(token ? { Authorization: `Bearer ${token}` } : {}),
      ...(body instanceof FormData || body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...headers,
    },
    body: text,
  });
  const received = await response.text();
  assert.equal(response.status, expected, `${method} ${path}: ${received}`);
  const documented = resolve(operation.responses[response.status]);
  assert.ok(documented, `${name} answers ${response.status}, which is not described`);
  answered.add(`${name} ${response.status}`);
  const type = (response.headers.get('content-type') ?? '').split(';')[0];
  const contents = documented.content ?? {};
  if (Object.keys(contents).length === 0) {
    assert.equal(received, '', `${name} ${response.status} is described without a body`);
    return undefined;
  }
  if (contents['application/octet-stream']) return received;  // a file, of any type
  assert.ok(contents[type], `${name} ${response.status} came as ${type}`);
  if (type !== 'application/json') return received;
  const value = JSON.parse(received);
  const schema = close(contents[type].schema);
  const pointed = JSON.parse(JSON.stringify(schema).replaceAll('"#/components/', '"api#/components/'));
  const validate = ajv.compile(pointed);
  assert.ok(validate(value), `${name} ${response.status}: ${ajv.errorsText(validate.errors)}\n${received.slice(0, 2000)}`);
  return value;
}

test('the doors answer as described, to the good, the bad and the unknown', async () => {
  const withKey = { 'X-Sentry-Auth': `Sentry sentry_version=7, sentry_key=${key}`, 'Content-Type': 'application/x-sentry-envelope' };
  const asEvents = { Authorization: `Trapline ${key}` };
  await ask('post', '/v1/events', 202, { body: { message: 'one' }, token: null, headers: asEvents });
  await ask('post', '/v1/events', 202, { body: [{ message: 'one' }, { level: 5 }, 7], token: null, headers: asEvents });
  const asBatch = { ...asEvents, 'Content-Type': 'application/x-ndjson' };
  const counters = (ledger) => JSON.stringify({ trapline_batch: { run: 'a'.repeat(32), release: 'shop@1.0', ledger } });
  await ask('post', '/v1/events', 202, { body: counters({ captured: 5, delivered: 1, sample_rate: 2 }), token: null, headers: asBatch });
  await ask('post', '/v1/events', 202, { body: counters({ captured: -1 }), token: null, headers: asBatch });
  await ask('post', '/v1/events', 400, { body: '{"message":', token: null, headers: asEvents });
  await ask('post', '/v1/events', 401, { body: '{}', token: null });
  await ask('post', '/v1/events', 400, { body: '{}', token: null, headers: { ...asEvents, 'Content-Encoding': 'compress' } });
  await ask('post', '/v1/events', 415, { body: '{}', token: null, headers: { ...asEvents, 'Content-Type': 'image/png' } });
  await ask('post', '/v1/events', 413, { body: `{"message":"${'x'.repeat(25 << 20)}"}`, token: null, headers: asEvents });
  const session = '{}\n{"type":"session"}\n{"sid":"0123456789abcdef0123456789abcdef","init":true,"status":"crashed","did":"zoe","attrs":{"release":"shop@1.0","environment":"prod"}}\n';
  await ask('post', '/api/1/envelope/', 200, { body: session, token: null, headers: withKey });
  const items = [
    [{ type: 'sessions' }, { aggregates: [{ started: new Date().toISOString(), exited: 2, errored: 1 }], attrs: { release: 'shop@1.0', environment: 'prod' } }],
    [{ type: 'check_in' }, { check_in_id: 'b'.repeat(32), monitor_slug: 'nightly', status: 'ok', duration: 1.5, monitor_config: { schedule: { type: 'crontab', value: '0 0 * * *' } } }],
    [{ type: 'user_report' }, { event_id: 'c'.repeat(32), name: 'Zoe', email: 'zoe@a.example', comments: 'It broke.' }],
    [{ type: 'transaction' }, { type: 'transaction', event_id: 'd'.repeat(32), transaction: '/cart', start_timestamp: 1795223297.1, timestamp: 1795223297.4, contexts: { trace: { trace_id: 'e'.repeat(32), span_id: 'f'.repeat(16), op: 'http.server', status: 'ok' } } }],
  ];
  for (const [head, item] of items) {
    await ask('post', '/api/1/envelope/', 200, { body: `{}\n${JSON.stringify(head)}\n${JSON.stringify(item)}\n`, token: null, headers: withKey });
  }
  const file = '{"event_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}\n{"type":"event"}\n{"message":"with a file","event_id":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}\n{"type":"attachment","length":3,"filename":"a.txt"}\nabc\n';
  await ask('post', '/api/1/envelope/', 200, { body: file, token: null, headers: withKey });
  await ask('post', '/api/1/envelope/', 400, { body: 'no envelope', token: null, headers: withKey });
  await ask('post', '/api/1/envelope/', 401, { body: '{}\n', token: null });
  await ask('post', '/api/1/store/', 200, { body: { message: 'stored' }, token: null, headers: { 'X-Sentry-Auth': withKey['X-Sentry-Auth'] } });
  await ask('post', '/api/1/store/', 400, { body: 'x', token: null, headers: { 'X-Sentry-Auth': withKey['X-Sentry-Auth'] } });
  const report = { 'csp-report': { 'document-uri': 'https://a.example/', 'violated-directive': 'img-src', 'blocked-uri': 'https://b.example/x.png' } };
  await ask('post', `/api/1/security/?sentry_key=${key}`, 200, { body: report, token: null });
  await ask('post', '/api/1/security/', 401, { body: report, token: null });
  const upload = new FormData();
  upload.append('upload_file_minidump', new Blob(['MDMP and more']), 'crash.dmp');
  await ask('post', `/api/1/minidump/?sentry_key=${key}`, 200, { body: upload, token: null });
  const empty = new FormData();
  empty.append('prod', 'x');
  await ask('post', `/api/1/minidump/?sentry_key=${key}`, 400, { body: empty, token: null });
});

test('people sign in and out as described', async () => {
  await ask('post', '/api/v1/session', 400, { body: 'x', token: null });
  await ask('post', '/api/v1/session', 401, { body: { email: 'a@b.example', password: 'wrong' }, token: null });
  await ask('post', '/api/v1/session', 200, { body: credentials, token: null });
  await ask('get', '/api/v1/session', 401, { token: null });
  await ask('post', '/api/v1/welcome', 404, { body: { token: 'none', email: 'a@b.example', password: 'a long password' }, token: null });
});

test('what is read and changed is as described, and so are the refusals', async () => {
  await waitForIssues(collector, 8);
  const issues = (await ask('get', '/api/v1/issues?limit=100', 200)).items;
  const [first, second, third] = issues;
  let ledger = { totals: {} };
  for (let tries = 0; tries < 40 && !ledger.totals.unknown; ++tries) {
    ledger = await ask('get', '/api/v1/projects/1/ledger', 200);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  assert.equal(ledger.totals.unknown, 2);
  assert.equal(ledger.totals.not_sent, 2);
  const page = await ask('get', '/api/v1/projects/1/ledger?limit=1', 200);
  assert.deepEqual(page.items, ledger.items.slice(0, 1));
  assert.deepEqual((await ask('get', `/api/v1/projects/1/ledger?limit=1&cursor=${page.next_cursor}`, 200)).items, ledger.items.slice(1, 2));
  const projectPaths = ['', '/refusals', '/digest', '/quarantine', '/ledger', '/release-health', '/release-health/hours?release=shop@1.0', '/stats', '/sessions', '/session-counts', '/check-ins', '/feedback', '/transactions'];
  for (const path of projectPaths) {
    const [name, query = ''] = path.split('?');
    await ask('get', `/api/v1/projects/1${name}?${query}`, 200);
    await ask('get', `/api/v1/projects/999${name}`, 404);
    await ask('get', `/api/v1/projects/1${name}`, 401, { token: null });
  }
  for (const path of ['/ledger', '/sessions', '/session-counts', '/check-ins', '/feedback', '/transactions']) {
    await ask('get', `/api/v1/projects/1${path}?limit=0`, 400);
    await ask('get', `/api/v1/projects/1${path}?cursor=x`, 400);
    await waitForItems(`/api/v1/projects/1${path}`);
  }
  for (const path of ['/stats', '/refusals', '/ledger', '/release-health', '/release-health/hours']) {
    await ask('get', `/api/v1/projects/1${path}?from=yesterday`, 400);
  }
  for (const path of ['', '/events', '/stats', '/hashes', '/history', '/tags']) {
    await ask('get', `/api/v1/issues/${first.id}${path}`, 200);
    await ask('get', `/api/v1/issues/999999${path}`, 404);
    await ask('get', `/api/v1/issues/${first.id}${path}`, 401, { token: null });
  }
  for (const path of ['/projects', '/issues', '/events']) await ask('get', `/api/v1${path}`, 401, { token: 'wrong' });
  await ask('get', '/api/v1/projects', 200);
  for (const query of ['limit=0', 'sort=size', 'cursor=x', 'status=gone', 'query=level:loud']) {
    await ask('get', `/api/v1/issues?${query}`, 400);
  }
  for (const query of ['', 'query=le&position=2&project=1', 'query=has:', 'query=release:', 'query=tags%5Bx%5D:']) {
    await ask('get', `/api/v1/issues/completions?${query}`, 200);
  }
  await ask('get', '/api/v1/issues/completions?position=x', 400);
  await ask('get', '/api/v1/issues/completions', 401, { token: null });
  await ask('get', '/api/v1/events?limit=x', 400);
  await ask('get', `/api/v1/issues/${first.id}/events?limit=x`, 400);
  await ask('get', `/api/v1/issues/${first.id}/stats?from=x`, 400);
  const events = (await ask('get', '/api/v1/events?limit=100', 200)).items;
  for (const event of events) {
    await ask('get', `/api/v1/events/1/${event.event_id}`, 200);
    await ask('get', `/api/v1/events/1/${event.event_id}/grouping`, 200);
  }
  await ask('get', `/api/v1/events/1/${'9'.repeat(32)}`, 404);
  await ask('get', '/api/v1/events/1/short', 400);
  await ask('get', `/api/v1/events/1/${'9'.repeat(32)}/grouping`, 404);
  const files = (await ask('get', `/api/v1/events/1/${'a'.repeat(32)}/attachments`, 200)).items;
  assert.equal(files.length, 1);
  await ask('get', `/api/v1/events/1/${'a'.repeat(32)}/attachments/${files[0].id}`, 200);
  await ask('get', `/api/v1/events/1/${'a'.repeat(32)}/attachments/none`, 404);

  for (const body of [{ status: 'resolved' }, { status: 'unresolved' }, { assignee: 'zoe' }]) {
    await ask('patch', `/api/v1/issues/${first.id}`, 200, { body });
  }
  await ask('patch', `/api/v1/issues/${first.id}`, 400, { body: { status: 'gone' } });
  await ask('patch', `/api/v1/issues/${first.id}`, 403, { body: { status: 'resolved' }, token: collector.token });
  await ask('patch', '/api/v1/issues/999999', 404, { body: { status: 'resolved' } });
  await ask('get', `/api/v1/issues/${first.id}/history`, 200);
  await ask('post', `/api/v1/issues/${second.id}/merge`, 200, { body: { issues: [third.id] } });
  await ask('post', `/api/v1/issues/${second.id}/merge`, 400, { body: { issues: 'all' } });
  await ask('post', `/api/v1/issues/${second.id}/merge`, 404, { body: { issues: ['999999'] } });
  const hashes = (await ask('get', `/api/v1/issues/${second.id}/hashes`, 200)).items;
  await ask('post', `/api/v1/issues/${second.id}/unmerge`, 409, { body: { hashes: hashes.map((hash) => hash.id) } });
  await ask('post', `/api/v1/issues/${second.id}/unmerge`, 201, { body: { hashes: [hashes[0].id] } });
  await ask('patch', '/api/v1/projects/1/digest', 200, { body: {} });
  await ask('patch', '/api/v1/projects/1/digest', 400, { body: { nothing: 1 } });
  await ask('patch', '/api/v1/projects/999/digest', 404, { body: {} });
});

test('exports hold what the lists show, line by line', async () => {
  const exported = { issues: 'Issue', events: 'Event' };
  for (const [what, schema] of Object.entries(exported)) {
    const path = `/api/v1/${what}/export`;
    const lines = (await ask('get', path, 200)).trimEnd().split('\n');
    for (const line of lines) check(JSON.parse(line), schema);
    assert.equal(lines.length, (await ask('get', `/api/v1/${what}?limit=100`, 200)).items.length);
    const table = (await ask('get', `${path}?format=csv`, 200)).split('\r\n');
    const described = operationOf('get', path).operation.responses[200].description;
    const names = described.split('CSV: ')[1].replace(' (its name)', '').replace('.', '');
    assert.equal(table[0], names.replaceAll(', ', ','));
    await ask('get', `${path}?format=xml`, 400);
    await ask('get', path, 401, { token: null });
  }
});

test('projects and keys are made, changed and deleted as described', async () => {
  const asAdmin = { token: collector.adminToken };
  const made = await ask('post', '/api/v1/projects', 201, { ...asAdmin, body: { name: 'shop' } });
  await ask('post', '/api/v1/projects', 400, { ...asAdmin, body: {} });
  await ask('post', '/api/v1/projects', 401, { token: null, body: { name: 'x' } });
  await ask('post', '/api/v1/projects', 403, { body: { name: 'x' } });
  await ask('post', '/api/v1/projects', 409, { ...asAdmin, body: { name: 'shop' } });
  const project = `/api/v1/projects/${made.id}`;
  const settings = { require_signature: true, allowed_origins: ['*.example'], allowed_ips: ['10.0.0.0/8'], rate_limit_per_hour: 'pro' };
  await ask('patch', project, 200, { ...asAdmin, body: { name: 'store', ...settings } });
  await ask('patch', project, 400, { ...asAdmin, body: { allowed_ips: ['x'] } });
  await ask('patch', project, 403, { body: {} });
  await ask('patch', project, 409, { ...asAdmin, body: { name: 'default' } });
  await ask('patch', '/api/v1/projects/999', 404, { ...asAdmin, body: {} });
  const created = await ask('post', `${project}/keys`, 201, { ...asAdmin, body: { with_secret: true } });
  await ask('post', `${project}/keys`, 201, asAdmin);
  await ask('post', `${project}/keys`, 400, { ...asAdmin, body: { rate_limit_per_hour: 'lots' } });
  await ask('post', `${project}/keys`, 403, {});
  await ask('get', `${project}/keys`, 200);
  await ask('get', '/api/v1/projects/999/keys', 404);
  await ask('get', `${project}/keys`, 401, { token: null });
  const path = `${project}/keys/${created.public_key}`;
  await ask('patch', path, 200, { ...asAdmin, body: { is_active: false, rate_limit_per_hour: 5 } });
  await ask('patch', path, 400, { ...asAdmin, body: { is_active: 'no' } });
  await ask('patch', path, 403, { body: {} });
  await ask('delete', path, 403, {});
  await ask('delete', path, 204, asAdmin);
  await ask('delete', path, 404, asAdmin);
  await ask('patch', path, 404, { ...asAdmin, body: { is_active: true } });
  for (const key of (await ask('get', `${project}/keys`, 200)).items) await ask('delete', `${project}/keys/${key.public_key}`, 204, asAdmin);
  await ask('get', project, 200);
  await ask('delete', project, 400, asAdmin);
  await ask('delete', `${project}?confirm=store`, 403, {});
  await ask('delete', `${project}?confirm=store`, 204, asAdmin);
  await ask('delete', `${project}?confirm=store`, 404, asAdmin);
});

test('the data of a user is told and erased as described', async () => {
  const asAdmin = { token: collector.adminToken };
  const body = { user: ['id:1'], project_id: '1' };
  await ask('get', '/api/v1/users/report-key', 200);
  await ask('get', '/api/v1/users/report-key', 401, { token: null });
  const lines = (await ask('post', '/api/v1/users/export', 200, { ...asAdmin, body })).trimEnd().split('\n');
  assert.ok(lines.some((line) => JSON.parse(line).title === 'another'));
  for (const path of ['/api/v1/users/export', '/api/v1/users/purges']) {
    await ask('post', path, 400, { ...asAdmin, body: { user: ['ada'] } });
    await ask('post', path, 401, { token: null, body });
    await ask('post', path, 403, { body });
    await ask('post', path, 404, { ...asAdmin, body: { ...body, project_id: '999' } });
  }
  for (const dry_run of [true, false]) {
    let purge = await ask('post', '/api/v1/users/purges', 202, { ...asAdmin, body: { ...body, dry_run } });
    for (const deadline = Date.now() + 20_000; purge.state === 'running'; await new Promise((resolve) => setTimeout(resolve, 50))) {
      assert.ok(Date.now() < deadline);
      purge = await ask('get', `/api/v1/users/purges/${purge.id}`, 200, asAdmin);
    }
    assert.equal(purge.counts?.events, 1, JSON.stringify(purge));
    assert.equal(purge.report === null, dry_run);
  }
  await ask('get', '/api/v1/users/purges/unknown', 404, asAdmin);
  await ask('get', '/api/v1/users/purges/unknown', 403, {});
});

test('a stream tells of issues and totals as described', async () => {
  await ask('get', '/api/v1/stream?project=x', 400);
  await ask('get', '/api/v1/stream?project=999', 404);
  await ask('get', '/api/v1/stream', 401, { token: null });
  const reading = readStream('/api/v1/stream', ['stats', 'issue']);
  const sending = setInterval(() => sendEvent(collector, { message: 'watched' }).catch(() => {}), 200);
  const { stats, issue } = await reading.finally(() => clearInterval(sending));
  check(stats, 'LiveTotals');
  check(issue, 'LiveIssue');
  const { missed } = await readStream('/api/v1/stream', ['missed'], { 'Last-Event-ID': 'of-another-run-1' });
  check(missed, 'LiveMissed');
});

test('every route that is described was asked', () => {
  const missing = Object.entries(description.paths).flatMap(([pattern, methods]) =>
    Object.keys(methods)
      .map((method) => `${method} ${pattern}`)
      .filter((name) => ![...answered].some((one) => one.startsWith(`${name} `))),
  );
  // A session's cookie is for browsers: the dashboard's tests end one.
  assert.deepEqual(missing, ['delete /api/v1/session']);
});
