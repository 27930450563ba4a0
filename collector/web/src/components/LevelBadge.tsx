import type { Level } from '../api/queries';

const colours: Record<Level, string> = {
  fatal: 'text-fatal border-fatal/50',
  error: 'text-error border-error/50',
  warning: 'text-warning border-warning/50',
  info: 'text-info border-info/50',
  debug: 'text-debug border-debug/50',
};

export function LevelBadge({ level }: { level: Level }) {
  return <span className={`rounded border px-1.5 text-xs font-medium ${colours[level]}`}>{level}</span>;
}
