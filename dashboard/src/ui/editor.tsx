// JSON as text, with what the node says about it beside the lines it means.
import type { ApiError } from '../api/client';
import { Icon } from './icon';

/// The line (from 1) on which a JSON pointer's value begins, in text as JSON.stringify(…, 2) lays it out.
export function lineOf(text: string, pointer: string): number | null {
    const parts = pointer.split('/').slice(1).map(p => p.replace(/~1/g, '/').replace(/~0/g, '~'));
    const lines = text.split('\n');
    let line = 0, found: number | null = null;
    for (let depth = 0; depth < parts.length; depth++) {
        const pad = ' '.repeat(2 * (depth + 1)), part = parts[depth]!;
        let index = -1, at = -1;
        for (let i = line + (depth === 0 ? 1 : 1); i < lines.length; i++) {
            const l = lines[i]!;
            if (!l.startsWith(pad)) break;
            if (l[pad.length] === ' ' || l[pad.length] === '}' || l[pad.length] === ']') continue;
            index++;
            if (l.startsWith(pad + JSON.stringify(part) + ':') || (String(index) === part && !l.startsWith(pad + '"' + part))) { at = i; break; }
        }
        if (at < 0) return found;
        line = at;
        found = at + 1;
    }
    return found;
}

export function Editor({ label, value, onChange, errors, rows = 18 }: { label: string; value: string; onChange: (text: string) => void; errors?: ApiError | null; rows?: number }) {
    return <div class="stack" style={{ gap: 'var(--s2)' }}>
        <label class="field"><span>{label}</span><textarea class="input" rows={rows} spellcheck={false} autocomplete="off" autocapitalize="off" value={value} aria-invalid={!!errors} onInput={e => onChange(e.currentTarget.value)} /></label>
        {errors && <Complaints of={errors} text={value} />}
    </div>;
}
export function Complaints({ of, text }: { of: ApiError; text?: string }) {
    return <ul class="complaints" role="alert">
        {of.errors.length === 0 && <li><Icon name="warn" size={14} />{of.detail}</li>}
        {of.errors.map((e, i) => { const line = text ? lineOf(text, e.pointer) : null; return <li key={i}><Icon name="warn" size={14} /><span><span class="mono">{e.pointer || '/'}</span>{line !== null && <span class="muted"> line {line}</span>}: {e.detail || e.code}</span></li>; })}
    </ul>;
}
