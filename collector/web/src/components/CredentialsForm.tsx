import { type FormEvent, useState } from 'react';

import { Logo } from './Logo';

interface Props {
  title: string;
  action: string;
  isNewPassword: boolean;
  error: Error | null;
  isPending: boolean;
  onSubmit: (email: string, password: string) => void;
}

/** E-mail and password: to sign in with, or to choose. */
export function CredentialsForm({ title, action, isNewPassword, error, isPending, onSubmit }: Props) {
  const [email, setEmail] = useState('');
  const [password, setPassword] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(email, password);
  };
  const field = 'mt-1 w-full rounded-md border border-line bg-surface px-3 py-2';
  return (
    <main className="mx-auto mt-[12vh] max-w-sm p-4">
      <Logo />
      <h1 className="mt-6 text-xl font-semibold">{title}</h1>
      <form onSubmit={submit} className="mt-4 flex flex-col gap-4">
        <label>
          E-mail
          <input
            className={field}
            type="email"
            autoComplete="username"
            required
            autoFocus
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        </label>
        <label>
          Password{isNewPassword && <span className="text-muted"> (at least 10 characters)</span>}
          <input
            className={field}
            type="password"
            autoComplete={isNewPassword ? 'new-password' : 'current-password'}
            required
            minLength={isNewPassword ? 10 : undefined}
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        {error && (
          <p role="alert" className="text-error">
            {error.message}
          </p>
        )}
        <button
          type="submit"
          disabled={isPending}
          className="rounded-md bg-accent px-4 py-2 font-medium text-accent-ink disabled:opacity-60"
        >
          {action}
        </button>
      </form>
    </main>
  );
}
