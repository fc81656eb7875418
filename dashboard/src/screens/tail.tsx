// Messages as they come: of a topic or a pattern, filtered by the node, drawn no faster than one can see.
import { Component } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { saveAs } from '../api/client';
import { listen, payloadText, type GapFrame, type Subscription } from '../api/live';
import type { Message } from '../api/types';
import { atMicros, compact, integer } from '../model/format';
import { href, param, setParam } from '../router';
import { Icon } from '../ui/icon';
import { Button, Card, Code, Copy, Empty, Field, Head, Json } from '../ui/parts';

type Line = { id: number; message: Message } | { id: number; gap: GapFrame } | { id: number; note: string };
const kept = 1000, drawnPerSecond = 150;
const seg = encodeURIComponent;

/// What a tail collects between two frames of the screen; the list is drawn four times a second.
class Tape {
    lines: Line[] = [];
    private next = 0;
    came = 0;
    add(line: { message: Message } | { gap: GapFrame } | { note: string }) {
        this.lines.push({ id: this.next++, ...line });
        if (this.lines.length > kept * 1.5) this.lines.splice(0, this.lines.length - kept);
    }
}

export function hex(b64: string, most = 256): string {
    let raw = '';
    try { raw = atob(b64); } catch { return b64; }
    const rows: string[] = [];
    for (let i = 0; i < Math.min(raw.length, most); i += 16) {
        const part = [...raw.slice(i, i + 16)].map(c => c.charCodeAt(0));
        rows.push(i.toString(16).padStart(4, '0') + '  ' + part.map(b => b.toString(16).padStart(2, '0')).join(' ').padEnd(47) + '  ' + part.map(b => (b >= 32 && b < 127 ? String.fromCharCode(b) : '.')).join(''));
    }
    return rows.join('\n') + (raw.length > most ? `\n… ${integer(raw.length - most)} more bytes` : '');
}

function valueAt(data: unknown, path: string): string {
    let v = data;
    for (const part of path.replace(/^\./, '').split('.').filter(Boolean)) v = v !== null && typeof v === 'object' ? (v as Record<string, unknown>)[part] : undefined;
    return v === undefined ? '' : typeof v === 'string' ? v : JSON.stringify(v);
}

/// Which members differ from the message of the same topic and key before it.
function changed(m: Message, before: Map<string, unknown>): Set<string> {
    const key = m.topic + '\u0000' + (m.key ?? ''), old = before.get(key);
    before.set(key, m.data);
    const out = new Set<string>();
    if (old === undefined || typeof m.data !== 'object' || m.data === null) return out;
    for (const [k, v] of Object.entries(m.data)) if (JSON.stringify((old as Record<string, unknown>)?.[k]) !== JSON.stringify(v)) out.add(k);
    return out;
}

function Payload({ message, as, diff }: { message: Message; as: string; diff?: Set<string> }) {
    if (message.data === undefined) return <pre class="mono hex">{message.b64 ? hex(message.b64) : message.ct}</pre>;
    if (as === 'pretty') return <Json value={message.data} />;
    if (as === 'diff' && diff && message.data !== null && typeof message.data === 'object') return <code>{Object.entries(message.data).map(([k, v], i) => <span key={k} class={diff.has(k) ? 'mark' : 'muted'}>{i > 0 && ' '}{k}={JSON.stringify(v)}</span>)}</code>;
    return <code>{payloadText(message)}</code>;
}

/// A line is drawn once: what has come does not change.
class LineView extends Component<{ message: Message; as: string; copy: boolean; diff?: Set<string> }> {
    override shouldComponentUpdate(next: this['props']) { return next.as !== this.props.as || next.copy !== this.props.copy; }
    override render({ message: m, as, copy, diff }: this['props']) {
        return <div class="line"><span class="muted nowrap">{atMicros(m.ts)}</span><a href={href('topics/' + seg(m.topic))}>{m.topic}</a>{m.key !== undefined && !m.topic.includes(m.key) && <span class="pill">{m.key}</span>}{m.kind && m.kind !== 'set' && <span class="pill">{m.kind}</span>}{m.flags?.map(f => <span class="pill" key={f}>{f}</span>)}
            <Payload message={m} as={as} diff={diff} />{copy && <Copy text={m.line ?? ''} label="Copy this message" />}</div>;
    }
}

export default function Tail() {
    const topics = param('topics'), filter = param('filter'), from = param('from', 'live'), as = param('as', 'raw'), columns = param('columns').split(',').map(s => s.trim()).filter(Boolean);
    const [typed, setTyped] = useState({ topics: topics || '>', filter, columns: columns.join(', ') });
    const [lines, setLines] = useState<Line[]>([]);
    const [paused, setPaused] = useState(false);
    const [refused, setRefused] = useState('');
    const [rate, setRate] = useState({ shown: 0, sample: 1 });
    const tape = useRef(new Tape());
    const sub = useRef<Subscription | null>(null);
    const box = useRef<HTMLDivElement>(null);
    const pausedNow = useRef(false);
    pausedNow.current = paused;

    useEffect(() => { setTyped({ topics: topics || '>', filter, columns: columns.join(', ') }); }, [topics, filter]);
    useEffect(() => {
        if (!topics) return;
        tape.current = new Tape();
        setLines([]);
        setRefused('');
        let sample = 1, calm = 0;
        const t = tape.current;
        const patterns = topics.split(',').map(s => s.trim()).filter(Boolean);
        const own = listen({ topics: patterns, ...(from !== 'live' ? { from } : {}), ...(filter ? { filter } : {}) }, {
            message: message => { t.came++; t.add({ message }); }, gap: gap => t.add({ gap }), refused: setRefused,
            state: (on, resume) => { if (on && resume) t.add({ note: resume === 'exact' ? 'connected again, nothing missed' : `connected again (${resume})` }); else if (!on) t.add({ note: 'the connection broke' }); },
        });
        sub.current = own;
        const draw = setInterval(() => { if (!pausedNow.current) setLines(t.lines.slice(-kept)); }, 250);
        const judge = setInterval(() => {
            const came = t.came;
            t.came = 0;
            const whole = came * sample;
            // The node leaves out what could not be seen anyway, so that neither it nor this page drowns.
            const wanted = whole > drawnPerSecond * 1.2 ? Math.ceil(whole / drawnPerSecond) : 1;
            calm = wanted < sample ? calm + 1 : 0;
            if (wanted > sample || calm >= 5) { sample = wanted; calm = 0; own.update(sample > 1 ? { mode: 'sample', n: sample } : { mode: 'all' }); }
            setRate({ shown: came, sample });
        }, 1000);
        return () => { clearInterval(draw); clearInterval(judge); own.close(); };
    }, [topics, filter, from]);
    useEffect(() => { if (!paused && box.current) box.current.scrollTop = box.current.scrollHeight; }, [lines, paused]);

    const onScroll = () => {
        const el = box.current;
        if (!el) return;
        const atEnd = el.scrollHeight - el.scrollTop - el.clientHeight < 40;
        if (!atEnd && !paused) setPaused(true);
        else if (atEnd && paused && el.scrollHeight > el.clientHeight) setPaused(false);
    };
    const go = () => { setParam('filter', typed.filter.trim() || null); setParam('columns', typed.columns.trim() || null); setParam('topics', typed.topics.trim() || '>', true); setPaused(false); };
    const save = () => {
        const text = tape.current.lines.map(l => ('message' in l ? l.message.line ?? '' : 'gap' in l ? JSON.stringify(l.gap) : '')).filter(Boolean).join('\n') + '\n';
        saveAs(new Blob([text], { type: 'application/x-ndjson' }), 'tail.ndjson');
    };
    const url = `${location.origin}/v1/stream?topics=${topics || '>'}${filter ? '&filter=' + seg(filter) : ''}`;
    const before = new Map<string, unknown>();
    const shown = lines.slice(-400);
    return <>
        <Head title="Live tail" sub={topics ? <>{compact(rate.shown)}/s shown{rate.sample > 1 && <>, <strong>1 of {rate.sample}</strong></>}</> : undefined}>
            <Button icon={paused ? 'play' : 'pause'} kind={paused ? 'main' : ''} onClick={() => setPaused(!paused)} disabled={!topics}>{paused ? 'Go on' : 'Pause'}</Button>
            <Button icon="download" onClick={save} disabled={!topics}>NDJSON</Button>
        </Head>
        <form class="row" onSubmit={e => { e.preventDefault(); go(); }} style={{ alignItems: 'end' }}>
            <div style={{ flex: '2 1 16rem' }}><Field label="Topics"><input class="input mono" value={typed.topics} placeholder="a.*.b or a.>" spellcheck={false} onInput={e => setTyped({ ...typed, topics: e.currentTarget.value })} /></Field></div>
            <div style={{ flex: '2 1 14rem' }}><Field label="Filter, jq"><input class="input mono" value={typed.filter} placeholder="(.data.price|tonumber) > 5" spellcheck={false} onInput={e => setTyped({ ...typed, filter: e.currentTarget.value })} /></Field></div>
            <div style={{ flex: '1 1 10rem' }}><Field label="Columns"><input class="input mono" value={typed.columns} placeholder=".price, .size" spellcheck={false} onInput={e => setTyped({ ...typed, columns: e.currentTarget.value })} /></Field></div>
            <Field label="From"><select class="input" value={from} onChange={e => setParam('from', e.currentTarget.value === 'live' ? null : e.currentTarget.value, true)}><option value="live">now</option><option value="last">the last of each key</option><option value="-1m">a minute ago</option><option value="-15m">15 minutes ago</option><option value="-1h">an hour ago</option></select></Field>
            <Field label="As"><select class="input" value={as} onChange={e => setParam('as', e.currentTarget.value === 'raw' ? null : e.currentTarget.value)}><option value="raw">one line</option><option value="pretty">pretty</option><option value="diff">changes</option></select></Field>
            <Button kind="main" type="submit">Watch</Button>
        </form>
        {refused && <p class="age" role="alert"><Icon name="warn" size={14} /> {refused}</p>}
        <Card flush>
            {!topics ? <Empty title="Which topics?" icon="tail"><p>A pattern names them: <span class="mono">*</span> stands for one part, <span class="mono">&gt;</span> for all the rest. <a href={href('tail', { topics: '>' })}>Watch everything</a>, or choose from the <a href={href('topics')}>topics</a>.</p></Empty>
                : <div class="tape" ref={box} onScroll={onScroll} tabIndex={0} role="log" aria-label="Messages" aria-live="off">
                    {lines.length === 0 && <Empty title="Waiting for the next message" icon="tail"><p>Nothing of <span class="mono">{topics}</span> has come since this page began to listen{filter && ', or the filter lets nothing through'}.</p></Empty>}
                    {columns.length > 0 && lines.length > 0
                        ? <table class="table bars"><thead><tr><th scope="col">Time</th><th scope="col">Topic</th>{columns.map(c => <th scope="col" key={c}>{c}</th>)}</tr></thead><tbody>{shown.map(l => ('message' in l ? <tr key={l.id}><td class="muted nowrap">{atMicros(l.message.ts)}</td><td class="mono">{l.message.topic}</td>{columns.map(c => <td class="mono" key={c}>{valueAt(l.message.data, c)}</td>)}</tr> : <tr key={l.id}><td colSpan={columns.length + 2}><Special line={l} /></td></tr>))}</tbody></table>
                        : shown.map(l => ('message' in l ? <LineView key={l.id} message={l.message} as={as} copy={paused} diff={as === 'diff' ? changed(l.message, before) : undefined} /> : <Special key={l.id} line={l} />))}
                </div>}
        </Card>
        {topics && <details><summary>The same from elsewhere</summary><div class="stack" style={{ marginTop: 'var(--s2)' }}>
            <Code text={`curl -N '${url}'`} /><Code text={`websocat '${url.replace(/^http/, 'ws')}'`} /><Code text={`anode sub '${topics}'${filter ? ` --filter '${filter}'` : ''}`} /></div></details>}
    </>;
}

function Special({ line }: { line: Line }) {
    if ('gap' in line) return <div class="gapbar" role="note"><Icon name="gaps" size={14} />{line.gap.lost === null || line.gap.lost === undefined ? 'An unknown number of messages is missing here' : `${integer(line.gap.lost)} messages are missing here`} ({line.gap.reason}, {line.gap.gap})</div>;
    return 'note' in line ? <div class="gapbar note" role="note"><Icon name="ring" size={14} />{line.note}</div> : null;
}
