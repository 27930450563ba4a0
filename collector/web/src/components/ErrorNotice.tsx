export function ErrorNotice({ error, onRetry }: { error: Error; onRetry: () => void }) {
  return (
    <div role="alert" className="m-4 flex items-center gap-4 rounded-md border border-error/40 px-4 py-3">
      <span className="grow">{error.message}</span>
      <button type="button" onClick={onRetry} className="rounded-md border border-line px-3 py-1 hover:bg-raised">
        Try again
      </button>
    </div>
  );
}
