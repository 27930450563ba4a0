/** An answer that was an error: the server's own code and sentence. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ApiError && error.status === 401;
}

async function readError(response: Response): Promise<ApiError> {
  try {
    const body = (await response.json()) as { error: { code: string; message: string } };
    return new ApiError(response.status, body.error.code, body.error.message);
  } catch {
    return new ApiError(response.status, 'unreadable', `The server answered ${response.status} without saying why.`);
  }
}

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Error('The collector cannot be reached. Is it running?');
  }
  if (!response.ok) throw await readError(response);
  return response;
}

export async function get<T>(path: string, params: Record<string, string | undefined> = {}): Promise<T> {
  const given = Object.entries(params).filter((entry): entry is [string, string] => !!entry[1]);
  const query = new URLSearchParams(given).toString();
  const response = await call('GET', query ? `${path}?${query}` : path);
  return (await response.json()) as T;
}

export async function post<T>(path: string, body: unknown): Promise<T> {
  return (await (await call('POST', path, body)).json()) as T;
}

export async function remove(path: string): Promise<void> {
  await call('DELETE', path);
}
