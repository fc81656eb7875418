// One source: where it is in its life, what it says, what goes wrong, how it is defined.
import { useEffect, useState } from 'preact/hooks';
import { ApiError, get, getWithTag, may, send, type Page } from '../api/client';
import { listen, payloadText } from '../api/live';
import type { Message, SourceDoc } from '../api/types';
import { nameOf } from '../model/cluster';
import { atMicros, bytes, compact, integer, millis, plural, rate } from '../model/format';
import { useGet, useRead } from '../model/resource';
import { rates, useSources } from '../model/sources';
import { go, href, param } from '../router';
import { Icon } from '../ui/icon';
import { Ago, attempt, Button, Card, Confirm, Copy, Empty, Facts, Head, Json, Shown, Stat, Tabs, Time } from '../ui/parts';
import { Spark } from '../ui/spark';
import { iconOf, State, toneOf } from '../ui/state';
import { Table, type Column } from '../ui/table';
import { diff } from '../ui/diff';
import { Editor } from '../ui/editor';
import { Move } from './sources';

const seg = encodeURIComponent;
interface EventRow { at: string; kind: string; detail: string }
interface ErrorRow { class: string; count: number; sample: string; first_at: string; last_at: string }
interface ItemRow { item: string; state: string; reason: string; since: string | null }
interface Sample { at?: string; direction?: string; data?: unknown; text?: string; frame?: unknown; [key: string]: unknown }
interface Past { version: number; etag: string; at: string; node: string; lost: boolean; definition: Record<string, unknown> | null }

/// What only the node that runs a source knows is asked of that node; one that takes no such question is asked itself.
function useOwn<T>(name: string, what: string, owner: string | null, every: number) {
    return useRead<T>(owner === undefined ? null : `source:${name}:${what}:${owner}`, every, async signal => {
        if (owner) {
            try { return await get<T>(`/v1/sources/${seg(name)}${what}?node=${seg(owner)}`, { signal }); }
            catch (error) { if (!(error instanceof ApiError) || error.status !== 400) throw error; }
        }
        return get<T>(`/v1/sources/${seg(name)}${what}`, { signal });
    });
}

const life = ['pending', 'connecting', 'subscribing', 'live'] as const;
function Life({ doc, items }: { doc: SourceDoc; items: ItemRow[] | null }) {
    const at = life.indexOf(doc.state as typeof life[number]);
    const open = items?.filter(i => i.state !== 'confirmed' && i.state !== 'active' && i.state !== 'live' && i.state !== 'ok') ?? [];
    const aside = at < 0;
    const why = doc.why === 'data' ? 'data comes' : doc.why;
    const step = doc.state === 'subscribing' && items?.length ? `waiting for confirmation of ${open.length} of ${plural(items.length, 'subscription')}` : why;
    return <div class="life"><ol aria-label="Steps to live">{life.map((s, i) => <li key={s} class={s === doc.state ? 'now ' + toneOf(s) : i < at ? 'done' : ''} aria-current={s === doc.state ? 'step' : undefined}><Icon name={s === doc.state ? iconOf(s) : i < at ? 'check' : 'ring'} size={14} />{s}</li>)}
        {aside && <li class={'now ' + toneOf(doc.state)} aria-current="step"><Icon name={iconOf(doc.state)} size={14} />{doc.state}</li>}</ol>
        <p>{step && <>{step[0]!.toUpperCase() + step.slice(1)}. </>}{doc.next_due && doc.state !== 'live' && <>Tried again {Date.parse(doc.next_due) > Date.now() ? <span>at <Time time={doc.next_due} /></span> : 'now'}.</>}</p></div>;
}

function Mapped({ name }: { name: string }) {
    const [rows, setRows] = useState<Message[]>([]);
    const [refused, setRefused] = useState('');
    const sources = useSources(60_000);
    const topics = useGet<SourceDoc>(`/v1/sources/${seg(name)}`, Infinity);
    const pattern = topics.data ? patternOf(topics.data.topic) : null;
    void sources;
    useEffect(() => {
        if (!pattern) return;
        setRows([]);
        const sub = listen({ topics: [pattern], filter: `.src == ${JSON.stringify(name)}`, mode: 'latest', every: '500ms' }, {
            message: m => { if (m.src === name) setRows(old => [m, ...old].slice(0, 30)); }, refused: setRefused });
        return () => sub.close();
    }, [pattern, name]);
    if (refused) return <Empty title="The messages cannot be shown" icon="warn"><p>{refused}</p></Empty>;
    return <div>{rows.length === 0 ? <Empty title="Waiting for its next message" icon="tail"><p>Newest of each topic, twice a second. <a href={href('tail', { topics: pattern ?? '>' })}>Everything in the live tail</a>.</p></Empty>
        : <ul class="lines">{rows.map(m => <li key={m.id}><span class="muted">{atMicros(m.ts)}</span> <a href={href('topics/' + seg(m.topic))}>{m.topic}</a> {m.key && <span class="pill">{m.key}</span>}<code>{m.data === undefined ? `${m.ct}, ${bytes((m.b64?.length ?? 0) * 3 / 4)}` : payloadText(m)}</code></li>)}</ul>}</div>;
}
/// `md.{exchange}.{symbol}` → `md.*.*`
export const patternOf = (template: string) => template.replace(/\{[^}]*\}/g, '\u0000').split('.').map(t => (t.includes('\u0000') ? '*' : t)).join('.');

function Samples({ name, owner }: { name: string; owner: string | null }) {
    const samples = useOwn<Page<Sample>>(name, '/samples', owner, 2000);
    return <Shown of={samples} what="raw frames">{p => (p.items.length === 0 ? <Empty title="No frame was kept yet" icon="tail"><p>The node keeps the last raw frames of each source it runs, secrets taken out.</p></Empty>
        : <ul class="lines">{p.items.map((s, i) => { const raw = s.data ?? s.text ?? s.frame; return <li key={i}><span class="muted">{s.at ? <Time time={s.at} /> : ''} {s.direction}</span><code>{typeof raw === 'string' ? raw : JSON.stringify(raw ?? s)}</code></li>; })}</ul>)}</Shown>;
}

function History({ name }: { name: string }) {
    const past = useGet<Page<Past>>(`/v1/sources/${seg(name)}/history`, 30_000);
    const now = useGet<SourceDoc>(`/v1/sources/${seg(name)}`, 30_000);
    const [open, setOpen] = useState<number | null>(null);
    return <Shown of={past} what="earlier definitions">{p => (p.items.length === 0 ? <Empty title="The definition was never changed" icon="events" />
        : <ul class="timeline">{p.items.map((v, i) => { const newer = i === 0 ? definitionOf(now.data) : p.items[i - 1]!.definition; return <li key={v.etag} style={{ gridTemplateColumns: '5.25rem minmax(0,1fr)' }}><Time time={v.at} /><div class="stack" style={{ gap: 'var(--s1)' }}>
            <span>Version {v.version} of {nameOf(v.node)}{v.lost && <span class="muted">, overwritten by a write on another node</span>} <Button kind="small quiet" pressed={open === i} onClick={() => setOpen(open === i ? null : i)}>What came after it</Button></span>
            {open === i && <Diff before={v.definition} after={newer} />}</div></li>; })}</ul>)}</Shown>;
}
export function Diff({ before, after }: { before: unknown; after: unknown }) {
    const lines = diff(JSON.stringify(before, null, 2) ?? '', JSON.stringify(after, null, 2) ?? '');
    if (lines.every(l => l.kind === ' ')) return <p class="muted">The same text.</p>;
    return <div class="json diff">{lines.map((l, i) => <div key={i} class={l.kind === '+' ? 'plus' : l.kind === '-' ? 'minus' : ''}>{l.kind} {l.text}</div>)}</div>;
}

/// What was told of its state is no part of what it is.
const told = new Set(['version', 'origin', 'owner', 'owner_name', 'role', 'term', 'candidates', 'state', 'why', 'state_since', 'last_error', 'last_message', 'lag_ms', 'messages', 'messages_per_second', 'connections', 'queued_bytes', 'next_due', 'counters', 'polls', 'moved_to', 'standby', 'standby_name', 'updated', 'etag']);
export function definitionOf(doc: SourceDoc | null): Record<string, unknown> {
    return doc ? Object.fromEntries(Object.entries(doc).filter(([k]) => !told.has(k))) : {};
}

function Definition({ doc, done }: { doc: SourceDoc; done: () => void }) {
    const [text, setText] = useState<string | null>(null);
    const [errors, setErrors] = useState<ApiError | null>(null);
    const [tag, setTag] = useState('');
    const file = /^\/|:\d+$/.test(doc.origin);
    const shown = definitionOf(doc);
    const edit = async () => { const fresh = await getWithTag<SourceDoc>(`/v1/sources/${seg(doc.name)}`); setTag(fresh.etag ?? ''); setText(JSON.stringify(definitionOf(fresh.body), null, 2)); };
    const save = async (dry: boolean) => {
        setErrors(null);
        try {
            const body: unknown = JSON.parse(text!);
            await send('PUT', `/v1/sources/${seg(doc.name)}${dry ? '?dry_run=1' : ''}`, body, { headers: tag ? { 'If-Match': tag } : {} });
            if (!dry) { setText(null); done(); }
            return true;
        } catch (error) { setErrors(error instanceof ApiError ? error : new ApiError(0, 'bad-json', (error as Error).message)); return false; }
    };
    if (text !== null) return <div class="stack">
        <Editor label="Definition, JSON" value={text} onChange={setText} errors={errors} rows={24} />
        <div class="actions"><Button kind="main" onClick={() => void attempt(async () => { if (!await save(false)) throw errors ?? new ApiError(422, 'invalid', 'It was refused'); }, 'Saved')}>Save</Button><Button onClick={() => void save(true).then(ok => ok && attempt(async () => {}, 'Nothing is wrong with it'))}>Check</Button><Button kind="quiet" onClick={() => setText(null)}>Cancel</Button></div></div>;
    return <div class="stack"><div class="row between"><span class="muted">Version {doc.version}, from {doc.origin}</span><span class="row"><Copy text={JSON.stringify(shown, null, 2)} label="Copy the definition" />
        {may('O') && <Button kind="small" disabled={file} title={file ? 'It is declared in a file: change it there and reload' : undefined} onClick={() => void edit()}>Edit</Button>}</span></div>
        {doc.weakness && <p class="row"><Icon name="warn" /> {doc.weakness}</p>}<Json value={shown} /></div>;
}

export default function Source({ name }: { name: string }) {
    const first = useGet<SourceDoc>(`/v1/sources/${seg(name)}`, 3000);
    const owner = first.data?.owner ?? null;
    const own = useOwn<SourceDoc>(name, '', owner, 1500);
    const doc = own.data && own.data.owner === owner ? own.data : first.data;
    const tab = param('tab', 'state');
    const items = useOwn<Page<ItemRow>>(name, '/items', owner, 5000);
    const events = useOwn<Page<EventRow>>(name, '/events', owner, 3000);
    const errors = useOwn<Page<ErrorRow>>(name, '/errors', owner, 5000);
    const [ask, setAsk] = useState<'remove' | 'move' | 'disable' | null>(null);
    useSources(2000);
    const verb = (v: string, said: string) => void attempt(() => send('POST', `/v1/sources/${seg(name)}:${v}`), said).then(() => { first.refresh(); own.refresh(); });
    const tabs = [['state', 'State'], ['items', 'Items'], ['errors', 'Errors'], ['messages', 'Messages'], ['frames', 'Raw frames'], ['definition', 'Definition'], ['history', 'History']]
        .map(([id, text]) => ({ id: id!, text: text!, href: href('sources/' + seg(name), { tab: id === 'state' ? undefined : id }) }));
    if (!doc) return <><Head title={name} crumb={{ to: href('sources'), text: 'Sources' }} />{first.error?.status === 404 ? <Empty title="There is no such source" icon="sources"><p>It may have been removed; the <a href={href('events')}>events</a> tell. <a href={href('sources')}>All sources</a></p></Empty> : <Shown of={first} what="the source" role="V">{() => null}</Shown>}</>;
    const c = doc.counters;
    const remote = !c && doc.role === 'standby';
    const itemColumns: Column<ItemRow>[] = [{ id: 'i', title: 'Item', head: true, cell: i => <span class="mono">{i.item}</span> }, { id: 's', title: 'State', cell: i => <State state={i.state} /> }, { id: 't', title: 'Since', num: true, cell: i => (i.since ? <Ago time={i.since} /> : '–') }, { id: 'r', title: 'Reason', cell: i => i.reason }];
    const errorColumns: Column<ErrorRow>[] = [{ id: 'c', title: 'Class', head: true, cell: e => e.class }, { id: 'n', title: 'Count', num: true, cell: e => integer(e.count) }, { id: 'f', title: 'First', num: true, cell: e => <Ago time={e.first_at} /> }, { id: 'l', title: 'Last', num: true, cell: e => <Ago time={e.last_at} /> }, { id: 's', title: 'Sample', cell: e => <span class="mono">{e.sample}</span> }];
    return <>
        <Head title={name} sub={<State state={doc.state} />} crumb={{ to: href('sources'), text: 'Sources' }}>
            {may('O') && <>{doc.enabled ? <Button onClick={() => setAsk('disable')}>Disable</Button> : <Button kind="main" onClick={() => verb('enable', `${name} is enabled`)}>Enable</Button>}
                <Button icon="retry" onClick={() => verb('restart', `${name} connects anew`)}>Restart</Button><Button onClick={() => setAsk('move')}>Move</Button>
                <a class="button" href={href('add-source', { copy: name })}>Test or copy</a><Button kind="danger" onClick={() => setAsk('remove')}>Remove</Button></>}
        </Head>
        <Tabs label="Parts" items={tabs} now={tab} />
        {remote && <p class="note">It runs on <a href={href('nodes/' + seg(doc.owner!))}>{nameOf(doc.owner)}</a>, and this node cannot ask there: figures are shown on that node's own dashboard.</p>}
        {tab === 'state' && <>
            <Card title="Where it is"><Life doc={doc} items={items.data?.items ?? null} /></Card>
            <dl class="stats">
                <Stat label="Rate" value={remote ? '–' : rate(doc.messages_per_second)} note={<Spark values={[...(rates.get(name) ?? [])]} label="Rate of the last minutes" />} />
                <Stat label="Messages" value={remote ? '–' : compact(doc.messages)} note="since it was connected here" />
                <Stat label="Lag" value={millis(doc.lag_ms)} note="our time less its own" />
                <Stat label="Last message" value={doc.last_message ? <span style={{ fontSize: 'var(--f5)' }}><Ago time={doc.last_message} /></span> : '–'} note={doc.state_since && <>{doc.state} since <Ago time={doc.state_since} /></>} />
                <Stat label="Gaps" value={c ? integer(c['gaps'] ?? 0) : '–'} note={c && <a href={href('gaps', { source: name })}>{compact(c['lost'] ?? 0)} messages known lost</a>} tone={c?.['gaps'] ? 'warn' : ''} />
                <Stat label="Reconnects" value={c ? integer(c['reconnects'] ?? 0) : '–'} note={c && plural(c['errors'] ?? 0, 'error')} />
            </dl>
            <div class="cols">
                <Card title="Facts"><Facts rows={[['Type', doc.type], doc.url !== undefined && ['URL', <span class="mono">{Array.isArray(doc.url) ? doc.url.join(', ') : doc.url}</span>], ['Topic', <a class="mono" href={href('tail', { topics: patternOf(doc.topic) })}>{doc.topic}</a>],
                    ['Runs on', doc.owner ? <a href={href('nodes/' + seg(doc.owner))}>{doc.owner_name ?? nameOf(doc.owner)}</a> : 'no node'], ['Next in line', doc.candidates.filter(n => n !== doc.owner).map(nameOf).join(', ') || 'nobody'], ['Term', doc.term],
                    doc.moved_to !== undefined && ['Pinned to', nameOf(doc.moved_to)], ['Connections', doc.connections ?? '–'], ['Queue', bytes(doc.queued_bytes)], doc.next_due ? ['Next due', <Time time={doc.next_due} />] : null,
                    doc.last_error && ['Last error', <>{doc.last_error.detail} <span class="muted">({doc.last_error.class}, <Ago time={doc.last_error.at} />)</span></>]]} /></Card>
                {c && <Card title="Counts" note="on this run"><Facts rows={Object.entries({ ...c, ...(doc.polls ?? {}) }).filter(([, v]) => v).map(([k, v]) => [k, k === 'bytes' ? bytes(v) : integer(v)])} /></Card>}
            </div>
            <Card title="Timeline" flush><Shown of={events} what="the events">{p => (p.items.length ? <ul class="timeline">{p.items.map((e, i) => { const to = /→ (\w+)/.exec(e.detail)?.[1] ?? ''; return <li key={i}><Time time={e.at} /><span class={'tag ' + toneOf(to)}><Icon name={e.kind === 'gap' ? 'gaps' : iconOf(to)} size={14} /></span><span>{e.kind !== 'state' && <strong>{e.kind} </strong>}{e.detail}</span></li>; })}</ul> : <Empty title="Nothing has happened on the node that was asked" icon="events" />)}</Shown></Card></>}
        {tab === 'items' && <Card title="Subscriptions" flush><Shown of={items} what="the subscriptions">{p => (p.items.length ? <Table caption="Subscriptions" rows={p.items} columns={itemColumns} /> : <Empty title="It subscribes to nothing by name" icon="sources"><p>Feeds that need no subscription, or are polled whole, have no items.</p></Empty>)}</Shown></Card>}
        {tab === 'errors' && <Card title="Errors by class" flush><Shown of={errors} what="the errors">{p => (p.items.length ? <Table caption="Errors" rows={p.items} columns={errorColumns} /> : <Empty title="No errors" icon="check" />)}</Shown></Card>}
        {tab === 'messages' && <Card title="Messages it makes" flush><Mapped name={name} /></Card>}
        {tab === 'frames' && <Card title="Raw frames" note="as received, secrets taken out" flush><Samples name={name} owner={owner} /></Card>}
        {tab === 'definition' && <Card title="Definition"><Definition doc={doc} done={() => { first.refresh(); own.refresh(); }} /></Card>}
        {tab === 'history' && <Card title="Earlier definitions" flush><History name={name} /></Card>}
        {ask === 'move' && <Move names={[name]} onClose={() => setAsk(null)} done={first.refresh} />}
        {ask === 'disable' && <Confirm title={`Disable ${name}?`} action="Disable" danger onYes={() => verb('disable', `${name} is disabled`)} onClose={() => setAsk(null)}><p>It stops at once, on every node. What it misses meanwhile is missed for good.</p></Confirm>}
        {ask === 'remove' && <Confirm title={`Remove ${name}?`} action="Remove" danger onYes={() => void attempt(() => send('DELETE', `/v1/sources/${seg(name)}`), `${name} is removed`).then(ok => ok && go(href('sources')))} onClose={() => setAsk(null)}><p>The definition goes, on all nodes. Its messages stay until their retention ends.</p></Confirm>}
    </>;
}
