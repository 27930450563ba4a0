// The SDK's way to servers that need more than plain HTTP: TLS with a certificate authority of one's own, proxies, and
// Sentry's protocol.
import assert from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import zlib from 'node:zlib';

const folder = mkdtempSync(join(tmpdir(), 'trapline-delivery-'));
test.after(() => rmSync(folder, { recursive: true }));

const key = '5f0e1d2c3b4a59687f6e5d4c3b2a1908';

/** A certificate of its own authority for 127.0.0.1. */
function makeCertificate(name) {
  const [keyFile, certFile] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`,
    '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', keyFile, '-out', certFile], { stdio: 'pipe' });
  return { key: readFileSync(keyFile), cert: readFileSync(certFile), certFile };
}

/** Answers 202 to everything and remembers the requests. */
function recorder() {
  const requests = [];
  const handle = (request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ url: request.url, headers: request.headers, body: zlib.gunzipSync(Buffer.concat(chunks)).toString() });
      response.writeHead(202, { 'Content-Type': 'application/json' });
      response.end('{}');
    });
  };
  return { requests, handle };
}

async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server.address().port;
}

/** Runs the test program to its end; answers its exit status. */
function run(dsn, dataFolder, env = {}, flush = '20000') {
  const child = spawn(process.env.TRAPLINE_NUMBER_PROGRAM, ['0', '5', '0', flush], {
    env: { ...process.env, TEST_DSN: dsn, TEST_FOLDER: join(folder, dataFolder), ...env },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve) => child.once('exit', resolve));
}

test('over TLS with a certificate authority of its own events arrive; without it they are kept', async () => {
  const own = makeCertificate('own');
  const other = makeCertificate('other');
  const { requests, handle } = recorder();
  const server = https.createServer(own, handle);
  const dsn = `https://${key}@127.0.0.1:${await listen(server)}/1`;
  assert.equal(await run(dsn, 'tls', {}, '1500'), 1);
  assert.equal(await run(dsn, 'tls', { TEST_CA_FILE: other.certFile }, '1500'), 1);
  assert.equal(requests.length, 0);
  assert.equal(await run(dsn, 'tls', { TEST_CA_FILE: own.certFile }), 0);
  const events = requests.flatMap((request) => request.body.trim().split('\n').slice(1));
  assert.equal(events.length, 15);
  server.close();
  server.closeAllConnections();
});

test('a proxy is used when it is asked for, and when the environment names it', async () => {
  const { requests, handle } = recorder();
  const proxy = http.createServer(handle);
  const address = `http://127.0.0.1:${await listen(proxy)}`;
  const dsn = `http://${key}@errors.example.com/1`;
  assert.equal(await run(dsn, 'proxy', { TEST_PROXY: address }), 0);
  assert.equal(requests.at(-1).url, 'http://errors.example.com/v1/events');
  assert.equal(await run(dsn, 'proxy', { http_proxy: address }), 0);
  assert.equal(requests.length, 2);
  proxy.close();
  proxy.closeAllConnections();
});

test("Sentry's protocol: one envelope an event, with its modules in it", async () => {
  const { requests, handle } = recorder();
  const server = http.createServer(handle);
  const dsn = `http://${key}@127.0.0.1:${await listen(server)}/1`;
  assert.equal(await run(dsn, 'sentry', { TEST_PROTOCOL: 'sentry' }), 0);
  assert.equal(requests.length, 5);
  assert.equal(requests[0].url, '/api/1/envelope/');
  const [header, item, payload] = requests[0].body.split('\n');
  const event = JSON.parse(payload);
  assert.equal(JSON.parse(header).event_id, event.event_id);
  assert.equal(JSON.parse(item).length, Buffer.byteLength(payload));
  assert.match(event.message, /^event \d$/);
  assert.ok(event.debug_meta.images.length > 3);
  server.close();
  server.closeAllConnections();
});

/** Runs a program with a DSN in its environment. */
function runProgram(program, dsn, dataFolder, ...args) {
  const env = { ...process.env, TRAPLINE_DSN: dsn, TRAPLINE_FOLDER: join(folder, dataFolder) };
  const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'inherit'] });
  return new Promise((resolve) => child.once('exit', resolve));
}

/** The events of all batches. */
function eventsOf(requests) {
  return requests.flatMap((request) => request.body.trim().split('\n').slice(1)).map((line) => JSON.parse(line));
}

test('what a program logs by spdlog and by a stream becomes breadcrumbs and events', async () => {
  const { requests, handle } = recorder();
  const server = http.createServer(handle);
  const dsn = `http://${key}@127.0.0.1:${await listen(server)}/1`;
  assert.equal(await runProgram(process.env.TRAPLINE_LOGGING_EXAMPLE, dsn, 'logging'), 0);
  const events = eventsOf(requests);
  assert.deepEqual(events.map((event) => event.message), ['order 4711 could not be placed', 'order 4712 is lost']);
  assert.equal(events[0].breadcrumbs.values[0].message, 'the cart was opened');
  server.close();
  server.closeAllConnections();
});

test('a failed request of libcurl is an event, with the request as breadcrumb', async () => {
  const { requests, handle } = recorder();
  const server = http.createServer(handle);
  const dsn = `http://${key}@127.0.0.1:${await listen(server)}/1`;
  const failing = http.createServer((_, response) => response.writeHead(500).end());
  const url = `http://127.0.0.1:${await listen(failing)}/orders?token=secret`;
  assert.equal(await runProgram(process.env.TRAPLINE_CURL_PROGRAM, dsn, 'curl', url), 0);
  const [event] = eventsOf(requests);
  assert.equal(event.exception.values[0].type, 'HttpError');
  assert.equal(event.breadcrumbs.values[0].data.status_code, 500);
  assert.ok(!JSON.stringify(event).includes('secret'));
  for (const one of [server, failing]) {
    one.close();
    one.closeAllConnections();
  }
});
