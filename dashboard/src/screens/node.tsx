// One node: its facts, what it does, what it runs, how it is set up.
import { useMemo, useState } from 'preact/hooks';
import { all, may, saveAs, send, sendForFile } from '../api/client';
import type { ConfigItem, Health, Listener, Mesh } from '../api/types';
import { now } from '../model/clock';
import { nodes, readMembers, seriesTick } from '../model/cluster';
import { bytes, compact, integer, millis, percent, plural, rate, span } from '../model/format';
import { secondsOf } from '../model/past';
import { useGet, useRead } from '../model/resource';
import { useSources } from '../model/sources';
import { href, param, setParam } from '../router';
import { Chart } from '../ui/chart';
import { Ago, attempt, Bar, Button, Card, Confirm, Empty, Facts, Head, Shown, Stat, Tabs } from '../ui/parts';
import { State } from '../ui/state';
import { Table, type Column } from '../ui/table';
import { aligned, usePast } from '../ui/series';
import { listenerColumns } from './listeners';

const seg = encodeURIComponent;

function Charts({ id, name }: { id: string; name: string }) {
    const { live, of, step, range } = usePast();
    const tick = live ? seriesTick.value : of;
    const ids = [{ id, name }];
    const to = Math.floor(now.value / 1000), from = to - secondsOf(range);
    const into = useMemo(() => aligned(of, ids, s => s.in, live ? 1 : step), [tick, id]);
    const memory = useMemo(() => aligned(of, ids, s => s.memory, live ? 1 : step), [tick, id]);
    const sources = useMemo(() => aligned(of, ids, s => s.live, live ? 1 : step), [tick, id]);
    return <div class="charts">
        <Chart title="Messages in" data={into} format={v => compact(v) + '/s'} from={from} to={to} />
        <Chart title="Memory" note="resident" data={memory} format={bytes} from={from} to={to} />
        <Chart title="Live sources" data={sources} format={v => integer(v)} from={from} to={to} />
    </div>;
}

function Config({ id }: { id: string }) {
    const config = useGet<{ items: ConfigItem[] }>(`/v1/config?node=${seg(id)}`, 60_000);
    const q = param('q'), changed = param('only') === 'set';
    const columns: Column<ConfigItem>[] = [
        { id: 'key', title: 'Key', head: true, cell: c => <span class="mono">{c.key}</span> },
        { id: 'value', title: 'Value', cell: c => (c.value !== null && typeof c.value === 'object' && 'secret' in c.value ? <span class="muted">a secret{(c.value as { set?: boolean }).set ? ', set' : ', not set'}</span> : <span class="mono">{JSON.stringify(c.value)}</span>) },
        { id: 'origin', title: 'From', cell: c => (c.origin === 'default' ? <span class="muted">default</span> : c.origin) },
        { id: 'live', title: 'A reload applies it', cell: c => (c.live ? 'yes' : <span class="muted">after a restart</span>) },
    ];
    return <Shown of={config} what="the configuration" role="A">{c => {
        const rows = c.items.filter(i => (!q || i.key.includes(q)) && (!changed || i.origin !== 'default'));
        return <><div class="body row"><div class="search"><input class="input" style={{ paddingLeft: 'var(--s2)' }} type="search" aria-label="Find a key" placeholder="Find a key" value={q} onInput={e => setParam('q', e.currentTarget.value || null)} /></div>
            <label class="check"><input type="checkbox" checked={changed} onChange={e => setParam('only', e.currentTarget.checked ? 'set' : null)} />only what is set</label></div>
            <Table caption="Configuration" rows={rows} columns={columns} rowKey={r => r.key} /></>;
    }}</Shown>;
}

function Peers({ id }: { id: string }) {
    const mesh = useGet<Mesh>(`/v1/mesh?node=${seg(id)}`, 5000);
    const columns: Column<Mesh['links'][number]>[] = [
        { id: 'peer', title: 'Peer', head: true, cell: l => <a href={href('nodes/' + seg(l.peer))}>{l.name || l.peer}</a> },
        { id: 'state', title: 'Link', cell: l => <State state={l.state} /> },
        { id: 'for', title: 'Since', num: true, cell: l => span(l.seconds) },
        { id: 'rtt', title: 'Round trip', num: true, cell: l => millis(l.rtt_ms) },
        { id: 'off', title: 'Clock offset', num: true, cell: l => millis(l.offset_ms) },
        { id: 'in', title: 'In', num: true, cell: l => bytes(l.bytes_in) }, { id: 'out', title: 'Out', num: true, cell: l => bytes(l.bytes_out) },
        { id: 'queue', title: 'Queue', num: true, cell: l => bytes(l.queued) },
    ];
    return <Shown of={mesh} what="the mesh">{m => (m.links.length ? <Table caption="Links" rows={m.links} columns={columns} /> : <Empty title="No links: the node is alone" icon="mesh" />)}</Shown>;
}

function Checks({ own }: { own: boolean }) {
    const health = useGet<Health>(own ? '/healthz?verbose' : null, 5000);
    if (!own) return <p class="muted">Health checks are told by a node itself: open its own dashboard to see them.</p>;
    return <Shown of={health} what="the health checks">{h => <Facts rows={h.checks.map(c => [c.name, <><State state={c.status} /> <span class="muted">{c.detail}</span></>])} />}</Shown>;
}

const bundle = (id: string, name: string) => attempt(async () => saveAs(await sendForFile('POST', `/v1/debug/bundle?node=${seg(id)}`), `anode-bundle-${name}.tar.gz`), 'The bundle is saved: versions, redacted configuration, metrics, states, events; no payloads');

export default function NodeScreen({ args }: { args: string[] }) {
    const id = args[0] ?? '';
    const n = nodes.value.find(x => x.doc.id === id || x.doc.name === id);
    const tab = param('tab', 'state');
    const sources = useSources(2000);
    const listeners = useRead<Listener[]>(n && tab === 'listeners' ? `listeners:${n.doc.id}` : null, 3000, signal => all<Listener>(`/v1/listeners?node=${seg(n!.doc.id)}`, 10_000, signal));
    const [draining, setDraining] = useState(false);
    if (!n) return <><Head title={id} crumb={{ to: href('cluster'), text: 'Cluster' }} /><Empty title="No such node is known" icon="cluster"><p>It may have left and been forgotten. <a href={href('events')}>Events</a> tell what became of it.</p></Empty></>;
    const s = n.beat?.stats, doc = n.doc;
    const own = (sources.data?.rows ?? []).filter(r => r.owner === doc.id);
    const tabs = ['state', 'sources', 'listeners', 'peers', 'config', 'log'].map(t => ({ id: t, text: t[0]!.toUpperCase() + t.slice(1), href: href('nodes/' + seg(doc.id), { tab: t === 'state' ? undefined : t }) }));
    const verb = (v: string, said: string) => void attempt(() => send('POST', `/v1/nodes/${seg(doc.id)}:${v}`), said).then(readMembers);
    const uptime = s?.uptime_seconds ?? doc.uptime_seconds;
    return <>
        <Head title={doc.name} sub={<State state={n.state} />} crumb={{ to: href('cluster'), text: 'Cluster' }}>
            {doc.url && !doc.self && <a class="button" target="_top" href={doc.url + location.pathname + location.search}>Its own dashboard</a>}
            {may('A') && doc.state === 'alive' && <><Button onClick={() => verb('reload', `${doc.name} reads its configuration again`)}>Reload</Button>
                {doc.draining ? <Button onClick={() => verb('undrain', `${doc.name} takes traffic again`)}>Undrain</Button> : <Button onClick={() => setDraining(true)}>Drain</Button>}
                <Button icon="download" onClick={() => void bundle(doc.id, doc.name)}>Bundle</Button></>}
        </Head>
        <Tabs label="Parts" items={tabs} now={tab} />
        {tab === 'state' && <>
            {n.state === 'alive' && n.age > 6000 && n.beat && <p class="age">Nothing was heard of this node for {span(n.age / 1000)}: what is shown was told then.</p>}
            <dl class={'stats' + (n.age > 6000 ? ' stale' : '')}>
                <Stat label="Messages in" value={s ? compact(s.in_per_second) : '–'} unit="/s" note={s && `${compact(s.received)} since it started`} />
                <Stat label="Memory" value={s ? bytes(s.memory_bytes) : '–'} note={s?.memory_limit ? <><Bar part={s.memory_bytes} whole={s.memory_limit} label="share of the limit" />{percent(s.memory_bytes, s.memory_limit)} of {bytes(s.memory_limit)}</> : s && s.shed_level === 0 ? 'sheds nothing' : `shed level ${s?.shed_level}`} tone={s && s.shed_level > 0 ? 'bad' : ''} />
                <Stat label="CPU" value={s?.cpu === undefined ? '–' : (s.cpu * 100).toFixed(0)} unit={s?.cpu === undefined ? '' : '%'} note={s?.cpu === undefined ? 'not told' : 'of one core'} />
                <Stat label="Sources live" value={s ? integer(s.sources_live) : '–'} note={`${plural(own.length, 'source')} owned`} />
                <Stat label="Listeners" value={s?.listeners ?? doc.listeners ?? '–'} note="connected here" />
                <Stat label="Disk free" value={bytes(s?.disk_free ?? doc.disk?.free)} note={s?.store_bytes !== undefined ? bytes(s.store_bytes) + ' in the store' : ''} />
            </dl>
            <Charts id={doc.id} name={doc.name} />
            <div class="cols"><Card title="Facts"><Facts rows={[
                ['Id', <span class="mono">{doc.id}</span>], ['Address', <span class="mono">{doc.address}</span>], !!doc.url && ['HTTP', <a href={doc.url} target="_top">{doc.url}</a>], ['Zone', doc.zone || 'none'], ['Version', doc.version],
                uptime !== undefined && ['Up', span(uptime)], ['In this state since', <Ago time={doc.since} />], ['Incarnation', doc.incarnation], ['Epoch', <span class="mono">{doc.epoch}</span>],
                doc.rtt_ms !== null && ['Round trip from here', millis(doc.rtt_ms)], ['Clock offset', millis(s?.clock_offset_ms ?? doc.clock_offset_ms)], !!doc.key && ['Key', <span class="mono">{doc.key}</span>],
                s?.open_fds !== undefined && ['Open files', `${integer(s.open_fds)}${s.fd_limit ? ' of ' + integer(s.fd_limit) : ''}`],
                s && ['Rejected, dropped', `${compact(s.rejected)}, ${compact(s.dropped)}`], s && ['Repeats removed', compact(s.duplicates)],
            ]} /></Card><Card title="Health checks"><Checks own={doc.self} /></Card></div></>}
        {tab === 'sources' && <Card title="Sources that run here" flush>{own.length ? <Table caption="Sources" rows={own} rowKey={r => r.name} columns={[
            { id: 'n', title: 'Source', head: true, cell: r => <a href={href('sources/' + seg(r.name))}>{r.name}</a> }, { id: 's', title: 'State', cell: r => <State state={r.state} /> },
            { id: 'r', title: 'Rate', num: true, cell: r => rate(r.rate) }, { id: 'l', title: 'Last message', num: true, cell: r => <Ago time={r.last} /> }, { id: 'e', title: 'Last error', cell: r => r.error?.detail ?? '' }]} /> : <Empty title="No source runs here" icon="sources" />}</Card>}
        {tab === 'listeners' && <Card title="Listeners" flush><Shown of={listeners} what="the listeners">{l => (l.length ? <Table caption="Listeners" rows={l.map(x => ({ ...x, node: x.node ?? doc.id }))} columns={listenerColumns()} /> : <Empty title="Nobody listens at this node" icon="listeners" />)}</Shown></Card>}
        {tab === 'peers' && <Card title="Links to other nodes" flush><Peers id={doc.id} /></Card>}
        {tab === 'config' && <Card title="Effective configuration" flush><Config id={doc.id} /></Card>}
        {tab === 'log' && <Card title="Log"><Empty title="This node does not offer its log over the API" icon="off"><p>It goes to standard output as one JSON object a line: <span class="mono">journalctl -u anode -f</span>, or what the container prints. What mattered is among the <a href={href('events')}>events</a>.</p></Empty></Card>}
        {draining && <Confirm title={`Drain ${doc.name}?`} action="Drain" onYes={() => verb('drain', `${doc.name} drains`)} onClose={() => setDraining(false)}><p>Its sources and listeners move to other nodes; it takes nothing new until undrain.</p></Confirm>}
    </>;
}
