import { useEffect, useRef } from 'react';
import { Link } from 'wouter';

import type { Issue } from '../api/queries';
import { LevelBadge } from './LevelBadge';
import { RelativeTime } from './RelativeTime';
import { Sparkline } from './Sparkline';

const wide = 'hidden md:table-cell';

export function IssueTable({ issues, selected }: { issues: Issue[]; selected: number }) {
  return (
    <table className="w-full table-fixed">
      <thead>
        <tr className="border-b border-line text-left text-xs text-muted">
          <th scope="col" className="px-4 py-2 font-medium">
            Issue
          </th>
          <th scope="col" className={`${wide} w-32 px-2 font-medium`}>
            14 days
          </th>
          <th scope="col" className="w-16 px-2 text-right font-medium">
            Events
          </th>
          <th scope="col" className={`${wide} w-16 px-2 text-right font-medium`}>
            Users
          </th>
          <th scope="col" className={`${wide} w-28 px-2 font-medium`}>
            First seen
          </th>
          <th scope="col" className="w-24 px-2 font-medium md:w-28">
            Last seen
          </th>
        </tr>
      </thead>
      <tbody>
        {issues.map((issue, index) => (
          <IssueRow key={issue.id} issue={issue} isSelected={index === selected} />
        ))}
      </tbody>
    </table>
  );
}

function IssueRow({ issue, isSelected }: { issue: Issue; isSelected: boolean }) {
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (isSelected) row.current?.scrollIntoView({ block: 'nearest' });
  }, [isSelected]);
  return (
    <tr
      ref={row}
      aria-selected={isSelected}
      className={`border-b border-line hover:bg-raised ${isSelected ? 'bg-raised shadow-[inset_3px_0_0_var(--accent)]' : ''}`}
    >
      <td className="px-4 py-2">
        <Link href={`/issues/${issue.id}`} className="block truncate font-medium hover:underline" title={issue.title}>
          {issue.title}
        </Link>
        <span className="flex items-center gap-2 pt-0.5">
          <LevelBadge level={issue.level} />
          <span className="truncate font-mono text-xs text-muted">{issue.culprit}</span>
        </span>
      </td>
      <td className={`${wide} px-2`}>
        <Sparkline counts={issue.daily_counts} className="h-6 w-28" />
      </td>
      <td className="px-2 text-right tabular-nums">{issue.count.toLocaleString()}</td>
      <td className={`${wide} px-2 text-right tabular-nums`}>{issue.user_count.toLocaleString()}</td>
      <td className={`${wide} px-2 text-muted`}>
        <RelativeTime time={issue.first_seen} />
      </td>
      <td className="px-2 text-muted">
        <RelativeTime time={issue.last_seen} />
      </td>
    </tr>
  );
}
