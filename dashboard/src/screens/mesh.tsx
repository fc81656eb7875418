// How messages and news get around: links between nodes, and what members think of each other.
import { useState } from 'preact/hooks';
import { get, getText, may, send } from '../api/client';
import type { Gossip, Keys, Mesh } from '../api/types';
import { nameOf, self } from '../model/cluster';
import { bytes, compact, integer, millis, percent, plural, span } from '../model/format';
import { histogram, parseMetrics } from '../model/metrics';
import { useRead } from '../model/resource';
import { href, param } from '../router';
import { Ago, attempt, Button, Card, Code, Empty, Field, Head, Shown, Stat, Tabs } from '../ui/parts';
import { Icon } from '../ui/icon';
import { State } from '../ui/state';
import { Table, type Column } from '../ui/table';
import { useMesh } from './cluster';

const seg = encodeURIComponent;
type LinkRow = Mesh['links'][number] & { node: string };

function MeshTab() {
    const mesh = useMesh(2000);
    const metrics = useRead('metrics', 5000, async signal => parseMetrics(await getText('/metrics', { signal })));
    const only = param('node');
    const columns: Column<LinkRow>[] = [
        { id: 'node', title: 'From', head: true, cell: l => nameOf(l.node) }, { id: 'peer', title: 'To', cell: l => (l.peer ? <a href={href('nodes/' + seg(l.peer))}>{l.name || nameOf(l.peer)}</a> : <span class="muted">not known yet</span>) },
        { id: 'state', title: 'State', cell: l => <State state={l.state} /> }, { id: 'kind', title: 'Use', cell: l => <>{l.purpose}{l.purpose === 'main' && <span class="muted">, {l.parents + l.children > 0 ? 'eager' : 'lazy'}</span>}</> },
        { id: 'trees', title: 'Parent of, child of', num: true, cell: l => `${l.children}, ${l.parents}` }, { id: 'rtt', title: 'Round trip', num: true, cell: l => millis(l.rtt_ms) }, { id: 'off', title: 'Clock offset', num: true, cell: l => millis(l.offset_ms) },
        { id: 'in', title: 'In', num: true, cell: l => bytes(l.bytes_in) }, { id: 'out', title: 'Out', num: true, cell: l => bytes(l.bytes_out) }, { id: 'queue', title: 'Queue', num: true, cell: l => bytes(l.queued) }, { id: 'since', title: 'Up for', num: true, cell: l => span(l.seconds) }];
    return <Shown of={mesh} what="the mesh" role="V">{m => {
        const items = m.items.filter(i => !only || i.node === only).sort((a, b) => nameOf(a.node).localeCompare(nameOf(b.node)));
        const sum = (name: string) => items.reduce((n, i) => n + (i.counters[name] ?? 0), 0);
        const hop = metrics.data ? histogram(metrics.data, 'anode_mesh_hop_seconds') : null;
        const links = items.flatMap(i => i.links.map(l => ({ ...l, node: i.node })));
        return <>
            <dl class="stats"><Stat label="State" value={<span style={{ fontSize: 'var(--f5)' }}>{items.every(i => i.state === 'settled') ? <State state="settled" /> : <State state={items.length === 1 && items[0]!.state === 'alone' ? 'alone' : 'catching-up'} />}</span>} note={`${plural(items.reduce((n, i) => n + i.logs.missing, 0), 'message')} missing somewhere`} />
                <Stat label="Copies too many" value={percent(sum('duplicates'), Math.max(1, sum('blocks_in')))} note="of the blocks received" /><Stat label="Repaired" value={compact(sum('repaired'))} note="asked for after a hole" /><Stat label="Queues" value={bytes(items.reduce((n, i) => n + i.queue_bytes, 0))} note="waiting for peers" />
                <Stat label="A hop takes" value={hop?.count ? <>{millis(hop.p50)}<small> / {millis(hop.p99)}</small></> : '–'} note={hop?.count ? `p50 / p99 at ${self.value?.name ?? 'this node'}` : 'nothing measured'} /><Stat label="Links lost" value={compact(sum('links_lost'))} note={`${sum('protocol_errors')} broke the protocol`} /></dl>
            {m.failed.length > 0 && <p class="age">No answer from {m.failed.map(f => nameOf(f.node)).join(', ')}.</p>}
            <Card title="Links" note="eager: messages flow here; lazy: only told about" flush>{links.length ? <Table caption="Links" rows={links} columns={columns} rowKey={l => l.node + l.peer + l.purpose + l.direction} /> : <Empty title="No links" icon="mesh"><p>A node alone has nobody to link to.</p></Empty>}</Card>
            <Card title="Counts" flush><Table caption="Counts by node" rows={items} rowKey={i => i.node} columns={[{ id: 'n', title: 'Node', head: true, cell: (i: Mesh) => nameOf(i.node) }, ...Object.keys(items[0]?.counters ?? {}).map(k => ({ id: k, title: k.replace(/_/g, ' '), num: true, cell: (i: Mesh) => (k.startsWith('bytes') ? bytes(i.counters[k]) : compact(i.counters[k] ?? 0)) }))]} /></Card></>;
    }}</Shown>;
}

function GossipTab() {
    const all = useRead<{ items: Gossip[]; failed: string[] }>('gossip', 3000, async signal => { const p = await get<{ items: Gossip[]; failed?: { node: string }[] }>('/v1/gossip?node=all', { signal }); return { items: p.items, failed: (p.failed ?? []).map(f => f.node) }; });
    const number = (v: unknown) => (typeof v === 'number' ? v : 0);
    return <Shown of={all} what="the membership protocol" role="V">{g => {
        const views = new Set(g.items.map(i => (i as Gossip & { view?: string }).view));
        return <>
            <dl class="stats"><Stat label="Agreement" value={<span style={{ fontSize: 'var(--f5)' }}>{views.size <= 1 ? <State state="ok" word="one view" /> : <State state="warn" word={`${views.size} views`} />}</span>} note="who is a member, in the eyes of each" />
                <Stat label="Probes failed" value={compact(g.items.reduce((n, i) => n + number(i.counters['probe_failures']), 0))} note={`of ${compact(g.items.reduce((n, i) => n + number(i.counters['probes']), 0))}`} /><Stat label="Suspicions" value={compact(g.items.reduce((n, i) => n + number(i.counters['suspicions']), 0))} note={`${compact(g.items.reduce((n, i) => n + number(i.counters['refutations']), 0))} refuted`} />
                <Stat label="Not decrypted" value={compact(g.items.reduce((n, i) => n + number(i.counters['decrypt_errors']), 0))} note={g.items.every(i => i.encrypted) ? 'all traffic is sealed' : 'some speak in clear text'} tone={g.items.every(i => i.encrypted) ? '' : 'warn'} /></dl>
            {g.failed.length > 0 && <p class="age">No answer from {g.failed.map(nameOf).join(', ')}.</p>}
            <Card title="By node" note="health score: 0 is well; higher gives peers more time" flush><Table caption="Membership by node" rows={[...g.items].sort((a, b) => nameOf(a.node).localeCompare(nameOf(b.node)))} rowKey={i => i.node} columns={[{ id: 'n', title: 'Node', head: true, cell: i => <a href={href('nodes/' + seg(i.node))}>{nameOf(i.node)}</a> }, { id: 's', title: 'State', cell: i => <State state={i.state} /> }, { id: 'h', title: 'Health score', num: true, cell: i => i.health_score }, { id: 'q', title: 'Queue', num: true, cell: i => integer(i.queue) }, ...['probes', 'probe_failures', 'suspicions', 'refutations', 'deaths', 'push_pulls', 'conflicts'].map(k => ({ id: k, title: k.replace(/_/g, ' '), num: true, cell: (i: Gossip) => compact(number(i.counters[k])) })), { id: 'k', title: 'Keys', cell: i => <span class="mono">{i.keys.map(k => k.slice(0, 8)).join(', ')}</span> }]} /></Card>
            <Card title="Members" note={`as ${self.value?.name ?? 'this node'} sees them`} flush><Table caption="Members" rows={g.items.find(i => i.node === self.value?.id)?.members ?? g.items[0]?.members ?? []} rowKey={x => x.id} columns={[{ id: 'n', title: 'Member', head: true, cell: x => <>{x.name} <span class="copy-id">{x.id}</span></> }, { id: 's', title: 'State', cell: x => <State state={x.suspect ? 'suspect' : x.state} /> }, { id: 'w', title: 'Since', num: true, cell: x => <Ago time={x.since} /> }, { id: 'i', title: 'Incarnation', num: true, cell: x => x.incarnation }, { id: 'a', title: 'Address', cell: x => <span class="mono">{x.address}</span> }, { id: 'r', title: 'Round trip', num: true, cell: x => millis(x.rtt_ms) }, { id: 'k', title: 'Sealed with', cell: x => (x.key ? <span class="mono">{x.key}</span> : <span class="muted">–</span>) }]} /></Card></>;
    }}</Shown>;
}

/// A rotation has an order, and each step waits for the one before: install, all have it, use, remove.
function KeysTab() {
    const keys = useRead<Keys>('keys', 5000, signal => get<Keys>('/v1/gossip/keys', { signal }));
    const [fresh, setFresh] = useState('');
    const make = () => { const raw = new Uint8Array(32); crypto.getRandomValues(raw); setFresh(btoa(String.fromCharCode(...raw))); };
    const act = (verb: string, body: unknown, said: string) => void attempt(() => send('POST', `/v1/gossip/keys:${verb}`, body), said).then(() => { setFresh(''); keys.refresh(); });
    return <Shown of={keys} what="the gossip keys" role="A">{k => {
        const nodes = k.items.filter(i => i.kind === 'node');
        const all = [...new Set(nodes.flatMap(i => i.keys))];
        const everywhere = (key: string) => nodes.every(i => i.answered && i.keys.includes(key));
        const primary = new Set(nodes.map(i => i.primary));
        return <>
            {nodes.length === 0 || all.length === 0 ? <Empty title="This cluster has no keys" icon="warn"><p>Membership is spoken in clear text. Make a key ring, put it on every node, and restart them one by one:</p><Code text="anode keys gen >/etc/anode/keyring.json" /></Empty> : <>
                <Card title="Keys" note="fingerprints; a key itself is never shown" flush><Table caption="Keys" rows={all} rowKey={x => x} columns={[{ id: 'k', title: 'Key', head: true, cell: x => <span class="mono">{x}</span> }, { id: 'use', title: 'In use by', cell: x => (nodes.filter(i => i.primary === x).length ? plural(nodes.filter(i => i.primary === x).length, 'node') : <span class="muted">nobody</span>) }, { id: 'have', title: 'Known to', cell: x => (everywhere(x) ? <State state="ok" word="all nodes" /> : <State state="warn" word={`${nodes.filter(i => i.keys.includes(x)).length} of ${nodes.length}`} />) },
                    { id: 'do', title: <span class="visually-hidden">Actions</span>, cell: x => may('A') && <span class="row"><Button kind="small" disabled={!everywhere(x) || (primary.size === 1 && primary.has(x))} title={everywhere(x) ? undefined : 'All nodes must have it first'} onClick={() => act('use', { key: x }, 'All nodes seal with this key now')}>Use</Button><Button kind="small danger" disabled={primary.has(x)} title={primary.has(x) ? 'It is in use' : undefined} onClick={() => act('remove', { key: x }, 'The key is removed')}>Remove</Button></span> }]} /></Card>
                {may('A') && <Card title="Rotate"><div class="stack" style={{ maxWidth: '44rem' }}><ol class="rotate"><li>Install a new key: every node learns it and goes on using the old one.</li><li>Wait until all have it (above).</li><li>Use it: all seal with the new one, and still open the old.</li><li>Remove the old one.</li></ol>
                    <Field label="New key, 32 bytes in base64" hint="keep it: the key ring file of a node that is off now needs it too"><input class="input mono" value={fresh} onInput={e => setFresh(e.currentTarget.value)} autocomplete="off" spellcheck={false} /></Field>
                    <div class="actions"><Button onClick={make}>Make one here</Button><Button kind="main" disabled={fresh.length < 40} onClick={() => act('install', { key: fresh.trim() }, 'The key is installed')}>Install on all nodes</Button></div></div></Card>}
                <Card title="By node" flush><Table caption="Keys by node" rows={k.items} rowKey={i => i.id} columns={[{ id: 'n', title: 'Node', head: true, cell: i => nameOf(i.id) }, { id: 'a', title: 'Answered', cell: i => (i.answered ? <Icon name="check" label="yes" /> : <State state="warn" word={i.error ?? 'no'} />) }, { id: 'p', title: 'Seals with', cell: i => <span class="mono">{i.primary}</span> }, { id: 'k', title: 'Opens', cell: i => <span class="mono">{i.keys.join(', ')}</span> }]} /></Card></>}</>;
    }}</Shown>;
}

export default function MeshScreen() {
    const tab = param('tab', 'mesh');
    const tabs = [['mesh', 'Mesh'], ['gossip', 'Gossip'], ['keys', 'Keys']].map(([id, text]) => ({ id: id!, text: text!, href: href('mesh', { tab: id === 'mesh' ? undefined : id }) }));
    return <><Head title="Mesh and gossip" /><Tabs label="Parts" items={tabs} now={tab} />{tab === 'gossip' ? <GossipTab /> : tab === 'keys' ? <KeysTab /> : <MeshTab />}</>;
}
