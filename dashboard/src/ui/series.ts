// What nodes said over time, made into lines of a chart.
import { nodes, series, type Series } from '../model/cluster';
import { readPast, secondsOf } from '../model/past';
import { useRead } from '../model/resource';
import { param } from '../router';
import type { ChartData } from './chart';

const colours = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)', 'var(--c5)', 'var(--c6)'];
const colourOf = (i: number) => colours[i % colours.length]!;

/// Nodes tell of themselves at times of their own: their words are put on one line of seconds.
export function aligned(of: Map<string, Series>, ids: { id: string; name: string }[], pick: (s: Series) => (number | null)[], step: number): ChartData {
    const slot = (t: number) => Math.round(t / step) * step;
    const times = [...new Set(ids.flatMap(n => of.get(n.id)?.t.map(slot) ?? []))].sort((a, b) => a - b);
    const index = new Map(times.map((t, i) => [t, i]));
    // More than six lines tell nothing: the rest is added up.
    const many = ids.length > 6;
    const groups = many ? [{ name: `${ids.length} nodes`, ids }] : ids.map(n => ({ name: n.name, ids: [n] }));
    return {
        t: times,
        lines: groups.map((g, i) => {
            const values: (number | null)[] = new Array(times.length).fill(null);
            for (const n of g.ids) {
                const s = of.get(n.id);
                if (!s) continue;
                const list = pick(s);
                s.t.forEach((t, j) => { const at = index.get(slot(t))!, v = list[j]; if (v !== null && v !== undefined) values[at] = many ? (values[at] ?? 0) + v : v; });
            }
            return { label: g.name, color: colourOf(i), values };
        }),
    };
}

export function usePast() {
    const range = param('range', 'live');
    const count = nodes.value.length;
    const past = useRead(range === 'live' || !count ? null : `past:${range}:${count}`, Math.max(15_000, secondsOf(range) * 1000 / 90), signal => readPast(range, count, signal));
    return { range, live: range === 'live', of: range === 'live' ? series : past.data ?? new Map<string, Series>(), step: Math.max(1, Math.round(secondsOf(range) / 90)) };
}

