// The tree of topics, and one topic.
import { useEffect, useState } from 'preact/hooks';
import { get, may, send, type Page } from '../api/client';
import { listen } from '../api/live';
import type { Branch, Message, Retention, Topic } from '../api/types';
import { atMicros, bytes, compact, integer, plural, rate } from '../model/format';
import { useGet, useRead } from '../model/resource';
import { go, href, param, setParam } from '../router';
import { Icon } from '../ui/icon';
import { Ago, attempt, Button, Card, Code, Confirm, Dialog, Empty, Field, Head, Json, Shown, Stat, Tabs } from '../ui/parts';
import { orderText, readOrder, sorted, Table, type Column } from '../ui/table';

const seg = encodeURIComponent;

function Row({ branch, depth, open, onToggle }: { branch: Branch; depth: number; open: boolean; onToggle: () => void }) {
    const last = branch.prefix.split('.').pop()!;
    const leaf = branch.topics === 1 && branch.is_topic;
    return <tr><th scope="row" style={{ paddingLeft: `calc(var(--s4) + ${depth * 1.25}rem)`, fontWeight: 400 }}><span class="row" style={{ flexWrap: 'nowrap', gap: 'var(--s1)' }}>
        {leaf ? <span style={{ width: '1.75rem' }} /> : <button type="button" class="button quiet icon small" aria-expanded={open} aria-label={`${branch.prefix}: ${open ? 'close' : 'open'}`} onClick={onToggle}><Icon name={open ? 'down' : 'right'} size={14} /></button>}
        {branch.is_topic ? <a class="cut" href={href('topics/' + seg(branch.prefix))}>{last}</a> : <span class="cut">{last}</span>}</span></th>
        <td class="num">{leaf ? '' : compact(branch.topics)}</td><td class="num">{rate(branch.messages_per_second)}</td><td class="num">{compact(branch.messages)}</td><td class="num">{bytes(branch.bytes)}</td><td class="num"><Ago time={branch.last} /></td>
        <td class="num"><a href={href('tail', { topics: leaf ? branch.prefix : branch.prefix + '.>' })} aria-label={`Watch ${branch.prefix}`}><Icon name="tail" /></a></td></tr>;
}

function Children({ prefix, depth, opened, toggle }: { prefix: string; depth: number; opened: Set<string>; toggle: (p: string) => void }) {
    const list = useGet<Page<Branch>>(`/v1/topics?depth=1&limit=500${prefix && '&prefix=' + seg(prefix)}`, 2000);
    if (!list.data) return <tr><td colSpan={7} class="note">{list.error ? list.error.detail : 'Loading…'}</td></tr>;
    const items = list.data.items.filter(b => b.prefix !== prefix);
    return <>{items.map(b => <>
        <Row key={b.prefix} branch={b} depth={depth} open={opened.has(b.prefix)} onToggle={() => toggle(b.prefix)} />
        {opened.has(b.prefix) && <Children prefix={b.prefix} depth={depth + 1} opened={opened} toggle={toggle} />}</>)}
        {list.data.next && <tr><td colSpan={7} class="note">More than 500 here: search by prefix.</td></tr>}</>;
}

function Tree() {
    const q = param('q');
    const opened = new Set(param('open').split(',').filter(Boolean));
    const toggle = (p: string) => { opened.has(p) ? opened.delete(p) : opened.add(p); setParam('open', [...opened].join(',') || null); };
    const system = param('system') === '1';
    const found = useRead<Topic[]>(q ? `topics:${q}` : null, 5000, signal => get<Page<Topic>>(`/v1/topics?limit=1000&prefix=${seg(q)}`, { signal }).then(p => p.items));
    const roots = useGet<Page<Branch>>('/v1/topics?depth=1&limit=500', 5000);
    const retention = useGet<Page<Retention>>('/v1/retention', 60_000);
    const order = readOrder(param('sort', 'topic'));
    const columns: Column<Topic>[] = [
        { id: 'topic', title: 'Topic', head: true, sort: t => t.topic, cell: t => <a href={href('topics/' + seg(t.topic))}>{t.topic}</a> },
        { id: 'rate', title: 'Rate', num: true, sort: t => t.messages_per_second, cell: t => rate(t.messages_per_second) }, { id: 'messages', title: 'Kept', num: true, sort: t => t.messages, cell: t => compact(t.messages) },
        { id: 'bytes', title: 'Size', num: true, sort: t => t.bytes, cell: t => bytes(t.bytes) }, { id: 'last', title: 'Newest', num: true, sort: t => t.last, cell: t => <Ago time={t.last} /> }];
    return <>
        <Head title="Topics" sub={roots.data && `${compact(roots.data.items.reduce((n, b) => n + b.topics, 0))} topics`}>
            <div class="search"><Icon name="search" /><input class="input" type="search" aria-label="Topics by prefix" placeholder="Prefix, such as demo.crypto" value={q} onInput={e => setParam('q', e.currentTarget.value || null)} /></div>
        </Head>
        <Card flush>{q ? <Shown of={found} what="topics">{items => (items.length ? <Table caption="Topics" rows={sorted(items, columns, order).slice(0, 300)} columns={columns} order={order} onOrder={o => setParam('sort', orderText(o))} rowKey={t => t.topic} /> : <Empty title="No topic begins so" icon="search" />)}</Shown>
            : roots.data?.items.length === 0 ? <Empty title="No topics yet" icon="topics"><p>A topic is there as soon as a message is sent to it:</p><Code text={`curl -H 'Content-Type: application/json' -d '{"t":21.5}' ${location.origin}/v1/topics/home.kitchen/messages`} /></Empty>
                : <div class="scroll" tabIndex={0} role="region" aria-label="Tree of topics"><table class="table"><caption class="visually-hidden">Topics by prefix</caption><thead><tr><th scope="col">Topic</th><th scope="col" class="num">Topics</th><th scope="col" class="num">Rate</th><th scope="col" class="num">Kept</th><th scope="col" class="num">Size</th><th scope="col" class="num">Newest</th><th scope="col"><span class="visually-hidden">Watch</span></th></tr></thead>
                    <tbody><Children prefix="" depth={0} opened={opened} toggle={toggle} />{system && <Children prefix="$sys" depth={0} opened={opened} toggle={toggle} />}{system && <Children prefix="$dlq" depth={0} opened={opened} toggle={toggle} />}</tbody></table></div>}</Card>
        <label class="check"><input type="checkbox" checked={system} onChange={e => setParam('system', e.currentTarget.checked ? '1' : null)} />also system topics and rejected input</label>
        <Card title="Retention" note="the first pattern that fits holds" flush><Shown of={retention} what="the retention rules">{r => <Table caption="Retention" rows={r.items} rowKey={x => x.name} columns={[{ id: 'n', title: 'Rule', head: true, cell: x => x.name }, { id: 't', title: 'Topics', cell: x => <span class="mono">{x.topics}</span> }, { id: 'a', title: 'Kept for', num: true, cell: x => x.age }, { id: 'b', title: 'At most', num: true, cell: x => x.bytes }, { id: 'o', title: 'From', cell: x => <span class="muted">{x.origin}</span> }]} />}</Shown></Card>
    </>;
}

/// Fields seen in the newest messages: which, of what type, how often.
function fieldsOf(messages: Message[]): { path: string; types: string; share: number; example: string }[] {
    const seen = new Map<string, { types: Set<string>; count: number; example: string }>();
    const visit = (path: string, v: unknown, depth: number) => {
        const type = v === null ? 'null' : Array.isArray(v) ? 'array' : typeof v;
        if (path) {
            const f = seen.get(path) ?? { types: new Set(), count: 0, example: '' };
            f.types.add(type);
            f.count++;
            if (!f.example && type !== 'object') f.example = JSON.stringify(v).slice(0, 60);
            seen.set(path, f);
        }
        if (type === 'object' && depth < 4) for (const [k, inner] of Object.entries(v as object)) visit(path + '.' + (/^\w+$/.test(k) ? k : JSON.stringify(k)), inner, depth + 1);
    };
    for (const m of messages) visit('', m.data, 0);
    return [...seen].map(([path, f]) => ({ path, types: [...f.types].join(' or '), share: f.count / messages.length, example: f.example })).slice(0, 60);
}

function Publish({ topic, onClose }: { topic: string; onClose: () => void }) {
    const [to, setTo] = useState(topic), [text, setText] = useState('{\n  \n}'), [error, setError] = useState('');
    const publish = async () => {
        let body: unknown;
        try { body = JSON.parse(text); } catch (e) { setError((e as Error).message); return; }
        setError('');
        if (await attempt(() => send('POST', `/v1/topics/${seg(to)}/messages`, body), 'Written to disk')) onClose();
    };
    return <Dialog title="Publish a message" onClose={onClose}><form style={{ padding: 0 }} onSubmit={e => { e.preventDefault(); void publish(); }}>
        <Field label="Topic"><input class="input mono" required value={to} onInput={e => setTo(e.currentTarget.value)} /></Field>
        <Field label="Payload, JSON" error={error}><textarea class="input" rows={8} spellcheck={false} value={text} onInput={e => setText(e.currentTarget.value)} /></Field>
        <div class="actions"><Button onClick={onClose}>Cancel</Button><Button kind="main" type="submit">Publish</Button></div></form></Dialog>;
}

function One({ topic }: { topic: string }) {
    const doc = useGet<Topic>(`/v1/topics/${seg(topic)}`, 2000);
    const tab = param('tab', 'last');
    const last = useGet<Page<Message>>(tab === 'last' ? `/v1/topics/${seg(topic)}/last?limit=200` : null, 2000);
    const recent = useGet<Page<Message>>(`/v1/topics/${seg(topic)}/messages?limit=100`, tab === 'history' ? 5000 : 20_000);
    const [purge, setPurge] = useState(false);
    const [publishing, setPublishing] = useState(false);
    const [live, setLive] = useState<Message | null>(null);
    useEffect(() => { const sub = listen({ topics: [topic], mode: 'latest', every: '1s' }, { message: setLive }); return () => sub.close(); }, [topic]);
    const tabs = [['last', 'Last per key'], ['fields', 'Fields'], ['history', 'History']].map(([id, text]) => ({ id: id!, text: text!, href: href('topics/' + seg(topic), { tab: id === 'last' ? undefined : id }) }));
    const fields = recent.data ? fieldsOf(recent.data.items.filter(m => m.data !== undefined)) : [];
    return <>
        <Head title={<span class="mono">{topic}</span>} crumb={{ to: href('topics'), text: 'Topics' }}>
            <a class="button main" href={href('tail', { topics: topic })}><Icon name="tail" />Watch</a>
            {may('P') && !topic.startsWith('$') && <Button onClick={() => setPublishing(true)}>Publish</Button>}{may('A') && <Button kind="danger" onClick={() => setPurge(true)}>Purge</Button>}
        </Head>
        <Shown of={doc} what="this topic" role="S">{t => <dl class="stats">
            <Stat label="Rate" value={rate(t.messages_per_second)} note={t.messages_per_second === null ? 'measured from the next look on' : ''} />
            <Stat label="Kept" value={compact(t.messages)} note={`${integer(t.messages)} messages`} />
            <Stat label="Size" value={bytes(t.bytes)} note={t.messages ? `${bytes(t.bytes / t.messages)} a message` : ''} />
            <Stat label="Newest" value={<span style={{ fontSize: 'var(--f5)' }}><Ago time={live ? live.ts / 1000 : t.last} /></span>} note={t.first && <>oldest <Ago time={t.first} /></>} />
            <Stat label="Retention" value={<span style={{ fontSize: 'var(--f5)' }}>{t.retention ? t.retention.age : '–'}</span>} note={t.retention ? `or ${t.retention.bytes}, rule ${t.retention.name}` : 'system topic'} /></dl>}</Shown>
        <Tabs label="Parts" items={tabs} now={tab} />
        {tab === 'last' && <Card title="Newest of each key" flush><Shown of={last} what="the last messages">{p => (p.items.length ? <ul class="lines">{p.items.map(m => <li key={m.id}>{m.key ? <span class="pill">{m.key}</span> : <span class="muted">no key</span>}<span class="muted">{atMicros(m.ts)} from {m.src}</span><code>{m.data === undefined ? `${m.ct}, ${bytes((m.b64?.length ?? 0) * 3 / 4)}` : JSON.stringify(m.data)}</code></li>)}</ul> : <Empty title="Nothing is kept" icon="topics" />)}</Shown></Card>}
        {tab === 'fields' && <Card title="Fields" note={recent.data ? `in the newest ${plural(recent.data.items.length, 'message')}` : ''} flush>{fields.length ? <Table caption="Fields" rows={fields} rowKey={f => f.path} columns={[{ id: 'p', title: 'Field', head: true, cell: f => <span class="mono">{f.path}</span> }, { id: 't', title: 'Type', cell: f => f.types }, { id: 's', title: 'In', num: true, cell: f => (f.share * 100).toFixed(0) + ' %' }, { id: 'e', title: 'For example', cell: f => <span class="mono muted">{f.example}</span> }]} /> : <Empty title="No JSON objects were seen" icon="topics" />}</Card>}
        {tab === 'history' && <Card title="Newest messages" actions={<a href={`/v1/topics/${seg(topic)}/messages?limit=1000`} target="_blank" rel="noreferrer">as JSON</a>} flush><Shown of={recent} what="the history">{p => <ul class="lines">{p.items.map(m => <li key={m.id}><span class="muted">{atMicros(m.ts)}</span>{m.key && <span class="pill">{m.key}</span>}{m.flags?.map(f => <span class="pill" key={f}>{f}</span>)}<details style={{ flexBasis: '100%' }}><summary><code style={{ flexBasis: 'auto' }}>{m.data === undefined ? m.ct : JSON.stringify(m.data).slice(0, 300)}</code></summary><Json value={m} /></details></li>)}</ul>}</Shown></Card>}
        {purge && <Confirm title="Purge this topic?" action="Purge" danger onYes={() => void attempt(() => send('DELETE', `/v1/topics/${seg(topic)}/messages?before=${Date.now() * 1000}`), 'Purged').then(ok => ok && go(href('topics')))} onClose={() => setPurge(false)}><p>All messages of <span class="mono">{topic}</span> up to now are removed for good. Whoever listens is told of a gap.</p></Confirm>}
        {publishing && <Publish topic={topic} onClose={() => setPublishing(false)} />}
        {doc.data && <details><summary>As the API has it</summary><Json value={doc.data} /></details>}
    </>;
}

export default function Topics({ args }: { args: string[] }) {
    return args[0] ? <One key={args[0]} topic={args[0]} /> : <Tree />;
}
