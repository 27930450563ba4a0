import type { ReactNode } from 'react';
import { Link } from 'wouter';

import { type User, useSignOut } from '../api/queries';
import { Logo } from './Logo';
import { ThemeButton } from './ThemeButton';

export function Layout({ user, children }: { user: User; children: ReactNode }) {
  const signOut = useSignOut();
  return (
    <>
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:p-3">
        Skip to the content
      </a>
      <header className="flex h-12 items-center gap-4 border-b border-line px-4">
        <Link href="/issues" aria-label="Trapline, issues">
          <Logo />
        </Link>
        <span className="grow" />
        <span className="hidden text-muted sm:inline">{user.email}</span>
        <ThemeButton />
        <button type="button" onClick={() => signOut.mutate()} className="rounded-md px-2 py-1 text-muted hover:bg-raised">
          Sign out
        </button>
      </header>
      <main id="content">{children}</main>
    </>
  );
}
