// What was read from the API, how old it is, and when it is read again. Two views of one path share it.
import { signal, type Signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get } from '../api/client';
import { visible } from './clock';

export interface Resource<T> {
    data: T | null;
    error: ApiError | null;  ///< of the last try; older data stays
    at: number;              ///< when `data` was read, 0: never
    loading: boolean;
}

class Cell<T> {
    readonly state: Signal<Resource<T>> = signal({ data: null, error: null, at: 0, loading: true });
    private wishes = new Map<object, number>();
    private timer = 0;
    private abort: AbortController | null = null;
    private busy = false;

    constructor(readonly key: string, private read: (abort: AbortSignal) => Promise<T>) {}

    want(who: object, everyMs: number) {
        this.wishes.set(who, everyMs);
        if (!this.busy) this.schedule(this.state.value.at ? this.pause() - (Date.now() - this.state.value.at) : 0);
    }
    leave(who: object) {
        this.wishes.delete(who);
        if (this.wishes.size > 0) return;
        clearTimeout(this.timer);
        this.abort?.abort();
        // Kept for a while, so that going back shows at once what was there.
        this.timer = window.setTimeout(() => { if (this.wishes.size === 0) cells.delete(this.key); }, 30_000);
    }
    refresh = () => { clearTimeout(this.timer); void this.run(); };

    private pause() {
        const every = Math.min(...this.wishes.values());
        return visible.value ? every : Math.max(10 * every, 10_000);
    }
    private schedule(ms: number) {
        clearTimeout(this.timer);
        if (Number.isFinite(ms)) this.timer = window.setTimeout(() => void this.run(), Math.max(0, ms));
    }
    private async run() {
        if (this.busy) return;
        this.busy = true;
        this.abort = new AbortController();
        try {
            const data = await this.read(this.abort.signal);
            this.state.value = { data, error: null, at: Date.now(), loading: false };
        } catch (error) {
            if (!this.abort.signal.aborted) {
                const known = error instanceof ApiError ? error : new ApiError(0, 'internal', String(error));
                this.state.value = { ...this.state.value, error: known, loading: false };
            }
        }
        this.busy = false;
        if (this.wishes.size === 0) return;
        const failed = this.state.value.error;
        this.schedule(failed?.absent || failed?.status === 403 ? 60_000 : failed?.retryMs ?? this.pause());
    }
}

const cells = new Map<string, Cell<unknown>>();

export function cell<T>(key: string, read: (abort: AbortSignal) => Promise<T>): Cell<T> {
    let found = cells.get(key) as Cell<T> | undefined;
    if (!found) cells.set(key, (found = new Cell(key, read)) as Cell<unknown>);
    return found;
}

/// Reads what `read` gives, now and every `everyMs` (Infinity: once), as long as the component is there.
export function useRead<T>(key: string | null, everyMs: number, read: (abort: AbortSignal) => Promise<T>): Resource<T> & { refresh: () => void } {
    const [who] = useState(() => ({}));
    const found = key === null ? null : cell(key, read);
    useEffect(() => {
        if (!found) return;
        found.want(who, everyMs);
        return () => found.leave(who);
    }, [found, everyMs]);
    if (!found) return { data: null, error: null, at: 0, loading: false, refresh: () => {} };
    return { ...found.state.value, refresh: found.refresh };
}

export const useGet = <T>(path: string | null, everyMs = 5000) => useRead<T>(path, everyMs, signal => get<T>(path!, { signal }));
