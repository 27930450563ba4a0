import { Component, type ReactNode } from 'react';

interface Props {
  children: ReactNode;
}

/** An event that the page cannot show must not take the whole dashboard with it. */
export class ErrorBoundary extends Component<Props, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <main className="mx-auto max-w-xl p-8" role="alert">
        <h1 className="text-lg font-semibold">This page failed to show</h1>
        <p className="mt-2 text-muted">{this.state.error.message}</p>
        <a className="mt-4 inline-block text-accent underline" href="/issues">
          Back to the issues
        </a>
      </main>
    );
  }
}
