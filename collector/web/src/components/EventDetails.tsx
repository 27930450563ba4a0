import type { EventRecord } from '../api/queries';
import { type EventView, type ExceptionView, type KeyValue, viewEvent } from '../event/view';
import { Breadcrumbs } from './Breadcrumbs';
import { KeyValueTable } from './KeyValueTable';
import { RawJson } from './RawJson';
import { Section } from './Section';
import { Stacktrace } from './Stacktrace';

export function EventDetails({ event }: { event: EventRecord }) {
  const view = viewEvent(event.payload);
  return (
    <>
      <Facts event={event} view={view} />
      {view.message && view.exceptions.every((exception) => exception.value !== view.message) && (
        <Section title="Message">
          <p className="rounded-md border border-line px-3 py-2 break-words whitespace-pre-wrap">{view.message}</p>
        </Section>
      )}
      {view.exceptions.map((exception, index) => (
        <Section key={index} title={index === 0 ? 'Exception' : 'Caused by'}>
          <Exception exception={exception} />
        </Section>
      ))}
      {view.threads.map((thread, index) => (
        <Section key={index} title={thread.name}>
          <Stacktrace frames={thread.frames} />
        </Section>
      ))}
      {view.breadcrumbs.length > 0 && (
        <Section title="Breadcrumbs">
          <Breadcrumbs breadcrumbs={view.breadcrumbs} />
        </Section>
      )}
      <Table title="Tags" entries={view.tags} />
      <Table title="User" entries={view.user} />
      <Table title="Request" entries={view.request} />
      {view.contexts.map((context) => (
        <Table key={context.name} title={`Context: ${context.name}`} entries={context.values} />
      ))}
      <Table title="Extra" entries={view.extra} />
      <RawJson value={event.payload} />
    </>
  );
}

function Facts({ event, view }: { event: EventRecord; view: EventView }) {
  const facts: KeyValue[] = [
    { key: 'Event', value: event.event_id },
    { key: 'Time', value: new Date(event.timestamp).toLocaleString() },
    { key: 'Release', value: event.release },
    { key: 'Environment', value: event.environment },
    { key: 'Server', value: event.server_name },
    { key: 'SDK', value: view.sdk },
  ];
  return <KeyValueTable entries={facts.filter((fact) => fact.value !== '')} />;
}

function Exception({ exception }: { exception: ExceptionView }) {
  return (
    <>
      <p className="mb-2 break-words whitespace-pre-wrap">
        {exception.type && <span className="font-semibold">{exception.type}</span>}
        {exception.type && exception.value && ': '}
        {exception.value}
        {exception.isUnhandled && (
          <span className="ml-3 rounded border border-fatal/50 px-1.5 text-xs text-fatal">unhandled</span>
        )}
      </p>
      {exception.frames.length > 0 && <Stacktrace frames={exception.frames} />}
    </>
  );
}

function Table({ title, entries }: { title: string; entries: KeyValue[] }) {
  if (entries.length === 0) return null;
  return (
    <Section title={title}>
      <KeyValueTable entries={entries} />
    </Section>
  );
}
