// The cluster as the page knows it. Nodes tell of themselves once a second on `$sys.stats.<node>`, and those messages reach every
// node, so the one connection of the page brings all of them; events and gaps come the same way.
import { batch, computed, effect, signal } from '@preact/signals';
import { get, getText, type Page } from '../api/client';
import { listen, type Subscription } from '../api/live';
import type { Cluster, Event, Gap, Message, NodeDoc, Stats } from '../api/types';
import { now, visible } from './clock';
import { parse } from './format';

export interface Beat { at: number; stats: Stats; out: number | null }
export const cluster = signal<Cluster | null>(null);
export const members = signal<NodeDoc[]>([]);
export const membersAt = signal(0);
/// The newest word of each node, by id.
export const beats = signal<Map<string, Beat>>(new Map());
export const events = signal<Event[]>([]);
export const gaps = signal<Gap[]>([]);
export const gapsTotal = signal<{ count: number; lost: number; more: boolean } | null>(null);
export const statsRefused = signal<string | null>(null);

const kept = 420;  // seconds of history per node
export interface Series { t: number[]; in: number[]; out: (number | null)[]; p99: (number | null)[]; p50: (number | null)[]; memory: number[]; live: number[] }
export const series = new Map<string, Series>();
export const seriesTick = signal(0);

function seriesOf(node: string): Series {
    let found = series.get(node);
    if (!found) series.set(node, (found = { t: [], in: [], out: [], p99: [], p50: [], memory: [], live: [] }));
    return found;
}

function remember(s: Stats, at: number) {
    const to = seriesOf(s.node);
    const t = Math.round(at / 1000);
    const last = to.t[to.t.length - 1];
    if (last !== undefined && t <= last) return;
    to.t.push(t);
    to.in.push(s.in_per_second);
    to.out.push(s.out_per_second ?? null);
    to.p50.push(s.delivery_ms?.p50 ?? null);
    to.p99.push(s.delivery_ms?.p99 ?? null);
    to.memory.push(s.memory_bytes);
    to.live.push(s.sources_live);
    if (to.t.length > kept) for (const list of Object.values(to) as unknown[][]) list.shift();
}

function onStats(message: Message) {
    const s = message.data as Stats | undefined;
    if (!s || typeof s.node !== 'string') return;
    const at = parse(s.at) || message.ts / 1000;
    remember(s, at);
    fresh.set(s.node, { at, stats: s, out: s.out_per_second ?? null });
}
/// What came since the last tick: however many nodes there are, the page is drawn anew once a second.
const fresh = new Map<string, Beat>();
effect(() => {
    void now.value;
    if (fresh.size === 0) return;
    const next = new Map(beats.peek());
    for (const [node, beat] of fresh) next.set(node, beat);
    fresh.clear();
    batch(() => {
        beats.value = next;
        seriesTick.value = seriesTick.peek() + 1;
    });
});

const most = 200;
function prepend<T extends { at: string }>(list: T[], one: T): T[] {
    const next = [one, ...list];
    if (next.length > 1 && next[0]!.at < next[1]!.at) next.sort((a, b) => (a.at < b.at ? 1 : -1));
    return next.length > most ? next.slice(0, most) : next;
}

/// The past minutes of all nodes, from what they said then: charts begin full.
async function readPast() {
    const text = await getText('/v1/messages?topics=' + encodeURIComponent('$sys.stats.*') + '&from=-5m&order=asc&limit=1000&format=data', { headers: {} });
    const came = new Map(series);
    series.clear();
    for (const item of (JSON.parse(text) as { items: unknown[] }).items) {
        const s = ((item as Message).data ?? item) as Stats;
        if (s && typeof s.node === 'string') remember(s, parse(s.at));
    }
    // What came live in the meantime follows.
    for (const [node, late] of came) {
        const to = seriesOf(node) as unknown as Record<string, unknown[]>, from = late.t.findIndex(t => t > ((to['t']!.at(-1) as number | undefined) ?? 0));
        if (from >= 0) for (const [name, list] of Object.entries(late) as [string, unknown[]][]) to[name]!.push(...list.slice(from));
    }
    seriesTick.value = seriesTick.peek() + 1;
}

let subs: Subscription[] = [];
export function watchCluster() {
    if (subs.length) return;
    void readPast().catch(() => {});
    subs = [
        listen({ topics: ['$sys.stats.*'] }, { message: onStats, refused: why => { statsRefused.value = why; } }),
        listen({ topics: ['$sys.event.>'] }, { message: m => { const e = m.data as Event; if (e?.at) { events.value = prepend(events.peek(), e); if (e.kind === 'member' || e.kind === 'node') void readMembers(); } } }),
        listen({ topics: ['$sys.gap'] }, { message: m => { const g = m.data as Gap; if (g?.at) { gaps.value = prepend(gaps.peek(), g); const total = gapsTotal.peek(); if (total) gapsTotal.value = { count: total.count + 1, lost: total.lost + (g.lost ?? 0), more: total.more }; } } }),
    ];
    void readMembers();
    void readOnce();
}

async function readOnce() {
    try { events.value = (await get<Page<Event>>('/v1/events?limit=100')).items; } catch { /* shown by the views that need it */ }
    try {
        const page = await get<Page<Gap>>('/v1/gaps?limit=1000&from=-24h');
        gaps.value = page.items.slice(0, most);
        gapsTotal.value = { count: page.items.length, lost: page.items.reduce((n, g) => n + (g.lost ?? 0), 0), more: page.next !== null };
    } catch { /* the same */ }
}

let reading = false;
export async function readMembers() {
    if (reading) return;
    reading = true;
    try {
        const [nodes, one] = await Promise.all([get<Page<NodeDoc>>('/v1/nodes?limit=1000'), get<Cluster>('/v1/cluster')]);
        members.value = nodes.items;
        cluster.value = one;
        membersAt.value = Date.now();
    } catch { /* the age of what is shown tells it */ }
    reading = false;
}
let last = 0;
effect(() => {
    const pause = visible.value ? 5_000 : 30_000;
    if (now.value - last >= pause && subs.length) { last = now.value; void readMembers(); }
});

export const self = computed(() => members.value.find(n => n.self) ?? null);
export const nameOf = (id: string | null | undefined) => (id ? members.value.find(n => n.id === id)?.name || id : '');

/// What is known of a node now: a member's entry with its last word, and how old that is.
export interface NodeNow { doc: NodeDoc; beat: Beat | null; age: number; state: string }
export const nodes = computed<NodeNow[]>(() => members.value.map(doc => {
    const beat = beats.value.get(doc.id) ?? null;
    const age = beat ? Math.max(0, now.value - beat.at) : Infinity;
    const state = doc.state !== 'alive' ? doc.state : doc.suspect ? 'suspect' : doc.draining ? 'draining' : 'alive';
    return { doc, beat, age, state };
}).sort((a, b) => a.doc.name.localeCompare(b.doc.name) || a.doc.id.localeCompare(b.doc.id)));

const heard = (n: NodeNow) => n.beat !== null && n.age < 5_000 && n.doc.state === 'alive';
const sum = (pick: (b: Beat) => number | null | undefined) => {
    const values = nodes.value.filter(heard).map(n => pick(n.beat!)).filter((v): v is number => typeof v === 'number');
    return values.length ? values.reduce((a, b) => a + b, 0) : null;
};
export const totals = computed(() => ({
    in: sum(b => b.stats.in_per_second),
    out: sum(b => b.out),
    listeners: sum(b => b.stats.listeners),
    memory: sum(b => b.stats.memory_bytes),
    told: nodes.value.filter(heard).length,
}));

export const isSystem = (e: Event) => e.kind !== 'source';
