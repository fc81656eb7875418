// The one WebSocket of the page (protocol anode.v1). Subscriptions outlive connections: after a break each goes on behind the
// last cursor it saw, and what was lost in between is told to it.
import { signal } from '@preact/signals';
import { get, token } from './client';
import type { Message, NodeDoc } from './types';

export type Link = 'connecting' | 'open' | 'waiting' | 'closed';
export const link = signal<Link>('connecting');
/// When the connection is tried again, in ms since 1970.
export const retryAt = signal(0);
/// The node is about to end: where to go on.
export const draining = signal<{ until: number; to: string | null } | null>(null);
export const welcome = signal<{ node: string; cluster: string; limits?: Record<string, unknown> } | null>(null);

export interface GapFrame { op: 'gap'; gap: string; reason: string; topics: string[]; from?: unknown; to?: unknown; lost: number | null }
interface Frame { op: string; id?: number; sid?: number; [key: string]: unknown }

export interface Want { topics: string[]; from?: string; mode?: string; every?: string; n?: number; filter?: string }
export interface Ear {
    message(message: Message): void;
    gap?(gap: GapFrame): void;
    refused?(detail: string): void;
    state?(subscribed: boolean, resume: string | null): void;
}

/// Whether a pattern (`*` one token, `>` or `**` the rest) covers a topic. `$` topics are matched only by name.
export function covers(pattern: string[], topic: string[]): boolean {
    if (topic[0]?.startsWith('$') && pattern[0] !== topic[0]) return false;
    for (let i = 0; i < pattern.length; i++) {
        const p = pattern[i]!;
        if (p === '>' || p === '**') return topic.length > i;
        if (i >= topic.length || (p !== '*' && p !== topic[i])) return false;
    }
    return pattern.length === topic.length;
}

export class Subscription {
    sid: number | null = null;
    cursor: string | null = null;
    private patterns: string[][];
    constructor(public want: Want, readonly ear: Ear) { this.patterns = want.topics.map(t => t.split('.')); }
    hears(topic: string[]) { return this.patterns.some(p => covers(p, topic)); }
    close() { drop(this); }
    /// Changes mode or filter of the running subscription.
    update(change: { mode?: string; every?: string; n?: number; filter?: string }) {
        Object.assign(this.want, change);
        if (this.sid !== null) request({ op: 'upd', sid: this.sid, ...change }, answer => {
            if (answer.op === 'err') this.ear.refused?.(String(answer['detail'] ?? answer['title'] ?? 'refused'));
        });
    }
}

const subscriptions = new Set<Subscription>();
const waiting = new Map<number, (answer: Frame) => void>();
let socket: WebSocket | null = null;
let nextId = 1;
let failures = 0;
let openedAt = 0;
let timer = 0;
let quiet = 0;

function request(frame: Record<string, unknown>, answered?: (answer: Frame) => void) {
    if (socket?.readyState !== WebSocket.OPEN) return;
    const id = nextId++;
    if (answered) waiting.set(id, answered);
    socket.send(JSON.stringify({ ...frame, id }));
}

function ask(sub: Subscription) {
    const { want } = sub;
    const resumed = sub.cursor !== null;
    request({ op: 'sub', ...want, ...(sub.cursor ? { from: sub.cursor } : {}) }, answer => {
        if (!subscriptions.has(sub)) {
            if (answer.op === 'ok') request({ op: 'unsub', sid: answer['sid'] });
            return;
        }
        if (answer.op === 'ok') {
            sub.sid = answer['sid'] as number;
            sub.ear.state?.(true, resumed ? String(answer['resume'] ?? '') : null);
        } else {
            sub.ear.refused?.(String(answer['detail'] ?? answer['title'] ?? answer['code'] ?? 'refused'));
        }
    });
}

export function listen(want: Want, ear: Ear): Subscription {
    const sub = new Subscription(want, ear);
    subscriptions.add(sub);
    ask(sub);
    return sub;
}

function drop(sub: Subscription) {
    subscriptions.delete(sub);
    if (sub.sid !== null) request({ op: 'unsub', sid: sub.sid });
    sub.sid = null;
}

/// The payload as its source wrote it. A parser would round numbers that are longer than a double, and print 1.0 as 1.
export function payloadText(message: Message): string {
    const line = message.line ?? '', at = line.indexOf(',"data":');
    if (at > 0) {
        const text = line.slice(at + 8, -1);
        try { JSON.parse(text); return text; } catch { /* something follows it */ }
    }
    return JSON.stringify(message.data);
}

function heard(message: Message, line: string) {
    message.line = line;
    const tokens = message.topic.split('.');
    for (const sub of subscriptions)
        if (sub.hears(tokens)) {
            sub.cursor = message.cursor;
            sub.ear.message(message);
        }
}

async function elsewhere(self: string | undefined): Promise<string | null> {
    try {
        const nodes = (await get<{ items: NodeDoc[] }>('/v1/nodes', { timeoutMs: 2000 })).items;
        return nodes.find(n => n.id !== self && !n.self && n.state === 'alive' && !n.draining && !n.suspect && n.url)?.url ?? null;
    } catch { return null; }
}

async function onDrain(frame: Frame) {
    const seconds = typeof frame['in'] === 'number' ? frame['in'] : Number.parseFloat(String(frame['in'] ?? '5')) || 5;
    const named = Array.isArray(frame['nodes']) ? frame['nodes'].map(String).find(u => /^https?:/.test(u)) : undefined;
    draining.value = { until: Date.now() + seconds * 1000, to: named ?? await elsewhere(welcome.value?.node) };
}

function control(frame: Frame) {
    switch (frame.op) {
        case 'welcome':
            welcome.value = frame as unknown as typeof welcome.value;
            return;
        case 'ok': case 'err': case 'page': case 'pong': {
            const answered = frame.id === undefined ? undefined : waiting.get(frame.id);
            if (frame.id !== undefined) waiting.delete(frame.id);
            return answered?.(frame);
        }
        case 'gap': {
            const gap = frame as unknown as GapFrame;
            for (const sub of subscriptions)
                if (!gap.topics?.length || gap.topics.some(t => sub.want.topics.includes(t) || sub.hears(t.split('.')))) sub.ear.gap?.(gap);
            return;
        }
        case 'drain':
            return void onDrain(frame);
        case 'end':
            for (const sub of subscriptions) if (sub.sid === frame.sid) sub.ear.refused?.('the node ended this subscription: ' + String(frame['code']));
    }
}

function received(text: string) {
    quiet = Date.now();
    let value: Frame | Message;
    try { value = JSON.parse(text) as Frame | Message; } catch { return; }
    if ('op' in value) control(value);
    else heard(value, text);
}

const base64url = (text: string) => btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');

export function connect() {
    clearTimeout(timer);
    link.value = 'connecting';
    const bearer = token.get();
    const protocols = ['anode.v1', ...(bearer ? ['anode.token.' + base64url(bearer)] : [])];
    const ws = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/v1/ws`, protocols);
    socket = ws;
    ws.onopen = () => {
        openedAt = quiet = Date.now();
        link.value = 'open';
        draining.value = null;
        for (const sub of subscriptions) ask(sub);
    };
    ws.onmessage = event => { if (socket === ws && typeof event.data === 'string') received(event.data); };
    ws.onclose = event => { if (socket === ws) lost(event.code); };
}

/// Codes after which trying again is of no use before something has changed (interfaces, section 7).
const final = new Set([1002, 1003, 1007, 1009, 4400, 4401, 4403]);

function lost(code: number) {
    socket = null;
    waiting.clear();
    for (const sub of subscriptions) {
        sub.sid = null;
        sub.ear.state?.(false, null);
    }
    if (final.has(code)) {
        link.value = 'closed';
        return;
    }
    if (openedAt && Date.now() - openedAt > 60_000) failures = 0;
    const wait = Math.random() * Math.min(30_000, 500 * 2 ** failures++) + 250;
    link.value = 'waiting';
    retryAt.value = Date.now() + wait;
    timer = window.setTimeout(connect, wait);
}

export function disconnect() {
    clearTimeout(timer);
    const ws = socket;
    socket = null;
    ws?.close(1000);
    link.value = 'closed';
}

// Nothing for 45 s, not even a heartbeat: the line is dead though nobody has said so.
setInterval(() => {
    if (socket?.readyState === WebSocket.OPEN && Date.now() - quiet > 45_000) {
        const ws = socket;
        lost(1006);
        ws.close();
    }
}, 5_000);
addEventListener('online', () => { if (link.value === 'waiting') connect(); });
