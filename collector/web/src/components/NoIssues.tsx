import type { Project } from '../api/queries';

export function NoIssues({ isFiltered, projects }: { isFiltered: boolean; projects: Project[] }) {
  if (isFiltered) return <p className="p-8 text-center text-muted">No issue fits this search.</p>;
  const dsn = projects[0]?.dsn ?? '';
  return (
    <div className="mx-auto max-w-2xl p-8">
      <h2 className="text-lg font-semibold">No errors yet</h2>
      <p className="mt-2 text-muted">Give a program this DSN, in libtrapline or in any Sentry SDK. Issues appear here by themselves.</p>
      <pre className="mt-4 overflow-x-auto rounded-md border border-line bg-raised p-3 font-mono text-[13px]">{dsn}</pre>
      <p className="mt-4 text-muted">Or send one event by hand:</p>
      <pre className="mt-2 overflow-x-auto rounded-md border border-line bg-raised p-3 font-mono text-[13px]">
        {`curl ${location.origin}/v1/events \\
  -H 'Authorization: Trapline ${dsn.replace(/^.*\/\/|@.*$/g, '')}' \\
  -H 'Content-Type: application/json' \\
  -d '{"message": "hello"}'`}
      </pre>
    </div>
  );
}
