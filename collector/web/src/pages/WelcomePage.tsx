import { useState } from 'react';
import { useLocation } from 'wouter';

import { useBecomeOwner } from '../api/queries';
import { CredentialsForm } from '../components/CredentialsForm';

/** Where the one-time link of the first start leads: its secret stands behind '#'. */
export function WelcomePage() {
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token') ?? '');
  const [, navigate] = useLocation();
  const becomeOwner = useBecomeOwner();
  return (
    <CredentialsForm
      title="Welcome: become the owner"
      action="Create the account"
      isNewPassword
      error={becomeOwner.error}
      isPending={becomeOwner.isPending}
      onSubmit={(email, password) =>
        becomeOwner.mutate({ token, email, password }, { onSuccess: () => navigate('/issues', { replace: true }) })
      }
    />
  );
}
