import { useSignIn } from '../api/queries';
import { CredentialsForm } from '../components/CredentialsForm';

export function SignInPage() {
  const signIn = useSignIn();
  return (
    <CredentialsForm
      title="Sign in"
      action="Sign in"
      isNewPassword={false}
      error={signIn.error}
      isPending={signIn.isPending}
      onSubmit={(email, password) => signIn.mutate({ email, password })}
    />
  );
}
