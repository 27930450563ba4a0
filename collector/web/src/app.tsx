import { Redirect, Route, Switch } from 'wouter';

import { useCurrentUser } from './api/queries';
import { isSignedOut } from './api/client';
import { ErrorBoundary } from './components/ErrorBoundary';
import { ErrorNotice } from './components/ErrorNotice';
import { Layout } from './components/Layout';
import { IssueListPage } from './pages/IssueListPage';
import { IssuePage } from './pages/IssuePage';
import { SignInPage } from './pages/SignInPage';
import { WelcomePage } from './pages/WelcomePage';

export function App() {
  return (
    <ErrorBoundary>
      <Switch>
        <Route path="/welcome" component={WelcomePage} />
        <Route>
          <SignedInPages />
        </Route>
      </Switch>
    </ErrorBoundary>
  );
}

/** Asks for the password first, at the same address, so that one is where one wanted to be afterwards. */
function SignedInPages() {
  const user = useCurrentUser();
  if (user.isPending) return null;
  if (isSignedOut(user.error)) return <SignInPage />;
  if (user.error) return <ErrorNotice error={user.error} onRetry={() => void user.refetch()} />;
  return (
    <Layout user={user.data}>
      <Switch>
        <Route path="/issues" component={IssueListPage} />
        <Route path="/issues/:id/events/:eventId">{(params) => <IssuePage id={params.id} eventId={params.eventId} />}</Route>
        <Route path="/issues/:id">{(params) => <IssuePage id={params.id} />}</Route>
        <Route>
          <Redirect to="/issues" replace />
        </Route>
      </Switch>
    </Layout>
  );
}
