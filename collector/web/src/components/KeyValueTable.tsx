import type { KeyValue } from '../event/view';

export function KeyValueTable({ entries }: { entries: KeyValue[] }) {
  return (
    <dl className="grid grid-cols-[minmax(6rem,max-content)_1fr] rounded-md border border-line">
      {entries.map(({ key, value }, index) => (
        <div key={`${key} ${index}`} className="col-span-2 grid grid-cols-subgrid border-line not-last:border-b">
          <dt className="px-3 py-1 text-muted">{key}</dt>
          <dd className="px-3 py-1 font-mono text-[13px] break-all whitespace-pre-wrap">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
