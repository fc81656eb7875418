// Charts further back than this page has been open: nodes keep what they said of themselves, so the past is asked of the store.
import { getText } from '../api/client';
import type { Message, Stats } from '../api/types';
import { parse } from './format';
import type { Series } from './cluster';

export const ranges: { id: string; text: string; seconds: number }[] = [
    { id: 'live', text: 'Live (5 min)', seconds: 300 }, { id: '15m', text: '15 min', seconds: 900 }, { id: '1h', text: '1 h', seconds: 3600 },
    { id: '6h', text: '6 h', seconds: 21_600 }, { id: '24h', text: '24 h', seconds: 86_400 },
];
export const secondsOf = (id: string) => ranges.find(r => r.id === id)?.seconds ?? 300;

const points = 90, abreast = 6;

/// One short window for each point: what the nodes said in that second stands for the time up to the next.
export async function readPast(range: string, nodeCount: number, abort: AbortSignal): Promise<Map<string, Series>> {
    const seconds = secondsOf(range), step = seconds / points, end = Date.now();
    const windows = Array.from({ length: points }, (_, i) => end - seconds * 1000 + i * step * 1000);
    const found = new Map<string, { t: number; s: Stats }[]>();
    let next = 0;
    const worker = async () => {
        while (next < windows.length) {
            const from = windows[next++]!;
            const text = await getText(`/v1/messages?topics=${encodeURIComponent('$sys.stats.*')}&order=asc&from=${Math.round(from * 1000)}&to=${Math.round((from + 1050) * 1000)}&limit=${Math.max(4, nodeCount * 2)}`, { signal: abort });
            for (const item of (JSON.parse(text) as { items: Message[] }).items) {
                const s = item.data as Stats;
                if (!s?.node) continue;
                const t = Math.round((parse(s.at) || item.ts / 1000) / 1000);
                let list = found.get(s.node);
                if (!list) found.set(s.node, (list = []));
                list.push({ t, s });
            }
        }
    };
    await Promise.all(Array.from({ length: abreast }, worker));
    const series = new Map<string, Series>();
    for (const [node, list] of found) {
        list.sort((a, b) => a.t - b.t);
        const to: Series = { t: [], in: [], out: [], p99: [], p50: [], memory: [], live: [] };
        for (const { t, s } of list) {
            if (to.t[to.t.length - 1] === t) continue;
            to.t.push(t); to.in.push(s.in_per_second); to.out.push(s.out_per_second ?? null); to.p99.push(s.delivery_ms?.p99 ?? null);
            to.p50.push(s.delivery_ms?.p50 ?? null); to.memory.push(s.memory_bytes); to.live.push(s.sources_live);
        }
        series.set(node, to);
    }
    return series;
}
