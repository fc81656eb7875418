// The node's own metrics, read as a scraper reads them.
export interface Sample { name: string; labels: Record<string, string>; value: number }

export function parseMetrics(text: string): Sample[] {
    const out: Sample[] = [];
    for (const line of text.split('\n')) {
        if (!line || line[0] === '#') continue;
        const m = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line);
        if (!m) continue;
        const labels: Record<string, string> = {};
        for (const l of m[2]?.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g) ?? []) labels[l[1]!] = l[2]!.replace(/\\(.)/g, (_a, c: string) => (c === 'n' ? '\n' : c));
        out.push({ name: m[1]!, labels, value: Number(m[3]) });
    }
    return out;
}
const fits = (s: Sample, labels: Record<string, string>) => Object.entries(labels).every(([k, v]) => s.labels[k] === v);
export const valueOf = (m: Sample[], name: string, labels: Record<string, string> = {}) => m.find(s => s.name === name && fits(s, labels))?.value ?? 0;
export const sumOf = (m: Sample[], name: string, labels: Record<string, string> = {}) => m.filter(s => s.name === name && fits(s, labels)).reduce((n, s) => n + s.value, 0);

/// Quantiles in ms, each the upper bound of its bucket: never better than the truth.
export function histogram(m: Sample[], name: string, labels: Record<string, string> = {}) {
    const by = new Map<number, number>();
    for (const s of m) if (s.name === name + '_bucket' && fits(s, labels)) { const le = s.labels['le'] === '+Inf' ? Infinity : Number(s.labels['le']); by.set(le, (by.get(le) ?? 0) + s.value); }
    const bounds = [...by].sort((a, b) => a[0] - b[0]), count = bounds.at(-1)?.[1] ?? 0;
    const quantile = (q: number) => { const found = bounds.find(([, n]) => n >= q * count)?.[0]; return found === undefined || count === 0 ? null : Math.min(found, 60) * 1000; };
    return { count, p50: quantile(0.5), p99: quantile(0.99) };
}
