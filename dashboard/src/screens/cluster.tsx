// The nodes: how they hang together, how far they are from each other, and what may be done with each.
import { useMemo, useState } from 'preact/hooks';
import { forceCenter, forceCollide, forceLink, forceManyBody, forceSimulation } from 'd3-force';
import { get, may, send } from '../api/client';
import type { Mesh } from '../api/types';
import { nodes, readMembers, type NodeNow } from '../model/cluster';
import { bytes, integer, millis, percent, plural, rate, span } from '../model/format';
import { useRead } from '../model/resource';
import { href, param, setParam } from '../router';
import { Age, Ago, attempt, Bar, Button, Card, Code, Confirm, Dialog, Empty, Field, Head, Shown } from '../ui/parts';
import { State, toneOf } from '../ui/state';
import { Table, type Column } from '../ui/table';

const seg = encodeURIComponent;
export interface Meshes { items: Mesh[]; failed: { node: string; code: string }[] }
export const useMesh = (every = 5000) => useRead<Meshes>('mesh', every, async signal => {
    const page = await get<Meshes>('/v1/mesh?node=all', { signal });
    return { items: page.items, failed: page.failed ?? [] };
});

interface Point { id: string; x: number; y: number; zone: string }
const places = new Map<string, Map<string, Point>>();
/// Positions are found once for each set of nodes and links, and kept: a picture that moves tells nothing.
function layout(list: NodeNow[], edges: [string, string][]): Map<string, Point> {
    const key = list.map(n => n.doc.id + n.doc.zone).join() + edges.length;
    const known = places.get(key);
    if (known) return known;
    const zones = [...new Set(list.map(n => n.doc.zone))];
    const points: Point[] = list.map((n, i) => {
        const turn = 2 * Math.PI * i / list.length - Math.PI / 2;
        return { id: n.doc.id, zone: n.doc.zone, x: Math.cos(turn) * 110, y: Math.sin(turn) * 110 };
    });
    const ids = new Set(points.map(p => p.id));
    const sim = forceSimulation(points)
        .force('charge', forceManyBody().strength(-900))
        .force('link', forceLink<Point, { source: string; target: string }>(edges.filter(([a, b]) => ids.has(a) && ids.has(b)).map(([source, target]) => ({ source, target }))).id(p => p.id).distance(l => ((l.source as unknown as Point).zone === (l.target as unknown as Point).zone ? 120 : 210)))
        .force('collide', forceCollide(46)).force('center', forceCenter(0, 0)).stop();
    if (list.length > 3 || zones.length > 1) for (let i = 0; i < 200; i++) sim.tick();
    const found = new Map(points.map(p => [p.id, p]));
    if (places.size > 20) places.clear();
    places.set(key, found);
    return found;
}

function linksOf(meshes: Mesh[]): Map<string, { a: string; b: string; rtt: number | null; eager: boolean; queued: number }> {
    const found = new Map<string, { a: string; b: string; rtt: number | null; eager: boolean; queued: number }>();
    for (const m of meshes) for (const l of m.links) {
        if (l.state !== 'up' || !l.peer || l.purpose !== 'main') continue;
        const [a, b] = m.node < l.peer ? [m.node, l.peer] : [l.peer, m.node];
        const old = found.get(a + b);
        const rtt = l.rtt_ms === null ? old?.rtt ?? null : old?.rtt ? Math.min(old.rtt, l.rtt_ms) : l.rtt_ms;
        found.set(a + b, { a, b, rtt, eager: (old?.eager ?? false) || l.parents + l.children > 0, queued: Math.max(old?.queued ?? 0, l.queued) });
    }
    return found;
}

function Topology({ list, meshes }: { list: NodeNow[]; meshes: Mesh[] }) {
    const links = [...linksOf(meshes).values()];
    const at = useMemo(() => layout(list, links.map(l => [l.a, l.b])), [list.map(n => n.doc.id).join(), links.length]);
    const pts = [...at.values()];
    const pad = 80;
    const box = { x: Math.min(...pts.map(p => p.x)) - pad, y: Math.min(...pts.map(p => p.y)) - pad, w: 0, h: 0 };
    box.w = Math.max(420, Math.max(...pts.map(p => p.x)) + pad - box.x);
    box.h = Math.max(300, Math.max(...pts.map(p => p.y)) + pad + 14 - box.y);
    const most = Math.max(1, ...list.map(n => n.beat?.stats.in_per_second ?? 0));
    const zones = [...new Set(list.map(n => n.doc.zone))].filter(Boolean);
    const words = `${plural(list.length, 'node')}, ${plural(links.length, 'link')}: ` + links.map(l => `${nameIn(list, l.a)} to ${nameIn(list, l.b)} ${l.rtt === null ? '' : millis(l.rtt)}`).join(', ');
    return <svg class="topology" viewBox={`${box.x} ${box.y} ${box.w} ${box.h}`} role="group" aria-label={words}>
        {zones.length > 1 && zones.map(z => { const inside = pts.filter(p => p.zone === z); const x = inside.reduce((s, p) => s + p.x, 0) / inside.length, y = inside.reduce((s, p) => s + p.y, 0) / inside.length;
            const r = Math.max(60, ...inside.map(p => Math.hypot(p.x - x, p.y - y) + 58)); return <g key={z}><circle class="zone" cx={x} cy={y} r={r} /><text class="zone-name" x={x} y={y - r + 16}>{z}</text></g>; })}
        {links.map(l => { const a = at.get(l.a), b = at.get(l.b); if (!a || !b) return null;
            return <g key={l.a + l.b}><line class={'edge' + (l.eager ? ' eager' : '')} x1={a.x} y1={a.y} x2={b.x} y2={b.y} />
                {l.rtt !== null && <text class="edge-name" x={(a.x + b.x) / 2} y={(a.y + b.y) / 2 - 5}>{millis(l.rtt)}</text>}</g>; })}
        {list.map(n => { const p = at.get(n.doc.id); if (!p) return null;
            const s = n.beat?.stats, r = 17 + 13 * Math.sqrt((s?.in_per_second ?? 0) / most);
            const share = s?.memory_limit ? Math.min(1, s.memory_bytes / s.memory_limit) : null, around = 2 * Math.PI * (r + 4);
            return <a key={n.doc.id} href={href('nodes/' + seg(n.doc.id))}>
                <circle class={'node ' + toneOf(n.state)} cx={p.x} cy={p.y} r={r} />
                {share !== null && <><circle class="ring" cx={p.x} cy={p.y} r={r + 4} /><circle class="ring used" cx={p.x} cy={p.y} r={r + 4} stroke-dasharray={`${share * around} ${around}`} transform={`rotate(-90 ${p.x} ${p.y})`} /></>}
                <text class="node-name" x={p.x} y={p.y + 4}>{n.doc.name.length > 8 ? n.doc.name.slice(0, 7) + '…' : n.doc.name}</text>
                <text class="node-note" x={p.x} y={p.y + r + 20}>{n.state === 'alive' ? rate(s?.in_per_second) : n.state}</text></a>; })}
    </svg>;
}
const nameIn = (list: NodeNow[], id: string) => list.find(n => n.doc.id === id)?.doc.name ?? id;

/// Rows ask, columns answer; the stronger the colour, the further from the mean.
function Matrix({ list, meshes }: { list: NodeNow[]; meshes: Mesh[] }) {
    const rtt = new Map<string, number>();
    for (const m of meshes) for (const l of m.links) if (l.rtt_ms !== null && l.peer) rtt.set(m.node + l.peer, Math.min(l.rtt_ms, rtt.get(m.node + l.peer) ?? Infinity));
    for (const n of list) { const me = list.find(x => x.doc.self); if (me && n.doc.rtt_ms !== null && !rtt.has(me.doc.id + n.doc.id)) rtt.set(me.doc.id + n.doc.id, n.doc.rtt_ms); }
    const values = [...rtt.values()], mean = values.reduce((a, b) => a + b, 0) / (values.length || 1);
    const spread = Math.sqrt(values.reduce((s, v) => s + (v - mean) ** 2, 0) / (values.length || 1)) || 1;
    return <div class="scroll" tabIndex={0} role="region" aria-label="Round-trip times"><table class="table matrix"><caption class="note">Round trips over the mesh, mean {millis(mean)}. From the row's node to the column's; empty: no link.</caption>
        <thead><tr><th scope="col">from \ to</th>{list.map(n => <th scope="col" class="num" key={n.doc.id}>{n.doc.name}</th>)}</tr></thead>
        <tbody>{list.map(a => <tr key={a.doc.id}><th scope="row">{a.doc.name}</th>{list.map(b => { const v = rtt.get(a.doc.id + b.doc.id); const off = v === undefined ? 0 : (v - mean) / spread;
            return <td class="num" key={b.doc.id} style={v === undefined ? undefined : { background: `color-mix(in srgb, var(--${off > 0 ? 'warn' : 'ok'}) ${Math.min(40, Math.abs(off) * 16).toFixed(0)}%, transparent)` }}>{a === b ? <span class="muted">–</span> : v === undefined ? '' : millis(v)}</td>; })}</tr>)}</tbody></table></div>;
}

type Deed = { kind: 'drain' | 'undrain' | 'forget'; node: NodeNow } | { kind: 'join' } | null;

function Join({ onClose }: { onClose: () => void }) {
    const [text, setText] = useState('');
    const join = async () => {
        const addresses = text.split(/[\s,]+/).filter(Boolean);
        if (await attempt(() => send('POST', '/v1/cluster:join', { addresses }), `${plural(addresses.length, 'contact')} will be tried from now on`)) onClose();
    };
    return <Dialog title="Join other nodes" onClose={onClose}>
        <form style={{ padding: 0 }} onSubmit={e => { e.preventDefault(); void join(); }}>
            <p class="muted">One contact of the other cluster is enough. It needs the same key ring and the same cluster name.</p>
            <Field label="Addresses" hint="such as 10.1.0.11 or node.example.org:7946"><textarea class="input" rows={3} required value={text} onInput={e => setText(e.currentTarget.value)} /></Field>
            <div class="actions"><Button onClick={onClose}>Cancel</Button><Button kind="main" type="submit">Join</Button></div>
        </form></Dialog>;
}

export default function ClusterScreen() {
    const mesh = useMesh();
    const list = nodes.value.filter(n => n.doc.kind !== 'foreign');
    const view = param('view') || (list.length > 12 ? 'matrix' : 'topology');
    const [deed, setDeed] = useState<Deed>(null);
    const admin = may('A');
    const act = (verb: string, n: NodeNow) => attempt(() => send('POST', `/v1/nodes/${seg(n.doc.id)}:${verb}`), `${n.doc.name}: ${verb} was asked for`).then(readMembers);
    const stat = <T,>(n: NodeNow, pick: (s: NonNullable<NodeNow['beat']>['stats']) => T | undefined) => (n.beat ? pick(n.beat.stats) : undefined);
    const columns: Column<NodeNow>[] = [
        { id: 'name', title: 'Node', head: true, sort: n => n.doc.name, cell: n => <><a href={href('nodes/' + seg(n.doc.id))}>{n.doc.name}</a>{n.doc.self && <span class="muted"> (this one)</span>}<br /><span class="copy-id">{n.doc.id}</span></> },
        { id: 'state', title: 'State', sort: n => n.state, cell: n => <><State state={n.state} /><br />{n.state === 'alive' && n.age > 5000 && n.beat ? <span class="age">told <Ago time={n.beat.at} /></span> : <span class="note"><Ago time={n.doc.since} /></span>}</> },
        { id: 'zone', title: 'Zone', sort: n => n.doc.zone, cell: n => n.doc.zone || <span class="muted">none</span> },
        { id: 'version', title: 'Version', sort: n => n.doc.version, cell: n => n.doc.version || '–' },
        { id: 'in', title: 'In', num: true, sort: n => stat(n, s => s.in_per_second) ?? null, cell: n => rate(stat(n, s => s.in_per_second)) },
        { id: 'cpu', title: 'CPU', num: true, sort: n => stat(n, s => s.cpu) ?? null, cell: n => { const c = stat(n, s => s.cpu) ?? n.doc.load?.cpu; return c === undefined ? '–' : `${(c * 100).toFixed(0)} %`; }, tip: () => 'of one core' },
        { id: 'memory', title: 'Memory', num: true, sort: n => stat(n, s => s.memory_bytes) ?? null, cell: n => { const s = n.beat?.stats; return s ? <>{bytes(s.memory_bytes)}{s.memory_limit ? <Bar part={s.memory_bytes} whole={s.memory_limit} label={percent(s.memory_bytes, s.memory_limit) + ' of its limit'} /> : null}</> : '–'; } },
        { id: 'disk', title: 'Disk free', num: true, sort: n => stat(n, s => s.disk_free) ?? n.doc.disk?.free ?? null, cell: n => { const free = stat(n, s => s.disk_free) ?? n.doc.disk?.free, total = stat(n, s => s.disk_total) ?? n.doc.disk?.total; return free === undefined || !total ? '–' : <>{bytes(free)}<br /><span class="note">{percent(free, total)}</span></>; } },
        { id: 'sources', title: 'Sources', num: true, sort: n => stat(n, s => s.sources_live) ?? null, cell: n => { const s = n.beat?.stats; return s ? <>{integer(s.sources_live)}<br /><span class="note">live here</span></> : '–'; } },
        { id: 'listeners', title: 'Listeners', num: true, sort: n => stat(n, s => s.listeners) ?? null, cell: n => { const l = stat(n, s => s.listeners) ?? n.doc.listeners; return l === undefined ? '–' : integer(l); } },
        { id: 'clock', title: 'Clock offset', num: true, sort: n => stat(n, s => s.clock_offset_ms) ?? null, cell: n => { const o = stat(n, s => s.clock_offset_ms) ?? n.doc.clock_offset_ms; return o === undefined ? '–' : millis(o); } },
        { id: 'incarnation', title: 'Incarnation', num: true, sort: n => n.doc.incarnation, cell: n => n.doc.incarnation },
        { id: 'do', title: <span class="visually-hidden">Actions</span>, cell: n => admin && n.doc.kind !== 'foreign' ? <div class="row" style={{ flexWrap: 'nowrap' }}>
            {n.doc.state === 'alive' && (n.doc.draining ? <Button kind="small" onClick={() => void act('undrain', n)}>Undrain</Button> : <Button kind="small" onClick={() => setDeed({ kind: 'drain', node: n })}>Drain</Button>)}
            {(n.doc.state === 'dead' || n.doc.state === 'left') && <Button kind="small danger" onClick={() => setDeed({ kind: 'forget', node: n })}>Forget</Button>}</div> : null },
    ];
    return <>
        <Head title="Cluster" sub={plural(list.length, 'node')}>
            <div class="row" role="group" aria-label="Picture"><Button kind="small" pressed={view === 'topology'} onClick={() => setParam('view', 'topology')}>Topology</Button><Button kind="small" pressed={view === 'matrix'} onClick={() => setParam('view', 'matrix')}>Round trips</Button></div>
            {admin && <Button icon="plus" onClick={() => setDeed({ kind: 'join' })}>Join nodes</Button>}
        </Head>
        {list.length === 1 && <Card title="This node is alone"><div class="stack"><p>A second one joins with the same key ring and one address. On another host:</p><Code text={`anode run --set gossip.join=${list[0]!.doc.address.split(':')[0]} --set 'gossip.keyring={"file":"/etc/anode/keyring.json"}'`} /></div></Card>}
        {list.length > 1 && <Card title={view === 'topology' ? 'Topology' : 'Round trips'} note={view === 'topology' ? 'size: messages in; ring: memory; thick: messages flow here' : undefined} actions={<Age of={mesh.at} />}>
            <Shown of={mesh} what="the mesh">{m => <>{view === 'topology' ? <Topology list={list} meshes={m.items} /> : <Matrix list={list} meshes={m.items} />}
                {m.failed.length > 0 && <p class="note">No answer from {m.failed.map(f => nameIn(list, f.node)).join(', ')}.</p>}</>}</Shown></Card>}
        <Card title="Nodes" flush><Table caption="Nodes" rows={list} columns={columns} rowKey={n => n.doc.id} /></Card>
        {nodes.value.some(n => n.doc.kind === 'foreign') && <Card title="Foreign members" note="speak the membership protocol, are no nodes of ours" flush><Table caption="Foreign members" rows={nodes.value.filter(n => n.doc.kind === 'foreign')} columns={columns.slice(0, 2)} /></Card>}
        {deed?.kind === 'join' && <Join onClose={() => setDeed(null)} />}
        {deed?.kind === 'drain' && <Confirm title={`Drain ${deed.node.doc.name}?`} action="Drain" onYes={() => void act('drain', deed.node)} onClose={() => setDeed(null)}>
            <p>It hands its sources over to other nodes, asks its {deed.node.beat?.stats.listeners ? plural(deed.node.beat.stats.listeners, 'listener') : 'listeners'} to move, and takes nothing new in. It does not end; undrain takes it back.</p></Confirm>}
        {deed?.kind === 'forget' && <Confirm title={`Forget ${deed.node.doc.name}?`} action="Forget" danger onYes={() => void attempt(() => send('POST', '/v1/cluster:forget', { id: deed.node.doc.id }), `${deed.node.doc.name} is forgotten`).then(readMembers)} onClose={() => setDeed(null)}>
            <p>All nodes remove it from their view at once. Messages that only it has come back when it does. It has been {deed.node.state} for {span((Date.now() - Date.parse(deed.node.doc.since)) / 1000)}.</p></Confirm>}
        {list.length === 0 && <Empty title="No members are known yet" icon="cluster" />}
    </>;
}
