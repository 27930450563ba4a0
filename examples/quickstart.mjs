// The quickstart's questions to the collector's API.
//
//   node quickstart.mjs dsn URL TOKEN       prints the DSN of the first project
//   node quickstart.mjs verify URL TOKEN    waits until the examples' issues are there and lists them
const [command, url, token] = process.argv.slice(2);
const deadline = Date.now() + 30_000;

async function get(path) {
  const response = await fetch(url + path, { headers: { authorization: `Bearer ${token}` } });
  const body = await response.json();
  if (!response.ok) throw new Error(`GET ${path} answered ${response.status}: ${body.error.message}`);
  return body;
}

// What each example reports: one issue each, found by its title.
const expected = [
  ['hello-error', /^shop::OrderError: /],
  ['hello-error --crash', /^shop::StockError: /],
  ['hello-error --segfault', /^SIGSEGV: /],
  ['hello-c', /^ConfigError: /],
  ['hello-sentry-node', /^PaymentError: /],
];

function missingFrom(issues) {
  return expected.filter(([, title]) => !issues.some((issue) => title.test(issue.title)));
}

async function verify() {
  let issues = [];
  while (true) {
    issues = (await get('/api/v1/issues?limit=100')).items;
    const missing = missingFrom(issues);
    if (missing.length === 0) break;
    if (Date.now() > deadline) {
      console.error(`quickstart: no issue arrived from ${missing.map(([example]) => example).join(', ')}`);
      process.exit(1);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  for (const { level, count, title, culprit } of issues) {
    console.log(`${level.padEnd(8)}${String(count).padStart(4)}  ${title}${culprit ? `  (${culprit})` : ''}`);
  }
}

if (command === 'dsn') {
  console.log((await get('/api/v1/projects')).items[0].dsn);
} else if (command === 'verify') {
  await verify();
} else {
  console.error('usage: node quickstart.mjs dsn|verify URL TOKEN');
  process.exit(2);
}
