// All sources of the cluster as rows. The node makes such a view once a second for whoever asks; one that does not is asked for its
// list, which knows the figures of its own sources only.
import { signal } from '@preact/signals';
import { all, ApiError, get } from '../api/client';
import type { SourceDoc, SourceRow } from '../api/types';
import { useRead } from './resource';
import { nameOf } from './cluster';

export interface SourceView { rows: SourceRow[]; failed: string[]; partial: boolean; at: number }
interface ViewItem { node: string; sources: SourceDoc[] }
/// Rates of the last minutes by source, for the lines in the table.
export const rates = new Map<string, number[]>();
const keptRates = 90;
export const viewOffered = signal<boolean | null>(null);

const origin = (text: string) => (/^\/|:\d+$/.test(text) ? 'file' : text);
export function rowOf(s: SourceDoc, at: number): SourceRow {
    const known = 'lag_ms' in s || 'counters' in s || 'gaps' in s;
    return {
        name: s.name, type: s.type, provider: s.labels?.['provider'] ?? (s['provider'] as string | undefined) ?? '', enabled: s.enabled, origin: origin(s.origin ?? ''), state: s.state, why: s.why ?? '',
        since: s.state_since ?? null, owner: s.role === 'everywhere' ? null : s.owner, ownerName: s.role === 'everywhere' ? 'every node' : s.owner_name || nameOf(s.owner),
        standby: (s.candidates ?? []).filter(c => c !== s.owner).slice(0, 1), rate: known ? s.messages_per_second : null,
        lagMs: s.lag_ms ?? null, last: s.last_message ?? null, messages: s.messages,
        gaps: s.counters?.['gaps'] ?? (s['gaps'] as number | undefined) ?? null, error: s.last_error ?? null, nextDue: s.next_due ?? null, at,
    };
}

function remember(rows: SourceRow[]) {
    for (const row of rows) {
        if (row.rate === null) continue;
        let list = rates.get(row.name);
        if (!list) rates.set(row.name, (list = []));
        list.push(row.rate);
        if (list.length > keptRates) list.shift();
    }
}

/// One entry a source: of the node that runs it, else of whoever knows of it. Push sources run everywhere: their rates add up.
function merged(docs: SourceDoc[], at: number): SourceRow[] {
    const by = new Map<string, SourceRow>();
    for (const doc of docs) {
        const row = rowOf(doc, at), seen = by.get(row.name);
        if (!seen) by.set(row.name, row);
        else if (seen.rate === null && row.rate !== null) by.set(row.name, row);
        else if (doc.role === 'everywhere' && row.rate !== null) {
            const best = row.state === 'live' && seen.state !== 'live' ? row : seen;
            by.set(row.name, { ...best, rate: (seen.rate ?? 0) + row.rate, messages: seen.messages + row.messages, last: (row.last ?? '') > (seen.last ?? '') ? row.last : seen.last });
        }
    }
    return [...by.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/// A source that changes its node is told of by neither for a moment: what was known stays, with its age.
const lastSeen = new Map<string, SourceRow>();
const lingers = 15_000;
function lingering(rows: SourceRow[], at: number): SourceRow[] {
    const here = new Set(rows.map(r => r.name));
    for (const r of rows) lastSeen.set(r.name, r);
    let more = false;
    for (const [name, r] of lastSeen) {
        if (here.has(name)) continue;
        if (at - r.at > lingers) { lastSeen.delete(name); rates.delete(name); continue; }
        rows.push({ ...r, rate: null });
        more = true;
    }
    return more ? rows.sort((a, b) => (a.name < b.name ? -1 : 1)) : rows;
}

async function readView(abort: AbortSignal): Promise<SourceView> {
    const at = Date.now();
    if (viewOffered.value !== false) {
        try {
            const page = await get<{ items: ViewItem[]; failed?: { node: string }[] }>('/v1/view?node=all', { signal: abort });
            viewOffered.value = true;
            const rows = lingering(merged(page.items.flatMap(i => i.sources), at), at);
            remember(rows);
            return { rows, failed: (page.failed ?? []).map(f => f.node), partial: false, at };
        } catch (error) {
            if (!(error instanceof ApiError) || (error.status !== 404 && error.status !== 400)) throw error;
            viewOffered.value = false;
        }
    }
    const rows = merged(await all<SourceDoc>('/v1/sources', 10_000, abort), at);
    remember(rows);
    return { rows, failed: [], partial: rows.some(r => r.rate === null && r.enabled), at };
}

export const useSources = (everyMs = 1000) => useRead<SourceView>('view:sources', everyMs, readView);
