// A source from a URL in six steps: look at it, say how it is read, try it, say where it runs, create it.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { ApiError, get, send } from '../api/client';
import type { SourceDoc } from '../api/types';
import { nodes } from '../model/cluster';
import { now } from '../model/clock';
import { millis, plural } from '../model/format';
import { leaves, mend, preview, rowsOf } from '../model/preview';
import { go, href, param } from '../router';
import { Complaints, Editor } from '../ui/editor';
import { Icon } from '../ui/icon';
import { Button, Card, Empty, Field, Head, Json } from '../ui/parts';
import { State } from '../ui/state';
import { definitionOf, Diff } from './source';

const seg = encodeURIComponent;
type Definition = Record<string, unknown> & { name?: string; type?: string; url?: string; topic?: string; rows?: string; map?: Record<string, unknown>; placement?: Record<string, unknown>; labels?: Record<string, string> };
interface Guess { path: string; reason: string; unit?: string }
interface Probe { definition: Definition; frames: { kind: string; as: string; count: number; sample: string }[]; rows: { path: string; rows: number; reason: string }[]; key: Guess[]; id: Guess[]; time: Guess[]; unknown: string[]; warnings: string[] }
interface Step { step?: string | number; kind?: string; what?: string; state?: string; after_ms?: number; took_ms?: number; detail?: string; done?: boolean; [key: string]: unknown }
interface Trial { state: string; why: string; steps: Step[]; timeline?: { after_ms: number; state: string; why: string }[]; samples: { kind: string; frame: string }[]; messages: { topic: string; key?: string; data?: unknown }[]; warnings: unknown[]; rejected?: unknown[]; errors?: { class: string; count: number; sample: string }[]; items?: { item: string; state: string }[] }

const steps = ['Feed', 'Look', 'Mapping', 'Test', 'Placement', 'Create'];
const failure = (error: unknown) => (error instanceof ApiError ? error : new ApiError(0, 'internal', String(error)));
const words = (v: unknown) => (typeof v === 'string' ? v : v !== null && typeof v === 'object' && 'detail' in v ? String((v as { detail: unknown }).detail) : JSON.stringify(v));

function Elapsed({ since, of }: { since: number; of: string }) {
    return <p class="row" role="status"><span class="tag busy"><Icon name="retry" size={14} /></span>{of} {Math.max(0, Math.round((now.value - since) / 1000))} s</p>;
}

export default function Wizard() {
    const [step, setStep] = useState(0);
    const [url, setUrl] = useState('');
    const [hello, setHello] = useState('');
    const [seconds, setSeconds] = useState(10);
    const [draft, setDraft] = useState<Definition>({});
    const [text, setText] = useState<string | null>(null);
    const [probe, setProbe] = useState<Probe | null>(null);
    const [trial, setTrial] = useState<Trial | null>(null);
    const [busy, setBusy] = useState(0);
    const [error, setError] = useState<ApiError | null>(null);
    const [before, setBefore] = useState<Definition | null>(null);
    const copy = param('copy');

    useEffect(() => {
        if (!copy) return;
        void get<SourceDoc>(`/v1/sources/${seg(copy)}`).then(doc => {
            const d = definitionOf(doc) as Definition;
            setBefore(d);
            setDraft({ ...d, name: d.name + '-2' });
            setUrl(typeof d.url === 'string' ? d.url : '');
            setStep(2);
            return get<{ items: { kind: string; frame: string }[] }>(`/v1/sources/${seg(copy)}/samples`).then(p => setProbe(p.items.length ? { definition: d, frames: p.items.slice(-5).map(s => ({ kind: s.kind, as: 'data', count: 1, sample: s.frame })), rows: [], key: [], id: [], time: [], unknown: [], warnings: [] } : null)).catch(() => {});
        }).catch(e => setError(failure(e)));
    }, [copy]);
    const move = (to: number) => { setError(null); setStep(to); scrollTo(0, 0); document.getElementById('main')?.focus({ preventScroll: true }); };

    const look = async () => {
        setBusy(Date.now());
        setError(null);
        try {
            const body: Record<string, unknown> = { url: url.trim(), seconds };
            if (hello.trim()) body['send'] = parseSend(hello);
            const { body: found } = await send<Probe>('POST', '/v1/sources:probe', body, { timeoutMs: 75_000 });
            setProbe(found);
            setDraft(found.definition);
            setText(null);
            move(1);
        } catch (e) { setError(failure(e)); }
        setBusy(0);
    };
    const test = async () => {
        setBusy(Date.now());
        setError(null);
        setTrial(null);
        try { setTrial((await send<Trial>('POST', '/v1/sources:test', draft, { timeoutMs: 45_000 })).body); } catch (e) { setError(failure(e)); }
        setBusy(0);
    };
    const create = async () => {
        setBusy(Date.now());
        setError(null);
        try {
            await send('POST', '/v1/sources?wait=cluster&timeout=5s', draft);
            go(href('sources/' + seg(String(draft.name))));
        } catch (e) { setError(failure(e)); }
        setBusy(0);
    };
    const change = (with_: Partial<Definition>) => { setDraft(old => ({ ...old, ...with_ })); setTrial(null); };
    const reached = (i: number) => i === 0 || Object.keys(draft).length > 0;
    return <>
        <Head title="Add a source" crumb={{ to: href('sources'), text: 'Sources' }} />
        <ol class="steps" aria-label="Steps">{steps.map((s, i) => <li key={s} aria-current={i === step ? 'step' : undefined}><button type="button" disabled={!reached(i) || (i === 1 && !probe) || busy > 0} onClick={() => move(i)}><span>{i < step ? <Icon name="check" size={12} /> : i + 1}</span>{s}</button></li>)}</ol>
        {step === 0 && <Card><form class="stack" style={{ maxWidth: '44rem' }} onSubmit={e => { e.preventDefault(); void look(); }}>
            <Field label="URL of the feed" hint="ws, wss, http or https. The node connects to it, looks for a while and proposes how to read it. Nothing is stored yet."><input class="input mono" type="url" required autofocus placeholder="wss://stream.example.com/feed" value={url} onInput={e => setUrl(e.currentTarget.value)} spellcheck={false} /></Field>
            <Field label="What to send after connecting" hint="Many feeds say nothing before they are asked, such as {&quot;op&quot;:&quot;subscribe&quot;,…}. One message a line."><textarea class="input" rows={3} value={hello} onInput={e => setHello(e.currentTarget.value)} spellcheck={false} /></Field>
            <Field label="Look for"><select class="input" value={String(seconds)} onChange={e => setSeconds(Number(e.currentTarget.value))}>{[5, 10, 20, 40, 60].map(s => <option key={s} value={s}>{s} seconds</option>)}</select></Field>
            {error && <Complaints of={error} />}
            {busy > 0 ? <Elapsed since={busy} of="Looking at the feed," /> : <div class="actions"><Button kind="main" type="submit">Look at it</Button>
                <Button onClick={() => { setDraft({ name: 'my-feed', type: 'websocket', url: url || 'wss://stream.example.com/feed', topic: 'feed.my-feed.{.symbol}', map: { key: 'symbol' } }); move(2); }}>Write a definition instead</Button></div>}
            <p class="note">A recipe from a file: paste it in the next step as JSON, or let <span class="mono">anode sources add FILE</span> take it. A copy of a source: open it and choose Test or copy.</p>
        </form></Card>}
        {step === 1 && probe && <Looked probe={probe} next={() => move(2)} again={() => move(0)} />}
        {step === 2 && <Mapping draft={draft} probe={probe} change={change} text={text} setText={setText} setDraft={d => { setDraft(d); setTrial(null); }} next={() => move(3)} />}
        {step === 3 && <Card title="Test" note="connects for up to 30 s and stores nothing"><div class="stack">
            {busy > 0 ? <Elapsed since={busy} of="Trying it," /> : <div class="actions"><Button kind={trial ? '' : 'main'} icon="play" onClick={() => void test()}>{trial ? 'Test again' : 'Test now'}</Button><Button kind={trial?.messages.length ? 'main' : ''} onClick={() => move(4)}>{trial?.messages.length ? 'Go on' : 'Go on without'}</Button></div>}
            {error && <Complaints of={error} text={JSON.stringify(draft, null, 2)} />}
            {trial && <Tried trial={trial} />}</div></Card>}
        {step === 4 && <Placement draft={draft} change={change} next={() => move(5)} />}
        {step === 5 && <Card title="Review"><div class="stack">
            {before ? <Diff before={before} after={draft} /> : <Json value={draft} />}
            {error && <Complaints of={error} text={JSON.stringify(draft, null, 2)} />}
            {busy > 0 ? <Elapsed since={busy} of="Telling all nodes," /> : <div class="actions"><Button kind="main" onClick={() => void create()}>Create {String(draft.name ?? '')}</Button>
                <a class="button" download={`${draft.name}.json`} href={'data:application/json,' + seg(JSON.stringify(draft, null, 2) + '\n')}><Icon name="download" />Save as a file</a></div>}
            <p class="note">From a shell: <span class="mono">anode sources add {String(draft.name)}.json</span></p></div></Card>}
    </>;
}

function parseSend(text: string): unknown[] {
    const lines = text.trim().split('\n').map(l => l.trim()).filter(Boolean);
    try { return [JSON.parse(text)]; } catch { return lines.map(l => { try { return JSON.parse(l) as unknown; } catch { return l; } }); }
}

function Looked({ probe, next, again }: { probe: Probe; next: () => void; again: () => void }) {
    const guess = (title: string, list: Guess[]) => <div><h3>{title}</h3>{list.length ? <ul>{list.slice(0, 3).map(g => <li key={g.path}><span class="mono">{g.path || 'the whole frame'}</span> <span class="muted">{g.reason}</span></li>)}</ul> : <p class="muted">nothing looks like one</p>}</div>;
    return <><div class="cols"><Card title="What came" note={plural(probe.frames.reduce((n, f) => n + f.count, 0), 'frame')}><div class="stack">
        {probe.frames.length === 0 ? <Empty title="Nothing came" icon="warn"><p>Perhaps the feed waits to be asked: go back and say what to send after connecting. Or it is merely quiet: look longer.</p></Empty>
            : probe.frames.map((f, i) => <details key={i} open={i === 0}><summary><State state={f.as === 'data' ? 'live' : 'unknown'} word={f.as} /> {f.count} × <span class="mono">{f.kind}</span></summary><pre class="sample">{f.sample}</pre></details>)}</div></Card>
        <Card title="What it looks like"><div class="stack">{guess('Rows', probe.rows.map(r => ({ path: r.path, reason: r.reason })))}{guess('Key: the entity a message is about', probe.key)}{guess('Id: tells repeats', probe.id)}{guess('Time', probe.time)}
            {probe.unknown.length > 0 && <div><h3>Not known</h3><ul>{probe.unknown.map(u => <li key={u} class="muted">{u}</li>)}</ul></div>}
            {probe.warnings.length > 0 && <ul class="complaints">{probe.warnings.map((w, i) => <li key={i}><Icon name="warn" size={14} />{words(w)}</li>)}</ul>}</div></Card></div>
        <div class="actions"><Button kind="main" onClick={next}>Go on with the proposal</Button><Button onClick={again}>Look again</Button></div></>;
}

function Mapping({ draft, probe, change, text, setText, setDraft, next }: { draft: Definition; probe: Probe | null; change: (d: Partial<Definition>) => void; text: string | null; setText: (t: string | null) => void; setDraft: (d: Definition) => void; next: () => void }) {
    const samples = (probe?.frames ?? []).filter(f => f.as === 'data');
    const [chosen, setChosen] = useState(0);
    const [pasted, setPasted] = useState('');
    const [pick, setPick] = useState<'key' | 'id' | 'time'>('key');
    const [bad, setBad] = useState<ApiError | null>(null);
    const raw = pasted || samples[chosen]?.sample || '';
    const frame = useMemo(() => (raw ? mend(raw) : undefined), [raw]);
    const shown = useMemo(() => preview(frame, draft as never), [frame, draft]);
    const map = draft.map ?? {};
    const set = (name: string, value: string) => { const m = { ...map }; if (value) m[name] = value; else delete m[name]; change({ map: m }); };
    const row = frame === undefined ? undefined : rowsOf(frame, typeof draft.rows === 'string' ? draft.rows : '')[0];
    const fields = leaves(row);
    const check = async () => {
        setBad(null);
        try { await send('POST', '/v1/sources?dry_run=1', draft); return true; } catch (e) { setBad(failure(e)); return false; }
    };
    const parsed = (t: string) => { setText(t); try { setDraft(JSON.parse(t) as Definition); setBad(null); } catch (e) { setBad(new ApiError(0, 'bad-json', (e as Error).message)); } };
    const simple = (v: unknown) => (typeof v === 'string' ? v : v === undefined ? '' : JSON.stringify(v));
    return <>
        <div class="row" role="group" aria-label="Edit as"><Button kind="small" pressed={text === null} onClick={() => setText(null)}>Form</Button><Button kind="small" pressed={text !== null} onClick={() => setText(JSON.stringify(draft, null, 2))}>Text</Button></div>
        {text !== null ? <Card><Editor label="Definition, JSON" value={text} onChange={parsed} errors={bad} rows={22} /></Card> : <Card title="How it is read"><div class="stack">
            <div class="grid2">
                <Field label="Name" hint="a–z 0–9 - _"><input class="input" value={simple(draft.name)} onInput={e => change({ name: e.currentTarget.value })} /></Field>
                <Field label="Topic" hint="{.field} is filled from each row"><input class="input mono" value={simple(draft.topic)} onInput={e => change({ topic: e.currentTarget.value })} /></Field>
                <Field label="Rows" hint="path to the row or rows; empty: the frame is one row"><input class="input mono" value={simple(draft.rows)} list="rowpaths" onInput={e => change({ rows: e.currentTarget.value })} /><datalist id="rowpaths">{probe?.rows.map(r => <option key={r.path} value={r.path} />)}</datalist></Field>
                <Field label="Key" hint="the entity inside the topic"><input class="input mono" value={simple(map['key'])} onFocus={() => setPick('key')} onInput={e => set('key', e.currentTarget.value)} /></Field>
                <Field label="Id" hint="the feed's own; without one repeats cannot be removed"><input class="input mono" value={simple(map['id'])} onFocus={() => setPick('id')} onInput={e => set('id', e.currentTarget.value)} /></Field>
                <Field label="Time" hint="the feed's own"><input class="input mono" value={simple(map['time'])} onFocus={() => setPick('time')} onInput={e => set('time', e.currentTarget.value)} /></Field>
            </div>
            {fields.length > 0 && <div><h3>Fields of a row</h3><p class="note">Choosing one sets the {pick}.</p><div class="row" style={{ marginTop: 'var(--s2)' }}>
                <select class="input" aria-label="Field to set" value={pick} onChange={e => setPick(e.currentTarget.value as 'key')}><option value="key">key</option><option value="id">id</option><option value="time">time</option></select>
                {fields.map(f => <button type="button" key={f.path} class="pill" aria-pressed={map[pick] === f.path} title={f.example} onClick={() => set(pick, f.path)}>{f.path}<span class="muted mono">{f.example.slice(0, 18)}</span></button>)}</div></div>}
            {bad && <Complaints of={bad} text={JSON.stringify(draft, null, 2)} />}</div></Card>}
        <div class="cols">
            <Card title="Frame" note="as received" actions={samples.length > 1 ? <select class="input" aria-label="Which frame" value={String(chosen)} onChange={e => setChosen(Number(e.currentTarget.value))}>{samples.map((s, i) => <option key={i} value={i}>{s.kind.slice(0, 40)}</option>)}</select> : undefined}>
                {frame !== undefined ? <div class="sample"><Json value={frame} /></div> : raw ? <pre class="sample">{raw}</pre> : <Field label="No frame was seen. Paste one:"><textarea class="input" rows={6} value={pasted} onInput={e => setPasted(e.currentTarget.value)} spellcheck={false} /></Field>}</Card>
            <Card title="Messages" note={frame === undefined ? '' : `${plural(shown.rows, 'row')} in this frame`}><div class="stack sample">
                {!shown.exact && <p class="note">Expressions are carried out by the node only: the test shows them.</p>}
                {shown.messages.length === 0 && <p class="muted">Nothing yet: is the path of the rows right?</p>}
                {shown.messages.map((m, i) => <div key={i} class="message"><div class="row"><span class="mono">{m.topic}</span>{m.key !== null && <span class="pill">{m.key}</span>}{m.id !== null && <span class="note">id {m.id}</span>}{m.time && <span class="note">{m.time}</span>}</div>{m.missing.map(w => <p class="age" key={w}>{w}</p>)}<Json value={m.data} /></div>)}</div></Card>
        </div>
        <div class="actions"><Button kind="main" disabled={!draft.name || !draft.topic} onClick={() => void check().then(ok => ok && next())}>Check and go on</Button></div>
    </>;
}

function Tried({ trial }: { trial: Trial }) {
    const reachedLive = trial.timeline?.some(t => t.state === 'live') || trial.state === 'live';
    return <><p><State state={reachedLive ? 'live' : trial.state} word={reachedLive ? 'it works' : trial.state} /> <span class="muted">{trial.why}</span></p>
        <ul class="ticks">{trial.timeline?.map((t, i) => <li key={'t' + i}><State state={t.state} /><span class="muted">{t.why}</span><span class="num">{millis(t.after_ms)}</span></li>)}
            {trial.steps.map((s, i) => <li key={'s' + i}><State state={s.done === false || s.state === 'failed' ? 'failed' : 'ok'} word={String(s.kind ?? s.what ?? s.step ?? `step ${i + 1}`)} /><span class="muted">{String(s.detail ?? s.state ?? '')}</span><span class="num">{millis((s.took_ms ?? s.after_ms) as number | undefined)}</span></li>)}</ul>
        {trial.warnings.length > 0 && <ul class="complaints" style={{ color: 'var(--warn)' }}>{trial.warnings.map((w, i) => <li key={i}><Icon name="warn" size={14} />{words(w)}</li>)}</ul>}
        {(trial.errors?.length ?? 0) > 0 && <ul class="complaints">{trial.errors!.map((e, i) => <li key={i}><Icon name="warn" size={14} />{e.class} × {e.count}: {e.sample}</li>)}</ul>}
        <div class="cols"><div><h3>Messages ({trial.messages.length})</h3><div class="sample">{trial.messages.length ? trial.messages.map((m, i) => <div class="message" key={i}><div class="row"><span class="mono">{m.topic}</span>{m.key && <span class="pill">{m.key}</span>}</div><Json value={m.data} /></div>) : <p class="muted">No message came of it.</p>}</div></div>
            <div><h3>Raw frames ({trial.samples.length})</h3><div class="sample">{trial.samples.map((s, i) => <pre class="message" key={i}>{s.frame}</pre>)}</div></div></div></>;
}

function Placement({ draft, change, next }: { draft: Definition; change: (d: Partial<Definition>) => void; next: () => void }) {
    const place = draft.placement ?? {}, labels = draft.labels ?? {};
    const zones = [...new Set(nodes.value.map(n => n.doc.zone).filter(Boolean))];
    const put = (name: string, value: string) => { const p = { ...place }; if (value) p[name] = value; else delete p[name]; const rest = { ...draft, placement: Object.keys(p).length ? p : undefined }; change({ placement: rest.placement }); };
    const topicHead = String(draft.topic ?? '').split('.')[0];
    return <Card title="Where it runs"><div class="stack" style={{ maxWidth: '44rem' }}>
        <div class="grid2">
            <Field label="Node" hint="One node runs it; another takes over when that one goes."><select class="input" value={String(place['node'] ?? '')} onChange={e => put('node', e.currentTarget.value)}><option value="">whichever the cluster chooses</option>{nodes.value.map(n => <option key={n.doc.id} value={n.doc.name}>{n.doc.name}</option>)}</select></Field>
            <Field label="Zone"><select class="input" value={String(place['zone'] ?? '')} onChange={e => put('zone', e.currentTarget.value)} disabled={!zones.length}><option value="">any</option>{zones.map(z => <option key={z}>{z}</option>)}</select></Field>
            <Field label="Provider" hint="sources of one provider share its rate limits"><input class="input" value={labels['provider'] ?? ''} onInput={e => { const l = { ...labels }; e.currentTarget.value ? (l['provider'] = e.currentTarget.value) : delete l['provider']; change({ labels: Object.keys(l).length ? l : undefined }); }} /></Field>
        </div>
        <p class="muted">How long its messages are kept is a matter of the <a href={href('topics')}>retention rules</a>: the first whose pattern covers <span class="mono">{topicHead}.&gt;</span> holds. Alerts come from the configuration; a source that fails is told among the <a href={href('events')}>events</a> in any case.</p>
        <div class="actions"><Button kind="main" onClick={next}>Review</Button></div></div></Card>;
}
