import { type RefObject, useEffect, useState } from 'react';

import type { IssueFilter, Project } from '../api/queries';

interface Props {
  filter: IssueFilter;
  onChange: (filter: IssueFilter) => void;
  projects: Project[];
  searchRef: RefObject<HTMLInputElement | null>;
}

const typingPauseMs = 250;

export function IssueFilters({ filter, onChange, projects, searchRef }: Props) {
  const [text, setText] = useState(filter.query ?? '');
  useEffect(() => {
    const timer = setTimeout(() => {
      if (text !== (filter.query ?? '')) onChange({ ...filter, query: text });
    }, typingPauseMs);
    return () => clearTimeout(timer);
  }, [text, filter, onChange]);
  const set = (name: keyof IssueFilter) => (value: string) => onChange({ ...filter, [name]: value });
  return (
    <search className="flex flex-wrap gap-2 border-b border-line px-4 py-2">
      <input
        ref={searchRef}
        type="search"
        aria-label="Search titles and culprits"
        placeholder="Search   /"
        value={text}
        onChange={(event) => setText(event.target.value)}
        className="min-w-48 flex-1 rounded-md border border-line bg-surface px-3 py-1"
      />
      <Choice
        label="Project"
        value={filter.project}
        onChange={set('project')}
        options={[['', 'All projects'], ...projects.map((project): [string, string] => [project.id, project.name])]}
      />
      <Choice
        label="Status"
        value={filter.status}
        onChange={set('status')}
        options={[['', 'Any status'], ['unresolved', 'Unresolved'], ['resolved', 'Resolved'], ['ignored', 'Ignored']]}
      />
      <Choice
        label="Level"
        value={filter.level}
        onChange={set('level')}
        options={[['', 'Any level'], ['fatal', 'Fatal'], ['error', 'Error'], ['warning', 'Warning'], ['info', 'Info'], ['debug', 'Debug']]}
      />
      <Choice
        label="Sort by"
        value={filter.sort}
        onChange={set('sort')}
        options={[['last_seen', 'Last seen'], ['first_seen', 'First seen'], ['count', 'Events'], ['user_count', 'Users']]}
      />
    </search>
  );
}

interface ChoiceProps {
  label: string;
  value: string | undefined;
  onChange: (value: string) => void;
  options: [value: string, text: string][];
}

function Choice({ label, value, onChange, options }: ChoiceProps) {
  return (
    <select
      aria-label={label}
      value={value ?? ''}
      onChange={(event) => onChange(event.target.value)}
      className="rounded-md border border-line bg-surface px-2 py-1"
    >
      {options.map(([option, text]) => (
        <option key={option} value={option}>
          {text}
        </option>
      ))}
    </select>
  );
}
