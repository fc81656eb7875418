// Every request of the dashboard goes through here. The data is the public API's; there is no other.
import { signal } from '@preact/signals';
import type { Caller } from './types';

export interface FieldError { pointer: string; code: string; detail: string }

/// An answer that says no, as the API words it (RFC 9457).
export class ApiError extends Error {
    constructor(readonly status: number, readonly code: string, readonly detail: string,
        readonly errors: FieldError[] = [], readonly retryMs: number | null = null) {
        super(detail || code);
    }
    /// No answer at all: the node or the way to it is gone.
    get unreachable() { return this.status === 0; }
    /// The path is not there: an older or smaller node.
    get absent() { return (this.status === 404 || this.status === 405) && this.detail !== 'no such source'; }
}

/// Who the node takes us for; null until asked.
export const caller = signal<Caller | null>(null);
/// The node wants to know who we are.
export const signInNeeded = signal(false);

const tokenKey = 'anode.token';
/// A token is kept for this tab only, and only where the node has no sessions of its own.
export const token = {
    get: () => sessionStorage.getItem(tokenKey),
    set(value: string | null) {
        if (value) sessionStorage.setItem(tokenKey, value);
        else sessionStorage.removeItem(tokenKey);
    },
};

export interface Answer<T> { body: T; etag: string | null; status: number }

interface Ask { body?: unknown; text?: string; type?: string; headers?: Record<string, string>; signal?: AbortSignal; timeoutMs?: number }

async function problemOf(response: Response): Promise<ApiError> {
    try {
        const p = await response.json() as { code?: string; detail?: string; errors?: FieldError[]; retry_ms?: number };
        return new ApiError(response.status, p.code ?? 'unknown', p.detail ?? response.statusText, p.errors ?? [], p.retry_ms ?? null);
    } catch {
        return new ApiError(response.status, 'unknown', response.statusText);
    }
}

async function ask(method: string, path: string, { body, text, type, headers, signal: abort, timeoutMs = 30_000 }: Ask): Promise<Response> {
    const head: Record<string, string> = { Accept: 'application/json', ...headers };
    const bearer = token.get();
    if (bearer) head['Authorization'] = 'Bearer ' + bearer;
    let payload: string | undefined;
    if (body !== undefined) {
        payload = JSON.stringify(body);
        head['Content-Type'] = type ?? 'application/json';
    } else if (text !== undefined) {
        payload = text;
        head['Content-Type'] = type ?? 'text/plain';
    }
    const limit = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
        response = await fetch(path, {
            method, headers: head, body: payload, credentials: 'same-origin', cache: 'no-store',
            signal: abort ? AbortSignal.any([abort, limit]) : limit,
        });
    } catch (error) {
        if (abort?.aborted) throw error;
        throw new ApiError(0, 'unreachable', limit.aborted ? 'the node did not answer in time' : 'the node cannot be reached');
    }
    if (response.ok) return response;
    const problem = await problemOf(response);
    if (problem.status === 401 && !path.startsWith('/v1/session')) signInNeeded.value = true;
    throw problem;
}

async function read<T>(response: Response): Promise<Answer<T>> {
    const etag = response.headers.get('ETag');
    if (response.status === 204) return { body: undefined as T, etag, status: 204 };
    return { body: await response.json() as T, etag, status: response.status };
}

export const get = async <T>(path: string, options: Ask = {}) => (await read<T>(await ask('GET', path, options))).body;
export const getWithTag = async <T>(path: string, options: Ask = {}) => read<T>(await ask('GET', path, options));
export const getText = async (path: string, options: Ask = {}) => (await ask('GET', path, { ...options, headers: { Accept: '*/*' } })).text();
export const send = async <T>(method: string, path: string, body?: unknown, options: Ask = {}) =>
    read<T>(await ask(method, path, { ...options, body }));
export const sendText = async <T>(method: string, path: string, text: string, type: string) =>
    read<T>(await ask(method, path, { text, type }));

/// What is to be saved as a file.
export const sendForFile = async (method: string, path: string): Promise<Blob> => (await ask(method, path, { headers: { Accept: '*/*' }, timeoutMs: 120_000 })).blob();
export function saveAs(blob: Blob, name: string) {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export interface Page<T> { items: T[]; next: string | null; failed?: { node: string; code: string }[] }

/// A whole list, page by page, up to `most` items.
export async function all<T>(path: string, most = 10_000, abort?: AbortSignal): Promise<T[]> {
    const items: T[] = [];
    const join = path.includes('?') ? '&' : '?';
    for (let after = ''; ;) {
        const page = await get<Page<T>>(`${path}${join}limit=1000${after && '&after=' + encodeURIComponent(after)}`, { signal: abort });
        items.push(...page.items);
        if (!page.next || items.length >= most) return items;
        after = page.next;
    }
}

export const seg = encodeURIComponent;

/// Asks who we are. False: signing in comes first.
export async function identify(): Promise<boolean> {
    try {
        caller.value = await get<Caller>('/v1/whoami');
        signInNeeded.value = false;
        return true;
    } catch (error) {
        if (error instanceof ApiError && error.status === 401) return false;
        throw error;
    }
}

/// Whether the caller's roles allow what needs `role`. O includes V and S, A all.
export function may(role: 'V' | 'S' | 'P' | 'O' | 'A'): boolean {
    const roles = caller.value?.roles ?? [];
    return roles.includes('A') || roles.includes(role) || (roles.includes('O') && (role === 'V' || role === 'S'));
}
