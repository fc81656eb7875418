// What a definition would make of a frame, as far as plain paths go: fast enough for every key that is pressed. The node's own test
// is what counts; this only helps to choose.

/// A cut-off JSON text made whole: what is complete stays, what is open is closed.
export function mend(text: string): unknown {
    try { return JSON.parse(text); } catch { /* cut off, perhaps */ }
    const stack: string[] = [];
    let inString = false, escaped = false, good = -1, goodStack: string[] = [];
    for (let i = 0; i < text.length; i++) {
        const c = text[i]!;
        if (inString) {
            if (escaped) escaped = false;
            else if (c === '\\') escaped = true;
            else if (c === '"') inString = false;
            continue;
        }
        if (c === '"') inString = true;
        else if (c === '{' || c === '[') stack.push(c === '{' ? '}' : ']');
        else if (c === '}' || c === ']') { if (stack.pop() !== c) return undefined; good = i + 1; goodStack = [...stack]; }
        else if (c === ',' && stack.length) { good = i; goodStack = [...stack]; }
    }
    if (good < 0) return undefined;
    try { return JSON.parse(text.slice(0, good) + goodStack.reverse().join('')); } catch { return undefined; }
}

export function pick(value: unknown, path: string): unknown {
    if (path === '') return value;
    let v: unknown = value;
    for (const part of path.replace(/^\./, '').split('.')) {
        if (v === null || typeof v !== 'object') return undefined;
        v = (v as Record<string, unknown>)[part];
    }
    return v;
}

/// Rows at a path: arrays on the way are exploded, `*` takes every member.
export function rowsOf(frame: unknown, path: string): unknown[] {
    let list: unknown[] = [frame];
    for (const part of path === '' ? [] : path.replace(/^\./, '').split('.')) {
        list = list.flatMap(v => (Array.isArray(v) ? v : [v])).flatMap(v => (v === null || typeof v !== 'object' ? [] : part === '*' ? Object.values(v) : part in v ? [(v as Record<string, unknown>)[part]] : []));
    }
    return list.flatMap(v => (Array.isArray(v) && path !== '' ? v : [v]));
}

export interface Shape { rows?: unknown; topic?: unknown; map?: { key?: unknown; id?: unknown; time?: unknown; unit?: unknown } }
export interface Preview { topic: string; key: string | null; id: string | null; time: string | null; data: unknown; missing: string[] }

const text = (v: unknown) => (typeof v === 'string' ? v : v === undefined || v === null ? null : typeof v === 'object' ? JSON.stringify(v) : String(v));
const plain = (p: unknown): p is string => typeof p === 'string' && /^\.?[\w.*-]*$/.test(p);

function timeOf(v: unknown, unit: unknown): string | null {
    const n = typeof v === 'number' ? v : typeof v === 'string' && /^\d+(\.\d+)?$/.test(v) ? Number(v) : NaN;
    if (Number.isNaN(n)) { const d = typeof v === 'string' ? Date.parse(v) : NaN; return Number.isNaN(d) ? null : new Date(d).toISOString(); }
    const per = { s: 1000, ms: 1, us: 1e-3, ns: 1e-6 }[String(unit)] ?? (n > 1e17 ? 1e-6 : n > 1e14 ? 1e-3 : n > 1e11 ? 1 : 1000);
    const d = new Date(n * per);
    return Number.isNaN(d.getTime()) ? null : d.toISOString();
}

export function preview(frame: unknown, shape: Shape, most = 5): { messages: Preview[]; rows: number; exact: boolean } {
    const map = shape.map ?? {};
    const rowsPath = shape.rows ?? '';
    const exact = plain(rowsPath) && [map.key, map.id, map.time].every(p => p === undefined || p === '' || plain(p));
    if (!plain(rowsPath)) return { messages: [], rows: 0, exact };
    const rows = rowsOf(frame, rowsPath);
    const messages = rows.slice(0, most).map(row => {
        const missing: string[] = [];
        const take = (name: string, p: unknown) => { if (!plain(p) || p === '') return undefined; const v = pick(row, p); if (v === undefined) missing.push(`${name}: nothing at ${p}`); return v; };
        const topic = String(shape.topic ?? '').replace(/\{([^}]*)\}/g, (_all, inner: string) => { const v = pick(row, inner.replace(/^\./, '').split(':')[0]!) ?? pick(frame, inner.replace(/^\./, '')); if (v === undefined) missing.push(`topic: nothing at ${inner}`); return v === undefined ? `{${inner}}` : String(v).replace(/[^A-Za-z0-9_-]/g, c => '~' + c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')); });
        return { topic, key: text(take('key', map.key)), id: text(take('id', map.id)), time: timeOf(take('time', map.time), map.unit), data: row, missing };
    });
    return { messages, rows: rows.length, exact };
}

/// Paths of the leaves of a row, for the field picker.
export function leaves(value: unknown, most = 60): { path: string; example: string }[] {
    const out: { path: string; example: string }[] = [];
    const visit = (v: unknown, path: string, depth: number) => {
        if (out.length >= most) return;
        if (v !== null && typeof v === 'object' && !Array.isArray(v) && depth < 5) for (const [k, inner] of Object.entries(v)) visit(inner, path ? path + '.' + k : k, depth + 1);
        else if (path) out.push({ path, example: (JSON.stringify(v) ?? '').slice(0, 40) });
    };
    visit(value, '', 0);
    return out;
}
