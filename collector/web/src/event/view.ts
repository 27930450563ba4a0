import { asList, asNumber, asObject, asText, display, type JsonObject, valuesOf } from './json';

/** An event's payload as the issue page shows it. */
export interface EventView {
  message: string;
  exceptions: ExceptionView[];
  threads: ThreadView[];
  breadcrumbs: BreadcrumbView[];
  tags: KeyValue[];
  user: KeyValue[];
  request: KeyValue[];
  contexts: { name: string; values: KeyValue[] }[];
  extra: KeyValue[];
  sdk: string;
}

export interface KeyValue {
  key: string;
  value: string;
}

export interface ExceptionView {
  type: string;
  value: string;
  isUnhandled: boolean;
  frames: FrameView[];
}

export interface ThreadView {
  name: string;
  frames: FrameView[];
}

/** One call; the innermost is first in its list. */
export interface FrameView {
  functionName: string;
  place: string;
  isInApp: boolean;
  module: string;
  address: string;
  source: { number: number; text: string; isCurrent: boolean }[];
  variables: KeyValue[];
}

export interface BreadcrumbView {
  time: Date | undefined;
  category: string;
  level: string;
  message: string;
  data: string;
}

export function viewEvent(payload: unknown): EventView {
  const event = asObject(payload) ?? {};
  const message = viewMessage(event);
  const exceptions = valuesOf(event.exception)
    .map(viewException)
    // Clients dress a message's stack as an exception without a type.
    .filter((exception) => exception.type || exception.value || exception.frames.length > 0)
    .reverse();
  return {
    message,
    exceptions,
    threads: valuesOf(event.threads)
      .map(viewThread)
      .filter((thread) => thread.frames.length > 0),
    breadcrumbs: valuesOf(Array.isArray(event.breadcrumbs) ? { values: event.breadcrumbs } : event.breadcrumbs).map(viewBreadcrumb),
    tags: viewTags(event.tags),
    user: keyValues(event.user),
    request: viewRequest(asObject(event.request)),
    contexts: Object.entries(asObject(event.contexts) ?? {})
      .map(([name, values]) => ({ name, values: keyValues(values).filter((entry) => entry.key !== 'type') }))
      .filter((context) => context.values.length > 0),
    extra: keyValues(event.extra),
    sdk: [asText(asObject(event.sdk)?.name), asText(asObject(event.sdk)?.version)].filter(Boolean).join(' '),
  };
}

function viewMessage(event: JsonObject): string {
  const entry = asObject(event.logentry) ?? asObject(event.message);
  return asText(entry?.formatted) || asText(entry?.message) || asText(event.message);
}

function viewException(exception: JsonObject): ExceptionView {
  return {
    type: asText(exception.type),
    value: asText(exception.value),
    isUnhandled: asObject(exception.mechanism)?.handled === false,
    frames: viewFrames(exception.stacktrace),
  };
}

function viewThread(thread: JsonObject): ThreadView {
  return { name: asText(thread.name) || `Thread ${asText(thread.id)}`, frames: viewFrames(thread.stacktrace) };
}

function viewFrames(stacktrace: unknown): FrameView[] {
  const frames = asList(asObject(stacktrace)?.frames).map(asObject);
  return frames
    .filter((frame) => frame !== undefined)
    .map(viewFrame)
    .reverse();
}

function viewFrame(frame: JsonObject): FrameView {
  const file = asText(frame.filename) || asText(frame.abs_path) || asText(frame.module);
  const line = asNumber(frame.lineno);
  const column = asNumber(frame.colno);
  const position = [line, column].filter((part) => part !== undefined).join(':');
  return {
    functionName: asText(frame.function) || '(unknown function)',
    place: file && position ? `${file}:${position}` : file,
    isInApp: frame.in_app === true,
    module: asText(frame.package),
    address: asText(frame.instruction_addr),
    source: viewSource(frame, line),
    variables: keyValues(frame.vars),
  };
}

function viewSource(frame: JsonObject, line: number | undefined): FrameView['source'] {
  if (typeof frame.context_line !== 'string' || line === undefined) return [];
  const before = asList(frame.pre_context).map(asText);
  const after = asList(frame.post_context).map(asText);
  return [...before, frame.context_line, ...after].map((text, index) => ({
    number: line - before.length + index,
    text,
    isCurrent: index === before.length,
  }));
}

function viewBreadcrumb(breadcrumb: JsonObject): BreadcrumbView {
  const data = asObject(breadcrumb.data);
  return {
    time: viewTime(breadcrumb.timestamp),
    category: asText(breadcrumb.category) || asText(breadcrumb.type),
    level: asText(breadcrumb.level) || 'info',
    message: asText(breadcrumb.message),
    data: data && Object.keys(data).length > 0 ? display(data) : '',
  };
}

/** Seconds, or RFC 3339 without a zone meaning UTC. */
function viewTime(value: unknown): Date | undefined {
  const seconds = asNumber(value);
  const text = asText(value);
  const hasZone = /(Z|[+-]\d\d:?\d\d)$/i.test(text);
  const time = seconds !== undefined ? new Date(seconds * 1000) : new Date(hasZone ? text : `${text}Z`);
  return Number.isNaN(time.getTime()) ? undefined : time;
}

function viewTags(tags: unknown): KeyValue[] {
  if (!Array.isArray(tags)) return keyValues(tags);
  return tags.flatMap((pair) => (Array.isArray(pair) ? [{ key: asText(pair[0]), value: display(pair[1]) }] : []));
}

function viewRequest(request: JsonObject | undefined): KeyValue[] {
  if (!request) return [];
  const headers = Array.isArray(request.headers) ? viewTags(request.headers) : keyValues(request.headers);
  return [
    { key: 'URL', value: [asText(request.method), asText(request.url)].filter(Boolean).join(' ') },
    { key: 'Query', value: display(request.query_string ?? undefined) },
    { key: 'Body', value: display(request.data ?? undefined) },
    ...headers,
  ].filter((entry) => entry.value !== '' && entry.value !== '""');
}

function keyValues(value: unknown): KeyValue[] {
  return Object.entries(asObject(value) ?? {})
    .filter(([, entry]) => entry !== null && entry !== undefined && entry !== '')
    .map(([key, entry]) => ({ key, value: display(entry) }));
}
