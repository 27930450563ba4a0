import * as Collapsible from '@radix-ui/react-collapsible';

import type { FrameView } from '../event/view';
import { KeyValueTable } from './KeyValueTable';

export function Frame({ frame }: { frame: FrameView }) {
  const hasDetails = frame.source.length > 0 || frame.variables.length > 0 || frame.module !== '' || frame.address !== '';
  return (
    <Collapsible.Root defaultOpen={frame.isInApp && hasDetails} className="border-line not-last:border-b">
      <Collapsible.Trigger
        disabled={!hasDetails}
        className="flex w-full flex-wrap items-baseline gap-x-3 px-3 py-1.5 text-left font-mono text-[13px] enabled:hover:bg-raised"
      >
        <span className={`break-all ${frame.isInApp ? 'font-semibold' : 'text-muted'}`}>{frame.functionName}</span>
        <span className="break-all text-muted">{frame.place}</span>
        {frame.isInApp && <span className="ml-auto rounded bg-accent/15 px-1.5 font-sans text-xs text-accent">in app</span>}
      </Collapsible.Trigger>
      <Collapsible.Content className="px-3 pb-2">
        {frame.source.length > 0 && <SourceLines lines={frame.source} />}
        {frame.variables.length > 0 && <KeyValueTable entries={frame.variables} />}
        {(frame.module || frame.address) && (
          <p className="font-mono text-xs break-all text-muted">
            {frame.module} {frame.address}
          </p>
        )}
      </Collapsible.Content>
    </Collapsible.Root>
  );
}

function SourceLines({ lines }: { lines: FrameView['source'] }) {
  return (
    <pre className="my-1 overflow-x-auto rounded-md border border-line bg-raised py-1 font-mono text-[13px]">
      {lines.map((line) => (
        <div key={line.number} className={line.isCurrent ? 'bg-mark' : ''}>
          <span className="inline-block w-12 pr-3 text-right text-muted select-none">{line.number}</span>
          {line.text}
        </div>
      ))}
    </pre>
  );
}
