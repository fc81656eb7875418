// Rules that turn messages into messages: each as a graph with its counts, and a bench to try them.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, getWithTag, may, send, type Page } from '../api/client';
import type { Message, Pipeline } from '../api/types';
import { compact, integer, plural } from '../model/format';
import { useGet } from '../model/resource';
import { go, href, param } from '../router';
import { Editor } from '../ui/editor';
import { Icon } from '../ui/icon';
import { attempt, Button, Card, Confirm, Empty, Head, Json, Shown } from '../ui/parts';
import { State } from '../ui/state';

const seg = encodeURIComponent;
interface StepResult { step: number; kind: string; result: string; message?: { topic: string; key?: string; data?: unknown }; detail?: string; error?: string; used?: number }
interface Trial { slow_path: boolean; results: { input: { topic: string; data?: unknown }; steps: StepResult[]; outputs?: { topic: string; key?: string; data?: unknown }[]; error?: string }[]; held?: unknown[] }
const kindOf = (step: Record<string, unknown>) => Object.keys(step)[0] ?? '';
const state = new Set(['version', 'origin', 'owner', 'owner_name', 'state', 'why', 'slow_path', 'last_error', 'counters', 'history', 'enabled_here', 'role', 'term', 'candidates']);
const definitionOf = (p: Pipeline) => Object.fromEntries(Object.entries(p).filter(([k]) => !state.has(k)));

/// Input, steps, output; under each step what it let go, if the node counts it.
function Graph({ p }: { p: Pipeline }) {
    const c = p.counters ?? {};
    const lost: Record<string, string[]> = { filter: ['filtered'], route: ['filtered'], map: ['failed'], dedupe: ['duplicates'], limit: ['limited'], conflate: ['conflated'], window: ['held'] };
    const told = new Set<string>();
    return <ol class="graph" aria-label={`Graph of ${p.name}`}>
        <li class="end"><strong>input</strong><span class="mono">{p.input}</span><span class="note">{compact(c['in'] ?? 0)} in</span></li>
        {p.steps.map((s, i) => { const kind = kindOf(s); const counts = (lost[kind] ?? []).filter(n => !told.has(n) && c[n] !== undefined); counts.forEach(n => told.add(n));
            return <li key={i}><strong>{kind}</strong><span class="mono">{typeof s[kind] === 'string' ? String(s[kind]) : JSON.stringify(s[kind])}</span>{counts.map(n => <span class="note" key={n}>{compact(c[n]!)} {n}</span>)}</li>; })}
        <li class="end"><strong>output</strong><span class="mono">{p.output || 'by route'}</span><span class="note">{compact(c['out'] ?? 0)} out</span></li>
    </ol>;
}

function Bench({ definition, name }: { definition: unknown; name: string | null }) {
    const input = (definition as { input?: string })?.input ?? '';
    const [text, setText] = useState('');
    const [trial, setTrial] = useState<Trial | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const recent = async () => {
        try {
            const page = await get<Page<Message>>(`/v1/messages?topics=${seg(input)}&limit=5`);
            if (!page.items.length) { setError(new ApiError(0, 'empty', `no message of ${input} is kept`)); return; }
            setText(JSON.stringify(page.items.map(m => ({ topic: m.topic, ...(m.key ? { key: m.key } : {}), data: m.data })), null, 2));
            setError(null);
        } catch (e) { setError(e as ApiError); }
    };
    useEffect(() => { if (!text && input) void recent(); }, [input]);
    const run = async () => {
        setError(null);
        try {
            const messages = JSON.parse(text) as unknown;
            setTrial((await send<Trial>('POST', name ? `/v1/pipelines/${seg(name)}:test` : '/v1/pipelines:test', name ? { messages } : { definition, messages })).body);
        } catch (e) { setTrial(null); setError(e instanceof ApiError ? e : new ApiError(0, 'bad-json', (e as Error).message)); }
    };
    return <Card title="Bench" note="messages go through the steps, and nothing comes of it" actions={<><Button kind="small" onClick={() => void recent()}>Recent messages</Button><Button kind="small main" icon="play" onClick={() => void run()}>Run</Button></>}>
        <div class="stack"><Editor label="Messages, JSON" value={text} onChange={setText} errors={error} rows={8} />
            {trial && <>{trial.slow_path && <p class="age"><Icon name="warn" size={14} /> A step uses more of jq than is compiled: it runs, about ten times slower.</p>}
                {trial.results.map((r, i) => <div key={i} class="message"><div class="row"><span class="pill">{i + 1}</span><span class="mono">{r.input.topic}</span>{r.error && <span class="age">{r.error}</span>}</div>
                    <ul class="ticks">{r.steps.map((s, j) => <li key={j}><State state={s.result === 'passed' ? 'ok' : s.result === 'failed' || s.result === 'error' ? 'failed' : 'left'} word={`${s.step + 1} ${s.kind}`} /><span><span class={s.result === 'passed' ? 'muted' : ''}>{s.result}{(s.detail ?? s.error) && `: ${s.detail ?? s.error}`}</span>{s.message?.data !== undefined && <details><summary class="mono cut">{JSON.stringify(s.message.data).slice(0, 140)}</summary><Json value={s.message} /></details>}</span><span class="num note">{s.used !== undefined ? `${integer(s.used)} steps` : ''}</span></li>)}</ul>
                    {r.outputs?.length ? r.outputs.map((o, j) => <p key={j} class="row" style={{ maxWidth: 'none' }}><Icon name="right" size={12} /> <span class="mono">{o.topic}</span> <code>{JSON.stringify(o.data)}</code></p>) : <p class="muted">No output.</p>}</div>)}
                {(trial.held?.length ?? 0) > 0 && <p class="note">{plural(trial.held!.length, 'message')} still held by a window at the end.</p>}</>}</div>
    </Card>;
}

const blank = { name: 'my-pipeline', input: 'demo.>', output: 'out.{tokens[1]}', steps: [{ filter: '.data != null' }] };

function One({ name }: { name: string }) {
    const fresh = name === '+';
    const doc = useGet<Pipeline>(fresh ? null : `/v1/pipelines/${seg(name)}`, 2000);
    const [text, setText] = useState<string | null>(fresh ? JSON.stringify(blank, null, 2) : null);
    const [tag, setTag] = useState<string | null>(null);
    const [error, setError] = useState<ApiError | null>(null);
    const [removing, setRemoving] = useState(false);
    let parsed: unknown = doc.data ? definitionOf(doc.data) : null;
    if (text !== null) try { parsed = JSON.parse(text); } catch { /* the editor says so on save */ }
    const edit = async () => { const now = await getWithTag<Pipeline>(`/v1/pipelines/${seg(name)}`); setTag(now.etag); setText(JSON.stringify(definitionOf(now.body), null, 2)); };
    const save = async () => {
        setError(null);
        try {
            const body = JSON.parse(text!) as Pipeline;
            await send(fresh ? 'POST' : 'PUT', fresh ? '/v1/pipelines' : `/v1/pipelines/${seg(name)}`, body, { headers: tag ? { 'If-Match': tag } : {} });
            setText(null);
            if (fresh) go(href('pipelines/' + seg(body.name))); else doc.refresh();
        } catch (e) { setError(e instanceof ApiError ? e : new ApiError(0, 'bad-json', (e as Error).message)); }
    };
    const p = doc.data;
    const toggle = () => void attempt(() => send('PATCH', `/v1/pipelines/${seg(name)}`, { enabled: p?.enabled === false }, { type: 'application/merge-patch+json' }), p?.enabled === false ? 'Enabled' : 'Disabled').then(doc.refresh);
    return <>
        <Head title={fresh ? 'New pipeline' : name} sub={p && <State state={p.enabled === false ? 'disabled' : p.state ?? 'running'} />} crumb={{ to: href('pipelines'), text: 'Pipelines' }}>
            {p && may('O') && <><Button onClick={toggle}>{p.enabled === false ? 'Enable' : 'Disable'}</Button>{text === null && <Button onClick={() => void edit()}>Edit</Button>}<Button kind="danger" onClick={() => setRemoving(true)}>Remove</Button></>}
        </Head>
        {!fresh && <Shown of={doc} what="the pipeline" role="V">{x => <Card title="Graph"><div class="stack"><Graph p={x} />{typeof x['last_error'] === 'string' && x['last_error'] && <p class="age"><Icon name="warn" size={14} /> {x['last_error']}</p>}{x.slow_path && <p class="note">Some step uses more of jq than is compiled: it runs, about ten times slower.</p>}<p class="muted">Version {x.version}, from {x.origin}. {Object.entries(x.counters ?? {}).filter(([, v]) => v).map(([k, v]) => `${k} ${integer(v)}`).join(', ')}</p></div></Card>}</Shown>}
        {text !== null && <Card title="Definition"><div class="stack"><Editor label="Definition, JSON" value={text} onChange={setText} errors={error} /><div class="actions"><Button kind="main" onClick={() => void save()}>{fresh ? 'Create' : 'Save'}</Button>{!fresh && <Button kind="quiet" onClick={() => setText(null)}>Cancel</Button>}</div></div></Card>}
        {parsed !== null && <Bench definition={parsed} name={text === null && !fresh ? name : null} />}
        {removing && <Confirm title={`Remove ${name}?`} action="Remove" danger onYes={() => void attempt(() => send('DELETE', `/v1/pipelines/${seg(name)}`), `${name} is removed`).then(ok => ok && go(href('pipelines')))} onClose={() => setRemoving(false)}><p>It stops at once. What it made stays.</p></Confirm>}
    </>;
}

function List() {
    const list = useGet<Page<Pipeline>>('/v1/pipelines?limit=1000', 2000);
    const q = param('q').toLowerCase();
    return <>
        <Head title="Pipelines" sub={list.data && plural(list.data.items.length, 'pipeline')}>{may('O') && <a class="button main" href={href('pipelines/+')}><Icon name="plus" />New pipeline</a>}</Head>
        <Shown of={list} what="the pipelines" role="V">{p => (p.items.length === 0 ? <Card flush><Empty title="No pipelines yet" icon="pipelines"><p>A pipeline filters, maps, counts or thins out messages on their way and writes what is left to another topic. Steps are jq:</p><Json value={{ ...blank, name: 'big-trades', input: 'crypto.*.*.trade', output: 'alerts.big.{tokens[2]}', steps: [{ filter: '(.data.q|tonumber) > 5' }, { limit: '10/s' }] }} /></Empty></Card>
            : <div class="stack">{p.items.filter(x => !q || x.name.includes(q)).map(x => <Card key={x.name} title={<a href={href('pipelines/' + seg(x.name))}>{x.name}</a>} note={x.description} actions={<State state={x.enabled === false ? 'disabled' : x.state ?? 'running'} />}><Graph p={x} /></Card>)}</div>)}</Shown>
    </>;
}

export default function Pipelines({ args }: { args: string[] }) {
    return args[0] ? <One key={args[0]} name={args[0]} /> : <List />;
}
