import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';

import { get, isSignedOut, post, remove } from './client';
import type { components } from './schema';

export type Issue = components['schemas']['Issue'];
export type EventRecord = components['schemas']['Event'];
export type Project = components['schemas']['Project'];
export type User = components['schemas']['User'];
export type Level = components['schemas']['Level'];
type IssuePageAnswer = components['schemas']['IssuePage'];
type ProjectPage = components['schemas']['ProjectPage'];
type EventPage = components['schemas']['EventPage'];

const refreshMs = 5_000;

export interface IssueFilter {
  project?: string;
  status?: string;
  level?: string;
  query?: string;
  sort?: string;
}

export function useCurrentUser() {
  return useQuery({ queryKey: ['session'], queryFn: () => get<User>('/api/v1/session'), refetchInterval: 60_000 });
}

export function useSignIn() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (credentials: components['schemas']['SignIn']) => post<User>('/api/v1/session', credentials),
    onSuccess: (user) => queries.setQueryData(['session'], user),
  });
}

export function useSignOut() {
  const queries = useQueryClient();
  return useMutation({ mutationFn: () => remove('/api/v1/session'), onSuccess: () => queries.resetQueries() });
}

export function useBecomeOwner() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (welcome: components['schemas']['Welcome']) => post<User>('/api/v1/welcome', welcome),
    onSuccess: (user) => queries.setQueryData(['session'], user),
  });
}

export function useProjects() {
  return useQuery({ queryKey: ['projects'], queryFn: () => get<ProjectPage>('/api/v1/projects') });
}

/** When the session has ended meanwhile, the sign-in page is asked for. */
function useAskAgainWhenSignedOut() {
  const queries = useQueryClient();
  return <T>(answer: Promise<T>) =>
    answer.catch((error: unknown) => {
      if (isSignedOut(error)) void queries.resetQueries({ queryKey: ['session'] });
      throw error;
    });
}

export function useIssues(filter: IssueFilter) {
  const guard = useAskAgainWhenSignedOut();
  return useInfiniteQuery({
    queryKey: ['issues', filter],
    queryFn: ({ pageParam }) => guard(get<IssuePageAnswer>('/api/v1/issues', { ...filter, cursor: pageParam, limit: '50' })),
    initialPageParam: '',
    getNextPageParam: (page) => page.next_cursor,
    placeholderData: keepPreviousData,
    refetchInterval: refreshMs,
  });
}

export function useIssue(id: string) {
  const guard = useAskAgainWhenSignedOut();
  return useQuery({
    queryKey: ['issue', id],
    queryFn: () => guard(get<Issue>(`/api/v1/issues/${encodeURIComponent(id)}`)),
    refetchInterval: refreshMs,
  });
}

/** The event asked for, or the issue's newest. */
export function useEvent(issue: Issue | undefined, eventId: string | undefined) {
  return useQuery({
    queryKey: ['event', issue?.id, eventId ?? 'newest', eventId ? '' : issue?.count],
    enabled: issue !== undefined,
    placeholderData: keepPreviousData,
    queryFn: async () => {
      if (!issue) throw new Error('the issue is not loaded');
      const id = eventId ?? (await newestEventId(issue.id));
      return get<EventRecord>(`/api/v1/events/${issue.project_id}/${encodeURIComponent(id)}`);
    },
  });
}

async function newestEventId(issueId: string): Promise<string> {
  const page = await get<EventPage>(`/api/v1/issues/${issueId}/events`, { payload: 'false', limit: '1' });
  const newest = page.items[0];
  if (!newest) throw new Error('This issue has no event.');
  return newest.event_id;
}
