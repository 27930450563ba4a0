import { useRef, useState } from 'react';
import { useLocation } from 'wouter';

import { type IssueFilter, useIssues, useProjects } from '../api/queries';
import { ErrorNotice } from '../components/ErrorNotice';
import { IssueFilters } from '../components/IssueFilters';
import { IssueTable } from '../components/IssueTable';
import { NoIssues } from '../components/NoIssues';
import { useListKeys } from '../components/useListKeys';

export function IssueListPage() {
  const [filter, setFilter] = useState<IssueFilter>({ sort: 'last_seen' });
  const search = useRef<HTMLInputElement>(null);
  const [, navigate] = useLocation();
  const projects = useProjects();
  const issues = useIssues(filter);
  const rows = issues.data?.pages.flatMap((page) => page.items) ?? [];
  const selected = useListKeys(
    rows.length,
    (index) => navigate(`/issues/${rows[index]?.id}`),
    () => search.current?.focus(),
  );
  const isFiltered = Boolean(filter.project || filter.status || filter.level || filter.query);
  return (
    <>
      <h1 className="sr-only">Issues</h1>
      <IssueFilters filter={filter} onChange={setFilter} projects={projects.data?.items ?? []} searchRef={search} />
      {issues.error && <ErrorNotice error={issues.error} onRetry={() => void issues.refetch()} />}
      {issues.isPending && <p className="p-4 text-muted">Loading…</p>}
      {issues.data && rows.length === 0 && <NoIssues isFiltered={isFiltered} projects={projects.data?.items ?? []} />}
      {rows.length > 0 && <IssueTable issues={rows} selected={selected} />}
      {issues.hasNextPage && (
        <button
          type="button"
          onClick={() => void issues.fetchNextPage()}
          disabled={issues.isFetchingNextPage}
          className="m-4 rounded-md border border-line px-4 py-2 hover:bg-raised"
        >
          Load more
        </button>
      )}
    </>
  );
}
