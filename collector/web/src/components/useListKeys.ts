import { useEffect, useState } from 'react';

/** j and k move the selection of a list, Enter opens it, / goes to the search. Answers the selected row, -1 for none. */
export function useListKeys(length: number, open: (index: number) => void, search: () => void): number {
  const [selected, setSelected] = useState(-1);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const isTyping = ['INPUT', 'SELECT', 'TEXTAREA'].includes(target.tagName);
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'j') setSelected((row) => Math.min(row + 1, length - 1));
      else if (event.key === 'k') setSelected((row) => Math.max(row - 1, 0));
      else if (event.key === 'Enter' && selected >= 0 && target === document.body) open(selected);
      else if (event.key === '/') {
        event.preventDefault();
        search();
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [length, open, search, selected]);
  return Math.min(selected, length - 1);
}
