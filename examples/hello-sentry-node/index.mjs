// Reports errors of a Node program through @sentry/node, which knows nothing of Trapline: only its DSN points there.
//
//     TRAPLINE_DSN=http://<key>@127.0.0.1:8790/1 node index.mjs
import * as Sentry from '@sentry/node';

const dsn = process.argv[2] ?? process.env.TRAPLINE_DSN;
if (!dsn) {
  console.error('hello-sentry-node: set TRAPLINE_DSN to the DSN of a project.');
  process.exit(2);
}
Sentry.init({ dsn, release: 'hello-sentry-node@1.0.0', environment: 'example' });

class PaymentError extends Error {
  name = 'PaymentError';
}

function readCart(cart) {
  return cart.items.length;
}

function checkout(order) {
  try {
    return readCart(undefined);
  } catch (cause) {
    throw new PaymentError(`payment failed for order ${order}`, { cause });
  }
}

Sentry.setUser({ id: '43', username: 'ada' });
Sentry.setTag('shop', 'berlin');
Sentry.addBreadcrumb({ category: 'cart', message: 'checkout opened' });
try {
  checkout(4711);
} catch (error) {
  console.log(`An order fails, is caught and reported: event ${Sentry.captureException(error)}`);
}
console.log(`A message: event ${Sentry.captureMessage('order 4711 is tried again', 'warning')}`);

const isSent = await Sentry.flush(5_000);
if (!isSent) console.error('hello-sentry-node: not all events were sent in 5 seconds.');
process.exit(isSent ? 0 : 1);
