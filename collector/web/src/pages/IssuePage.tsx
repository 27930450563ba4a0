import { Link } from 'wouter';

import { type EventRecord, type Issue, useEvent, useIssue } from '../api/queries';
import { ErrorNotice } from '../components/ErrorNotice';
import { EventDetails } from '../components/EventDetails';
import { LevelBadge } from '../components/LevelBadge';
import { RelativeTime } from '../components/RelativeTime';
import { Sparkline } from '../components/Sparkline';

export function IssuePage({ id, eventId }: { id: string; eventId?: string }) {
  const issue = useIssue(id);
  const event = useEvent(issue.data, eventId);
  if (issue.error) return <ErrorNotice error={issue.error} onRetry={() => void issue.refetch()} />;
  if (!issue.data) return <p className="p-4 text-muted">Loading…</p>;
  return (
    <article className="mx-auto max-w-5xl p-4">
      <Headline issue={issue.data} />
      {event.error && <ErrorNotice error={event.error} onRetry={() => void event.refetch()} />}
      {event.data && (
        <>
          <EventPager issueId={id} event={event.data} />
          <EventDetails key={event.data.event_id} event={event.data} />
        </>
      )}
    </article>
  );
}

function Headline({ issue }: { issue: Issue }) {
  return (
    <header>
      <Link href="/issues" className="text-muted hover:underline">
        ← Issues
      </Link>
      <h1 className="mt-2 text-xl font-semibold break-words">{issue.title}</h1>
      <p className="mt-1 flex flex-wrap items-center gap-2 text-muted">
        <LevelBadge level={issue.level} />
        <span>{issue.status}</span>
        <span className="font-mono text-[13px] break-all">{issue.culprit}</span>
      </p>
      <dl className="mt-4 flex flex-wrap items-end gap-x-8 gap-y-2">
        <Figure name="Events" value={issue.count.toLocaleString()} />
        <Figure name="Users" value={issue.user_count.toLocaleString()} />
        <div>
          <dt className="text-xs text-muted">First seen</dt>
          <dd>
            <RelativeTime time={issue.first_seen} />
          </dd>
        </div>
        <div>
          <dt className="text-xs text-muted">Last seen</dt>
          <dd>
            <RelativeTime time={issue.last_seen} />
          </dd>
        </div>
        <div className="grow">
          <dt className="text-xs text-muted">Last 14 days</dt>
          <dd>
            <Sparkline counts={issue.daily_counts} className="h-10 w-full max-w-md" />
          </dd>
        </div>
      </dl>
    </header>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt className="text-xs text-muted">{name}</dt>
      <dd className="text-lg font-semibold tabular-nums">{value}</dd>
    </div>
  );
}

function EventPager({ issueId, event }: { issueId: string; event: EventRecord }) {
  return (
    <nav aria-label="Events of this issue" className="my-4 flex gap-2 border-t border-line pt-4">
      <Step label="← Older event" issueId={issueId} eventId={event.older_event_id} />
      <Step label="Newer event →" issueId={issueId} eventId={event.newer_event_id} />
    </nav>
  );
}

function Step({ label, issueId, eventId }: { label: string; issueId: string; eventId: string | null | undefined }) {
  const shape = 'rounded-md border border-line px-3 py-1';
  if (!eventId) return <span className={`${shape} text-muted opacity-50`}>{label}</span>;
  return (
    <Link href={`/issues/${issueId}/events/${eventId}`} className={`${shape} hover:bg-raised`}>
      {label}
    </Link>
  );
}
