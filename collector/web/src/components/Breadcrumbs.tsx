import type { BreadcrumbView } from '../event/view';

export function Breadcrumbs({ breadcrumbs }: { breadcrumbs: BreadcrumbView[] }) {
  return (
    <ol className="rounded-md border border-line">
      {breadcrumbs.map((breadcrumb, index) => (
        <li key={index} className="flex flex-wrap gap-x-3 border-line px-3 py-1.5 not-last:border-b">
          <time className="font-mono text-xs leading-5 text-muted" dateTime={breadcrumb.time?.toISOString()}>
            {breadcrumb.time?.toISOString().slice(11, 23) ?? '—'}
          </time>
          <span className="w-24 shrink-0 truncate text-muted" title={breadcrumb.category}>
            {breadcrumb.category}
          </span>
          <span className="min-w-40 flex-1 break-words">{breadcrumb.message}</span>
          <span className="text-xs leading-5 text-muted">{breadcrumb.level}</span>
          {breadcrumb.data && <pre className="w-full overflow-x-auto font-mono text-xs text-muted">{breadcrumb.data}</pre>}
        </li>
      ))}
    </ol>
  );
}
