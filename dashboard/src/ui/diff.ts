// The difference of two texts by line: the longest common part stays.
export interface DiffLine { kind: ' ' | '+' | '-'; text: string }
export function diff(before: string, after: string): DiffLine[] {
    const a = before.split('\n'), b = after.split('\n');
    if (a.length * b.length > 4_000_000) return [...a.map(text => ({ kind: '-' as const, text })), ...b.map(text => ({ kind: '+' as const, text }))];
    const w = b.length + 1, best = new Uint32Array((a.length + 1) * w);
    for (let i = a.length - 1; i >= 0; i--)
        for (let j = b.length - 1; j >= 0; j--) best[i * w + j] = a[i] === b[j] ? best[(i + 1) * w + j + 1]! + 1 : Math.max(best[(i + 1) * w + j]!, best[i * w + j + 1]!);
    const out: DiffLine[] = [];
    let i = 0, j = 0;
    while (i < a.length || j < b.length) {
        if (i < a.length && j < b.length && a[i] === b[j]) { out.push({ kind: ' ', text: a[i]! }); i++; j++; }
        else if (j < b.length && (i >= a.length || best[i * w + j + 1]! >= best[(i + 1) * w + j]!)) out.push({ kind: '+', text: b[j++]! });
        else out.push({ kind: '-', text: a[i++]! });
    }
    return out;
}
