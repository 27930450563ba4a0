/** Events per day, oldest first, as bars. */
export function Sparkline({ counts, className = '' }: { counts: number[]; className?: string }) {
  const highest = Math.max(1, ...counts);
  const total = counts.reduce((sum, count) => sum + count, 0);
  return (
    <svg
      viewBox={`0 0 ${counts.length * 6} 20`}
      preserveAspectRatio="none"
      className={className}
      role="img"
      aria-label={`${total} events in the last ${counts.length} days`}
    >
      {counts.map((count, day) => {
        const height = count === 0 ? 1 : Math.max(2, (count / highest) * 20);
        return (
          <rect
            key={day}
            x={day * 6}
            y={20 - height}
            width={4.5}
            height={height}
            className={count === 0 ? 'fill-line' : 'fill-accent'}
          />
        );
      })}
    </svg>
  );
}
