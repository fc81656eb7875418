// Who listens, how far behind, and what was done about it.
import { useState } from 'preact/hooks';
import { may, send } from '../api/client';
import type { Listener } from '../api/types';
import { now } from '../model/clock';
import { nameOf } from '../model/cluster';
import { bytes, compact, integer, parse, plural, rate } from '../model/format';
import { href, param, setParam } from '../router';
import { Icon } from '../ui/icon';
import { Ago, attempt, Button, Card, Code, Confirm, Copy, Empty, Head, Shown } from '../ui/parts';
import { State } from '../ui/state';
import { orderText, readOrder, sorted, VirtualTable, type Column } from '../ui/table';
import { useListeners } from '../model/listeners';

const seg = encodeURIComponent;
/// Since it connected; the API counts, it does not measure.
const mean = (l: Listener) => { const s = (now.value - parse(l.since)) / 1000; return s > 0 ? l.sent / s : null; };

export function listenerColumns(): Column<Listener>[] {
    return [
        { id: 'who', title: 'Who', head: true, width: '9rem', sort: l => l.identity, cell: l => l.identity || 'anonymous', tip: l => l.id },
        { id: 'address', title: 'From', width: '8.5rem', sort: l => l.address, cell: l => <span class="mono">{l.address}</span>, tip: l => l.address },
        { id: 'node', title: 'At', width: '5rem', sort: l => nameOf(l.node), cell: l => <a href={href('nodes/' + seg(l.node))}>{nameOf(l.node)}</a> },
        { id: 'topics', title: 'Topics', width: '16rem', sort: l => l.topics.join(), cell: l => <span class="mono">{l.topics.join(', ')}</span>, tip: l => l.topics.join(', ') },
        { id: 'mode', title: 'Mode', width: '7rem', sort: l => l.transport + l.mode, cell: l => `${l.transport}, ${l.mode}` },
        { id: 'sent', title: 'Sent', num: true, width: '6rem', sort: l => l.sent, cell: l => compact(l.sent), tip: l => `${integer(l.sent)}; ${rate(mean(l))} on average since it connected` },
        { id: 'queue', title: 'Queue', num: true, width: '6rem', sort: l => l.queue_bytes, cell: l => bytes(l.queue_bytes) },
        { id: 'lag', title: 'Behind', num: true, width: '8rem', sort: l => l.lag, cell: l => (l.catching_up ? <State state="catching-up" word={compact(l.lag) + ' behind'} /> : l.lag ? compact(l.lag) : '0') },
        { id: 'gaps', title: 'Gaps', num: true, width: '4.5rem', sort: l => l.gaps, cell: l => (l.gaps ? <span class="tag warn"><Icon name="gaps" size={14} />{l.gaps}</span> : 0) },
        { id: 'left', title: 'Left out', num: true, width: '6rem', sort: l => l.skipped + l.conflated, cell: l => compact(l.skipped + l.conflated), tip: l => `${integer(l.skipped)} skipped, ${integer(l.conflated)} replaced by newer ones` },
        { id: 'since', title: 'Connected', num: true, width: '8rem', sort: l => l.since, cell: l => <Ago time={l.since} /> },
    ];
}

export default function Listeners() {
    const listeners = useListeners(2000);
    const [cut, setCut] = useState<Listener | null>(null);
    const order = readOrder(param('sort', '-lag')), q = param('q').toLowerCase(), node = param('node');
    const columns: Column<Listener>[] = [...listenerColumns(), { id: 'do', title: <span class="visually-hidden">Actions</span>, width: '6.5rem', cell: l => <span class="row" style={{ flexWrap: 'nowrap' }}><Copy text={JSON.stringify(l, null, 2)} label={`Copy diagnostics of ${l.identity} ${l.address}`} />{may('O') && <Button kind="small danger" onClick={() => setCut(l)}>Cut</Button>}</span> }];
    return <>
        <Head title="Listeners" sub={listeners.data && plural(listeners.data.rows.length, 'connection')}>
            <div class="search"><Icon name="search" /><input class="input" type="search" aria-label="Find listeners" placeholder="Who, from where, which topics" value={param('q')} onInput={e => setParam('q', e.currentTarget.value || null)} /></div>
        </Head>
        <Shown of={listeners} what="the listeners" role="V">{data => {
            const rows = sorted(data.rows.filter(l => (!node || l.node === node) && (!q || [l.identity, l.address, l.topics.join(' '), l.mode, l.transport].join(' ').toLowerCase().includes(q))), columns, order);
            return <>{data.failed.length > 0 && <p class="age" role="status">No answer from {data.failed.map(nameOf).join(', ')}: their listeners are missing here.</p>}
                <Card flush>{rows.length ? <VirtualTable caption="Listeners" rows={rows} columns={columns} order={order} onOrder={o => setParam('sort', orderText(o))} minWidth="80rem" />
                    : data.rows.length ? <Empty title="None of the listeners fits" icon="search" /> : <Empty title="Nobody listens" icon="listeners"><p>A URL is enough. One of these begins to listen:</p>
                        <Code text={`curl -N '${location.origin}/v1/stream?topics=>'`} /><Code text={`websocat '${location.origin.replace(/^http/, 'ws')}/v1/stream?topics=>&format=data'`} /></Empty>}</Card></>;
        }}</Shown>
        {cut && <Confirm title="Cut this listener off?" action="Cut" danger onYes={() => void attempt(() => send('DELETE', `/v1/listeners/${seg(cut.id)}?node=${seg(cut.node)}`), 'The listener was cut off').then(listeners.refresh)} onClose={() => setCut(null)}>
            <p>{cut.identity || cut.address} listens to <span class="mono">{cut.topics.join(', ')}</span>. Most clients connect again by themselves; to keep one out, revoke its token.</p></Confirm>}
    </>;
}
