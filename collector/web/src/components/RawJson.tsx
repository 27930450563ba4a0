import * as Collapsible from '@radix-ui/react-collapsible';
import { useState } from 'react';

export function RawJson({ value }: { value: unknown }) {
  const text = JSON.stringify(value, null, 2);
  const [copied, setCopied] = useState(false);
  const copy = () => navigator.clipboard.writeText(text).then(() => setCopied(true));
  return (
    <Collapsible.Root className="mt-6 rounded-md border border-line">
      <div className="flex items-center">
        <Collapsible.Trigger className="grow px-3 py-2 text-left hover:bg-raised">Raw JSON</Collapsible.Trigger>
        <button type="button" onClick={() => void copy()} className="px-3 py-2 text-muted hover:bg-raised">
          {copied ? 'Copied' : 'Copy'}
        </button>
      </div>
      <Collapsible.Content>
        <pre className="overflow-x-auto border-t border-line p-3 font-mono text-xs">{text}</pre>
      </Collapsible.Content>
    </Collapsible.Root>
  );
}
