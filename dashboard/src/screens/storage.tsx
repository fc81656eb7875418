// The store of each node: what it holds, what waits, how long a write takes.
import { useState } from 'preact/hooks';
import { get, getText, may, send, type Page } from '../api/client';
import type { Branch, Retention, Storage } from '../api/types';
import { nameOf, self } from '../model/cluster';
import { bytes, compact, integer, millis, percent } from '../model/format';
import { histogram, parseMetrics, valueOf } from '../model/metrics';
import { useGet, useRead } from '../model/resource';
import { href, param } from '../router';
import { Ago, attempt, Bar, Button, Card, Dialog, Empty, Facts, Field, Head, Shown, Stat, toast } from '../ui/parts';
import { State } from '../ui/state';
import { Table, type Column } from '../ui/table';

const seg = encodeURIComponent;
const known = new Set(['node', 'engine', 'bytes', 'pending_bytes', 'queued_bytes', 'messages', 'topics', 'blocks', 'segments', 'quarantined', 'oldest', 'disk']);

function Snapshot({ node, onClose }: { node: string; onClose: () => void }) {
    const [to, setTo] = useState('snapshot-' + new Date().toISOString().slice(0, 10));
    const make = async () => { if (await attempt(() => send('POST', `/v1/storage:snapshot?node=${seg(node)}`, { directory: to }, { timeoutMs: 120_000 }), 'The snapshot is written and verified')) onClose(); };
    return <Dialog title={`Snapshot of ${nameOf(node)}`} onClose={onClose}><form style={{ padding: 0 }} onSubmit={e => { e.preventDefault(); void make(); }}>
        <Field label="Directory" hint="below the data directory of the node"><input class="input mono" required value={to} onInput={e => setTo(e.currentTarget.value)} /></Field>
        <div class="actions"><Button onClick={onClose}>Cancel</Button><Button kind="main" type="submit">Take it</Button></div></form></Dialog>;
}

function Times() {
    const metrics = useRead('metrics', 5000, async signal => parseMetrics(await getText('/metrics', { signal })));
    return <Shown of={metrics} what="the metrics" role="V">{m => { const line = (title: string, name: string): [string, string] => { const h = histogram(m, name); return [title, h.count ? `p50 ${millis(h.p50)}, p99 ${millis(h.p99)} of ${compact(h.count)}` : 'none yet']; };
        return <Facts rows={[line('Write of a block', 'anode_store_write_seconds'), line('Sync of a group', 'anode_store_sync_seconds'), line('Read of a block', 'anode_store_read_seconds'),
            ['Write stall now', valueOf(m, 'anode_store_stalled') ? <State state="warn" word="stalled" /> : <State state="ok" word="none" />], ['Waits for compaction', bytes(valueOf(m, 'anode_store_pending_bytes', { class: 'compaction' }))],
            ...['blocks', 'index', 'memory'].map(c => [`Size, ${c}`, bytes(valueOf(m, 'anode_store_bytes', { class: c }))] as [string, string]),
            ['Errors', integer(m.filter(s => s.name === 'anode_store_errors_total').reduce((n, s) => n + s.value, 0))]]} />; }}</Shown>;
}

export default function StorageScreen() {
    const all = useRead<{ items: Storage[]; failed: string[] }>('storage', 5000, async signal => { const p = await get<{ items: Storage[]; failed?: { node: string }[] }>('/v1/storage?node=all', { signal }); return { items: p.items, failed: (p.failed ?? []).map(f => f.node) }; });
    const tree = useGet<Page<Branch>>('/v1/topics?depth=2&limit=200', 15_000);
    const retention = useGet<Page<Retention>>('/v1/retention', 60_000);
    const [snap, setSnap] = useState<string | null>(null);
    const [verifying, setVerifying] = useState('');
    const only = param('node');
    const verify = async (node: string) => {
        let after: string | null = '', blocks = 0, messages = 0, bad = 0;
        try {
            do {
                setVerifying(`${nameOf(node)}: ${compact(messages)} messages read back`);
                const { body }: { body: { blocks: number; messages: number; quarantined: number; next: string | null } } = await send('POST', `/v1/storage:verify?node=${seg(node)}${after ? '&after=' + seg(after) : ''}`, undefined, { timeoutMs: 60_000 });
                blocks += body.blocks; messages += body.messages; bad = body.quarantined; after = body.next;
            } while (after);
            toast(`${nameOf(node)}: ${integer(blocks)} blocks with ${integer(messages)} messages are sound${bad ? `, ${bad} are in quarantine` : ''}`, bad ? 'bad' : 'ok');
        } catch (e) { toast((e as Error).message, 'bad'); }
        setVerifying('');
    };
    const columns: Column<Storage>[] = [
        { id: 'node', title: 'Node', head: true, cell: s => <a href={href('nodes/' + seg(s.node))}>{nameOf(s.node)}</a> },
        { id: 'engine', title: 'Engine', cell: s => s.engine },
        { id: 'bytes', title: 'Size', num: true, cell: s => bytes(s.bytes) }, { id: 'messages', title: 'Messages', num: true, cell: s => compact(s.messages) }, { id: 'topics', title: 'Topics', num: true, cell: s => compact(s.topics) },
        { id: 'segments', title: 'Segments', num: true, cell: s => integer(s.segments) }, { id: 'oldest', title: 'Oldest', num: true, cell: s => <Ago time={s.oldest} /> },
        { id: 'queue', title: 'Queue', num: true, cell: s => bytes(s.queued_bytes) }, { id: 'pending', title: 'To compact', num: true, cell: s => bytes(s.pending_bytes) },
        { id: 'bad', title: 'Quarantine', num: true, cell: s => (s.quarantined ? <State state="fail" word={String(s.quarantined)} /> : 0) },
        { id: 'disk', title: 'Disk free', num: true, cell: s => <>{bytes(s.disk.free)} <span class="note">{percent(s.disk.free, s.disk.total)}</span><Bar part={s.disk.total - s.disk.free} whole={s.disk.total} label={`${percent(s.disk.total - s.disk.free, s.disk.total)} of the disk is used`} /></> },
        { id: 'do', title: <span class="visually-hidden">Actions</span>, cell: s => may('A') && <span class="row" style={{ flexWrap: 'nowrap' }}><Button kind="small" onClick={() => void attempt(() => send('POST', `/v1/storage:compact?node=${seg(s.node)}`, undefined, { timeoutMs: 120_000 }), `${nameOf(s.node)} is compacted`).then(all.refresh)}>Compact</Button><Button kind="small" onClick={() => void verify(s.node)} disabled={!!verifying}>Verify</Button><Button kind="small" onClick={() => setSnap(s.node)}>Snapshot</Button></span> },
    ];
    return <>
        <Head title="Storage" sub={verifying ? <span role="status">{verifying}…</span> : undefined} />
        <Shown of={all} what="the stores" role="V">{d => { const items = d.items.filter(s => !only || s.node === only).sort((a, b) => nameOf(a.node).localeCompare(nameOf(b.node))); const sum = (f: (s: Storage) => number) => items.reduce((n, s) => n + f(s), 0); return <>
            <dl class="stats"><Stat label="Size" value={bytes(sum(s => s.bytes))} note="on all nodes together" /><Stat label="Messages" value={compact(Math.max(0, ...items.map(s => s.messages)))} note="on the fullest node" /><Stat label="Waiting to be written" value={bytes(sum(s => s.queued_bytes))} note="in queues" />
                <Stat label="Quarantine" value={integer(sum(s => s.quarantined))} tone={sum(s => s.quarantined) ? 'bad' : ''} note="blocks that failed their check" /><Stat label="Least disk free" value={items.length ? percent(Math.min(...items.map(s => s.disk.free / s.disk.total)), 1) : '–'} note={items.some(s => s.disk.full) ? 'a node refuses durable writes' : 'all take writes'} tone={items.some(s => s.disk.full) ? 'bad' : ''} /></dl>
            {d.failed.length > 0 && <p class="age">No answer from {d.failed.map(nameOf).join(', ')}.</p>}
            <Card title="By node" flush><Table caption="Stores" rows={items} columns={columns} rowKey={s => s.node} /></Card>
            {items.filter(s => Object.keys(s).some(k => !known.has(k))).map(s => <Card key={s.node} title={`${s.engine} of ${nameOf(s.node)}`}><Facts rows={Object.entries(s).filter(([k]) => !known.has(k)).flatMap(([k, v]) => (v !== null && typeof v === 'object' && !Array.isArray(v) ? Object.entries(v).map(([k2, v2]) => [`${k} ${k2}`, typeof v2 === 'object' ? <code>{JSON.stringify(v2)}</code> : String(v2)] as [string, string]) : [[k, Array.isArray(v) ? JSON.stringify(v) : String(v)] as [string, string]]))} /></Card>)}</>; }}</Shown>
        <div class="cols"><Card title="How long things take" note={self.value ? `on ${self.value.name}, since it started` : ''}><Times /></Card>
            <Card title="Retention" flush><Shown of={retention} what="the retention rules">{r => <Table caption="Retention" rows={r.items} rowKey={x => x.name} columns={[{ id: 'n', title: 'Rule', head: true, cell: x => x.name }, { id: 't', title: 'Topics', cell: x => <span class="mono">{x.topics}</span> }, { id: 'a', title: 'Age', num: true, cell: x => x.age }, { id: 'b', title: 'Bytes', num: true, cell: x => x.bytes }]} />}</Shown></Card></div>
        <Card title="By topic prefix" flush><Shown of={tree} what="the topics" role="S">{t => { const most = Math.max(1, ...t.items.map(b => b.bytes)); return t.items.length ? <Table caption="Sizes by prefix" rows={[...t.items].sort((a, b) => b.bytes - a.bytes).slice(0, 40)} rowKey={b => b.prefix} columns={[{ id: 'p', title: 'Prefix', head: true, cell: b => <a href={href('topics', { q: b.prefix })}>{b.prefix}</a> }, { id: 's', title: 'Size', num: true, cell: b => bytes(b.bytes) }, { id: 'bar', title: <span class="visually-hidden">Share</span>, cell: b => <Bar part={b.bytes} whole={most} label={`${percent(b.bytes, most)} of the largest`} warnAt={2} badAt={2} /> }, { id: 'm', title: 'Messages', num: true, cell: b => compact(b.messages) }, { id: 't', title: 'Topics', num: true, cell: b => compact(b.topics) }]} /> : <Empty title="Nothing is kept" icon="storage" />; }}</Shown></Card>
        {snap && <Snapshot node={snap} onClose={() => setSnap(null)} />}
    </>;
}
