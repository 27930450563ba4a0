import { describe, expect, it } from 'vitest';

import { viewEvent } from './view';

describe('viewEvent', () => {
  it('takes exceptions as an object, a list and {values}, and shows the outermost first', () => {
    const chain = [{ type: 'Cause' }, { type: 'Outer' }];
    expect(viewEvent({ exception: { values: chain } }).exceptions.map((e) => e.type)).toEqual(['Outer', 'Cause']);
    expect(viewEvent({ exception: chain }).exceptions.map((e) => e.type)).toEqual(['Outer', 'Cause']);
    expect(viewEvent({ exception: chain[0] }).exceptions.map((e) => e.type)).toEqual(['Cause']);
  });

  it('shows the innermost frame first, with its source lines numbered', () => {
    const frames = [
      { function: 'main', in_app: true },
      { function: 'run', filename: 'a.js', lineno: 10, colno: 3, context_line: 'x()', pre_context: ['a', 'b'], post_context: ['c'] },
    ];
    const [exception] = viewEvent({ exception: [{ type: 'E', stacktrace: { frames } }] }).exceptions;
    expect(exception?.frames.map((f) => f.functionName)).toEqual(['run', 'main']);
    expect(exception?.frames[0]?.place).toBe('a.js:10:3');
    expect(exception?.frames[0]?.source.map((line) => [line.number, line.isCurrent])).toEqual([
      [8, false],
      [9, false],
      [10, true],
      [11, false],
    ]);
  });

  it('takes breadcrumbs as a list and as {values}, with times as seconds and as text', () => {
    const view = viewEvent({ breadcrumbs: [{ timestamp: 1, message: 'a' }] });
    expect(view.breadcrumbs[0]?.time?.toISOString()).toBe('1970-01-01T00:00:01.000Z');
    const other = viewEvent({ breadcrumbs: { values: [{ timestamp: '2026-11-21T10:00:00', message: 'b' }] } });
    expect(other.breadcrumbs[0]?.time?.toISOString()).toBe('2026-11-21T10:00:00.000Z');
  });

  it('takes tags as an object and as pairs', () => {
    expect(viewEvent({ tags: { a: true, b: 2 } }).tags).toEqual([
      { key: 'a', value: 'true' },
      { key: 'b', value: '2' },
    ]);
    expect(viewEvent({ tags: [['a', 'x']] }).tags).toEqual([{ key: 'a', value: 'x' }]);
  });

  it('prefers the formatted message', () => {
    expect(viewEvent({ logentry: { message: 'hi %s', formatted: 'hi you' } }).message).toBe('hi you');
    expect(viewEvent({ message: 'plain' }).message).toBe('plain');
  });

  it.each([null, undefined, 7, 'text', [], { exception: null, breadcrumbs: 'x', tags: 3, contexts: [], request: 1, threads: {} }])(
    'makes an empty view of %j',
    (payload) => {
      const view = viewEvent(payload);
      expect(view.exceptions).toEqual([]);
      expect(view.tags).toEqual([]);
      expect(view.request).toEqual([]);
    },
  );
});
