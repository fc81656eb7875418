// "Is it well?": figures, three linked charts, what happened, and the worst of each kind.
import { useMemo } from 'preact/hooks';
import { now } from '../model/clock';
import { cluster, events, gapsTotal, isSystem, nodes, seriesTick, totals } from '../model/cluster';
import { bytes, compact, integer, millis, percent, plural, rate } from '../model/format';
import { secondsOf } from '../model/past';
import { aligned, usePast } from '../ui/series';
import { useGet } from '../model/resource';
import { useListeners } from '../model/listeners';
import { useSources, viewOffered } from '../model/sources';
import { href, param } from '../router';
import { Chart } from '../ui/chart';
import { describe } from '../ui/event';
import { Icon } from '../ui/icon';
import { Ago, Card, Code, Empty, Head, Stat, Time } from '../ui/parts';
import type { PlotMark } from '../ui/plot';
import { State, troubled } from '../ui/state';

function Charts() {
    const { live, of, step, range } = usePast();
    const only = param('node');
    const ids = nodes.value.map(n => ({ id: n.doc.id, name: n.doc.name })).filter(n => !only || n.id === only);
    const tick = live ? seriesTick.value : of;
    const to = Math.floor(now.value / 1000), from = to - secondsOf(range);
    const key = ids.map(i => i.id).join();
    const s = live ? 1 : step;
    const into = useMemo(() => aligned(of, ids, x => x.in, s), [tick, key]);
    const out = useMemo(() => aligned(of, ids, x => x.out, s), [tick, key]);
    const late = useMemo(() => aligned(of, ids, x => x.p99, s), [tick, key]);
    const marks: PlotMark[] = events.value.filter(isSystem).map(e => ({ at: Date.parse(e.at) / 1000, text: describe(e).text, tone: describe(e).tone === 'idle' ? 'line-strong' : describe(e).tone }));
    const bounds = { from, to, marks };
    return <div class="charts">
        <Chart title="Messages in" note="taken in per second, by node" data={into} format={v => compact(v) + '/s'} {...bounds} />
        <Chart title="Messages out" note="written to listeners per second" data={out} format={v => compact(v) + '/s'} empty="This version of the node does not tell how many messages go out." {...bounds} />
        <Chart title="Delivery, slowest 1 %" note="received to written, p99" data={late} format={millis} empty="No listener is connected, or this version of the node does not tell." {...bounds} />
    </div>;
}

export default function Overview() {
    const sources = useSources(viewOffered.value ? 1000 : 3000);
    const listeners = useListeners();
    const storage = useGet<{ items: { disk: { free: number; total: number }; bytes: number }[] }>('/v1/storage?node=all', 10_000);
    const rows = sources.data?.rows ?? [];
    const enabled = rows.filter(r => r.enabled);
    const bad = enabled.filter(r => troubled.has(r.state));
    const liveCount = enabled.filter(r => r.state === 'live').length;
    const t = totals.value;
    const delivery = nodes.value.map(n => n.beat?.stats.delivery_ms).filter(d => d && d.p99 !== null);
    const worst99 = delivery.length ? Math.max(...delivery.map(d => d!.p99!)) : null, worst50 = delivery.length ? Math.max(...delivery.map(d => d!.p50 ?? 0)) : null;
    const disk = storage.data?.items.reduce((least, s) => Math.min(least, s.disk.free / s.disk.total), 1);
    const gap = gapsTotal.value;
    if (sources.data && rows.length === 0 && (cluster.value?.messages ?? 0) < 5000 && (t.in ?? 0) < 20) return <FirstRun />;
    return <>
        <Head title="Overview" sub={cluster.value && `cluster ${cluster.value.name}`} />
        <dl class="stats">
            <Stat label="Messages in" value={t.in === null ? <span class="skeleton" /> : compact(t.in)} unit="/s" note={`${plural(t.told, 'node')} told within 5 s`} />
            <Stat label="Messages out" value={t.out === null ? '–' : compact(t.out)} unit={t.out === null ? '' : '/s'} note={t.out === null ? 'not told by this version' : 'to all listeners'} />
            <Stat label="Listeners" href={href('listeners')} value={listeners.data ? integer(listeners.data.rows.length) : t.listeners ?? '–'} note={listeners.data?.failed.length ? `${listeners.data.failed.length} nodes did not answer` : 'connected now'} />
            <Stat label="Sources live" href={href('sources')} value={sources.data ? integer(liveCount) : <span class="skeleton" />} unit={`of ${integer(enabled.length)}`} tone={bad.length ? 'warn' : ''} note={bad.length ? `${bad.length} in trouble` : 'none in trouble'} />
            <Stat label="Delivery, median" value={worst99 === null ? '–' : millis(worst50)} note={worst99 === null ? 'nothing was delivered just now' : `p99 ${millis(worst99)}; of the slowest node`} />
            <Stat label="Gaps, 24 h" href={href('gaps')} value={gap ? integer(gap.count) + (gap.more ? '+' : '') : <span class="skeleton" />} note={gap ? gap.lost ? gap.lost === 1 ? '1 message known lost' : `${compact(gap.lost)} messages known lost` : 'nothing known lost' : ''} />
            <Stat label="Disk free" href={href('storage')} value={disk === undefined ? <span class="skeleton" /> : percent(disk, 1)} tone={disk !== undefined && disk < 0.08 ? 'bad' : ''} note={cluster.value ? `${bytes(cluster.value.bytes)} kept on this node` : ''} />
        </dl>
        <Charts />
        <div class="cols">
            <Card title="Sources in trouble" actions={<a href={href('sources', { state: 'trouble' })}>All {bad.length}</a>} flush>
                {bad.length === 0 ? <Empty title={rows.length ? 'Every source delivers' : 'No sources yet'} icon="check">{!rows.length && <p><a href={href('add-source')}>Add a source</a> from a URL.</p>}</Empty>
                    : <ul class="worst">{[...bad].sort((a, b) => rank(a.state) - rank(b.state) || (a.since ?? '') .localeCompare(b.since ?? '')).slice(0, 5).map(s => <li key={s.name}><a class="cut" href={href('sources/' + encodeURIComponent(s.name))}>{s.name}</a><State state={s.state} />
                        <span class="note cut">{s.error?.detail ?? s.why}</span><span class="note">{s.since ? <Ago time={s.since} /> : ''}</span></li>)}</ul>}
            </Card>
            <Card title="Listeners furthest behind" actions={<a href={href('listeners')}>All</a>} flush>
                {!listeners.data?.rows.length ? <Empty title="Nobody listens" icon="listeners"><p>Whoever knows a URL can:</p><Code text={`curl -N '${location.origin}/v1/stream?topics=>'`} /></Empty>
                    : <ul class="worst">{[...listeners.data.rows].sort((a, b) => b.lag - a.lag || b.queue_bytes - a.queue_bytes).slice(0, 5).map(l => <li key={l.id}><span class="cut">{l.identity || l.address} <span class="muted">{l.topics.join(', ')}</span></span><span class="nowrap">{l.lag ? plural(l.lag, 'message') + ' behind' : 'at the head'}</span></li>)}</ul>}
            </Card>
            <Card title="Busiest nodes" actions={<a href={href('cluster')}>All {nodes.value.length}</a>} flush>
                <ul class="worst">{[...nodes.value].sort((a, b) => rankNode(a.state) - rankNode(b.state) || (b.beat?.stats.memory_bytes ?? 0) - (a.beat?.stats.memory_bytes ?? 0)).slice(0, 5).map(n => <li key={n.doc.id}>
                    <a class="cut" href={href('nodes/' + encodeURIComponent(n.doc.id))}>{n.doc.name}</a><State state={n.state} />
                    <span class="note">{n.beat ? `${rate(n.beat.stats.in_per_second)} in, ${bytes(n.beat.stats.memory_bytes)} memory` : 'has told nothing yet'}</span><span class="note">{n.beat && n.age > 5000 ? <span class="age">told <Ago time={n.beat.at} /></span> : ''}</span></li>)}</ul>
            </Card>
        </div>
        <Card title="What happened" actions={<a href={href('events')}>All events</a>} flush>
            {events.value.length === 0 ? <Empty title="Nothing has happened yet" icon="events" />
                : <ul class="timeline">{events.value.slice(0, 20).map((e, i) => { const d = describe(e); return <li key={i}><Time time={e.at} /><span class={'tag ' + d.tone}><Icon name={d.icon} size={14} /></span><span>{d.node}</span></li>; })}</ul>}
        </Card>
    </>;
}
const rank = (s: string) => ['failed', 'limited', 'backoff', 'stale'].indexOf(s);
const rankNode = (s: string) => ['dead', 'suspect', 'draining', 'alive', 'left'].indexOf(s);

function FirstRun() {
    return <>
        <Head title="Welcome" sub="This node has no data yet. One of these gives some within a minute." />
        <div class="cols">
            <Card title="1 Send a message"><div class="stack"><p>Any topic, any JSON:</p><Code text={`curl -H 'Content-Type: application/json' -d '{"t":21.5}' \\\n  ${location.origin}/v1/topics/home.kitchen.temperature/messages`} /></div></Card>
            <Card title="2 Connect a feed"><div class="stack"><p>Paste the URL of a WebSocket, REST or event stream: the node looks at it and proposes how to read it.</p><p><a class="button main" href={href('add-source')}><Icon name="plus" />Add a source</a></p><Code text={`anode sources probe wss://stream.example.com/feed`} /></div></Card>
            <Card title="3 Listen"><div class="stack"><p>Anything that speaks HTTP or WebSocket can:</p><Code text={`curl -N '${location.origin}/v1/stream?topics=>'`} /><p><a href={href('tail', { topics: '>' })}>or watch here</a></p></div></Card>
        </div>
        <p class="muted">To look around first: <span class="mono">anode demo</span> runs a node with more than a hundred simulated feeds.</p>
    </>;
}
