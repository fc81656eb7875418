// All sources of the cluster, and one of them (screens/source.tsx).
import { useMemo, useRef, useState } from 'preact/hooks';
import { may, send } from '../api/client';
import type { SourceRow } from '../api/types';
import { nameOf, nodes } from '../model/cluster';
import { compact, millis, plural, rate } from '../model/format';
import { rates, useSources, viewOffered } from '../model/sources';
import { href, param, setParam } from '../router';
import { Icon } from '../ui/icon';
import { Age, Ago, attempt, Button, Card, Code, Confirm, Dialog, Empty, Field, Head, Shown, toast } from '../ui/parts';
import { Spark } from '../ui/spark';
import { State, troubled } from '../ui/state';
import { orderText, readOrder, sorted, VirtualTable, type Column } from '../ui/table';
import Source from './source';

const seg = encodeURIComponent;
const inState = (r: SourceRow, state: string) => (state === 'trouble' ? r.enabled && troubled.has(r.state) : r.state === state);

/// The order stays for five seconds, so that nothing jumps away under the pointer; a click sorts at once.
function useSteadyOrder(rows: SourceRow[], columns: Column<SourceRow>[], order: string): SourceRow[] {
    const kept = useRef<{ at: number; order: string; place: Map<string, number> }>({ at: 0, order: '', place: new Map() });
    return useMemo(() => {
        const k = kept.current;
        if (k.order !== order || Date.now() - k.at > 5000) {
            const fresh = sorted(rows, columns, readOrder(order));
            kept.current = { at: Date.now(), order, place: new Map(fresh.map((r, i) => [r.name, i])) };
            return fresh;
        }
        return [...rows].sort((a, b) => (k.place.get(a.name) ?? 1e9) - (k.place.get(b.name) ?? 1e9));
    }, [rows, order]);
}

function Facet({ label, name, counts }: { label: string; name: string; counts: [string, number][] }) {
    const chosen = param(name);
    return <label class="row nowrap"><span class="note">{label}</span><select class="input" value={chosen} onChange={e => setParam(name, e.currentTarget.value || null, true)}>
        <option value="">all</option>{counts.map(([v, n]) => <option key={v} value={v}>{v || 'none'} ({n})</option>)}{chosen && !counts.some(([v]) => v === chosen) && <option value={chosen}>{chosen} (0)</option>}</select></label>;
}
const tally = (rows: SourceRow[], pick: (r: SourceRow) => string): [string, number][] => {
    const counts = new Map<string, number>();
    for (const r of rows) counts.set(pick(r), (counts.get(pick(r)) ?? 0) + 1);
    return [...counts].sort((a, b) => (a[0] < b[0] ? -1 : 1));
};

export function Move({ names, onClose, done }: { names: string[]; onClose: () => void; done: () => void }) {
    const [to, setTo] = useState('');
    const move = async () => {
        if (await attempt(() => Promise.all(names.map(n => send('POST', `/v1/sources/${seg(n)}:move`, { node: to || null }))), to ? `Pinned to ${nameOf(to)}` : 'Unpinned: the cluster chooses')) { done(); onClose(); }
    };
    return <Dialog title={`Move ${plural(names.length, 'source')}`} onClose={onClose}><form style={{ padding: 0 }} onSubmit={e => { e.preventDefault(); void move(); }}>
        <Field label="Runs on" hint="It is handed over without a gap where the feed allows it."><select class="input" value={to} onChange={e => setTo(e.currentTarget.value)}><option value="">whichever node the cluster chooses</option>
            {nodes.value.filter(n => n.state === 'alive' && n.doc.kind === 'node').map(n => <option key={n.doc.id} value={n.doc.id}>{n.doc.name}</option>)}</select></Field>
        <div class="actions"><Button onClick={onClose}>Cancel</Button><Button kind="main" type="submit">Move</Button></div></form></Dialog>;
}

function List() {
    const view = useSources(1000);
    const [picked, setPicked] = useState<Set<string>>(new Set());
    const [moving, setMoving] = useState(false);
    const [stopping, setStopping] = useState(false);
    const q = param('q').toLowerCase(), state = param('state'), provider = param('provider'), type = param('type'), node = param('node'), order = param('sort', 'name');
    const operator = may('O');
    const toggle = (name: string) => setPicked(old => { const next = new Set(old); next.has(name) ? next.delete(name) : next.add(name); return next; });
    const columns: Column<SourceRow>[] = [
        ...(operator ? [{ id: 'pick', title: <span class="visually-hidden">Chosen</span>, width: '2.5rem', cell: (r: SourceRow) => <input type="checkbox" aria-label={`Choose ${r.name}`} checked={picked.has(r.name)} onChange={() => toggle(r.name)} style={{ width: '1.05rem', height: '1.05rem', verticalAlign: 'middle', accentColor: 'var(--accent-fill)' }} /> }] : []),
        { id: 'name', title: 'Source', head: true, width: '15rem', sort: r => r.name, tip: r => r.name, cell: r => <a href={href('sources/' + seg(r.name))}>{r.name}</a> },
        { id: 'state', title: 'State', width: '8rem', sort: r => r.state, tip: r => r.why, cell: r => <State state={r.enabled || r.state === 'disabled' ? r.state : 'disabled'} /> },
        { id: 'since', title: 'Since', num: true, width: '9.5rem', sort: r => r.since, cell: r => (r.since ? <Ago time={r.since} /> : <span class="muted">–</span>) },
        { id: 'rate', title: 'Rate', num: true, width: '6rem', sort: r => r.rate, cell: r => (r.rate === null ? <span class="muted" title="only the node that runs it knows">–</span> : rate(r.rate)) },
        { id: 'spark', title: 'Last minutes', width: '7.5rem', cell: r => { const list = rates.get(r.name); return list && list.length > 1 ? <Spark values={[...list]} label={`Rate of ${r.name}`} /> : null; } },
        { id: 'lag', title: 'Lag', num: true, width: '6rem', sort: r => r.lagMs, cell: r => millis(r.lagMs) },
        { id: 'last', title: 'Last message', num: true, width: '9rem', sort: r => r.last, cell: r => (r.last ? <Ago time={r.last} /> : <span class="muted">{r.rate === null ? '–' : 'never'}</span>) },
        { id: 'gaps', title: 'Gaps', num: true, width: '4.5rem', sort: r => r.gaps, cell: r => (r.gaps === null ? '–' : r.gaps ? <a href={href('gaps', { source: r.name })}>{compact(r.gaps)}</a> : 0) },
        { id: 'owner', title: 'Runs on', width: '7.5rem', sort: r => r.ownerName, cell: r => (r.owner ? <a href={href('nodes/' + seg(r.owner))}>{r.ownerName || nameOf(r.owner)}</a> : <span class="muted">{r.ownerName || 'no node'}</span>) },
        { id: 'standby', title: 'Next', width: '5rem', sort: r => nameOf(r.standby[0]), cell: r => <span class="muted">{nameOf(r.standby[0]) || '–'}</span> },
        { id: 'type', title: 'Type', width: '7.5rem', sort: r => r.type, cell: r => r.type },
        { id: 'provider', title: 'Provider', width: '7rem', sort: r => r.provider, tip: r => r.provider, cell: r => r.provider || <span class="muted">–</span> },
        { id: 'error', title: 'Last error', width: '18rem', sort: r => r.error?.detail ?? null, tip: r => r.error?.detail, cell: r => (r.error ? <span class={troubled.has(r.state) ? '' : 'muted'}>{r.error.detail || r.error.class}</span> : '') },
    ];
    const all = view.data?.rows ?? [];
    const rows = all.filter(r => (!state || inState(r, state)) && (!provider || r.provider === provider) && (!type || r.type === type) && (!node || r.owner === node)
        && (!q || [r.name, r.provider, r.type, r.state, r.error?.detail ?? '', r.why].join(' ').toLowerCase().includes(q)));
    const shown = useSteadyOrder(rows, columns, order);
    const chosen = [...picked].filter(n => all.some(r => r.name === n));
    const each = async (verb: string, said: string) => {
        const results = await Promise.allSettled(chosen.map(n => send('POST', `/v1/sources/${seg(n)}:${verb}`)));
        const failed = results.filter((r): r is PromiseRejectedResult => r.status === 'rejected');
        if (failed.length) toast(`${failed.length} of ${chosen.length} were refused: ${(failed[0]!.reason as Error).message}`, 'bad');
        else toast(`${plural(chosen.length, 'source')} ${said}`);
        setPicked(new Set());
        view.refresh();
    };
    return <>
        <Head title="Sources" sub={view.data && `${plural(all.length, 'source')}, ${all.filter(r => r.state === 'live').length} live`}>
            {operator && <a class="button main" href={href('add-source')}><Icon name="plus" />Add a source</a>}
        </Head>
        <div class="sticky-bar">
            <div class="search"><Icon name="search" /><input class="input" type="search" aria-label="Find sources" placeholder="Name, provider, error" value={param('q')} onInput={e => setParam('q', e.currentTarget.value || null)} /></div>
            <label class="row nowrap"><span class="note">State</span><select class="input" value={state} onChange={e => setParam('state', e.currentTarget.value || null, true)}>
                <option value="">all</option><option value="trouble">in trouble ({all.filter(r => inState(r, 'trouble')).length})</option>{tally(all, r => r.state).map(([v, n]) => <option key={v} value={v}>{v} ({n})</option>)}</select></label>
            <Facet label="Provider" name="provider" counts={tally(all, r => r.provider).filter(([v]) => v)} />
            <Facet label="Type" name="type" counts={tally(all, r => r.type)} />
            {(q || state || provider || type) && <a href={href('sources')}>Show all</a>}
            <span class="note" style={{ marginLeft: 'auto' }}>{view.data && rows.length !== all.length ? `${rows.length} of ${all.length}` : ''} <Age of={view.at} limit={5000} /></span>
        </div>
        {chosen.length > 0 && <div class="banner" style={{ background: 'var(--accent-weak)', borderColor: 'var(--accent)' }} role="region" aria-label="Chosen sources"><span>{plural(chosen.length, 'source')} chosen</span>
            <Button kind="small" onClick={() => void each('enable', 'enabled')}>Enable</Button><Button kind="small" onClick={() => setStopping(true)}>Disable</Button>
            <Button kind="small" onClick={() => void each('restart', 'restarted')}>Restart</Button><Button kind="small" onClick={() => setMoving(true)}>Move</Button><Button kind="small quiet" onClick={() => setPicked(new Set())}>Choose none</Button></div>}
        {viewOffered.value === false && view.data?.partial && <p class="note">This version of the node knows rates and lags of the sources it runs itself; of the others it shows the state their node told.</p>}
        <Card flush><Shown of={view} what="the sources" role="V" limit={8000}>{() => all.length === 0
            ? <Empty title="No sources yet" icon="sources"><p>A source is a feed that this cluster reads: a WebSocket, a REST endpoint, an event stream, a webhook. Paste a URL and the node proposes the rest.</p>
                <p><a class="button main" href={href('add-source')}><Icon name="plus" />Add a source</a></p><Code text="anode sources probe wss://stream.example.com/feed" /></Empty>
            : rows.length === 0 ? <Empty title="No source fits" icon="search"><p><a href={href('sources')}>Show all {all.length}</a></p></Empty>
                : <VirtualTable caption="Sources" rows={shown} columns={columns} order={readOrder(order)} onOrder={o => setParam('sort', orderText(o))} minWidth="102rem" />}</Shown></Card>
        {moving && <Move names={chosen} onClose={() => setMoving(false)} done={() => { setPicked(new Set()); view.refresh(); }} />}
        {stopping && <Confirm title={`Disable ${plural(chosen.length, 'source')}?`} action="Disable" danger onYes={() => void each('disable', 'disabled')} onClose={() => setStopping(false)}><p>They stop at once, on every node. What they miss meanwhile is missed for good.</p></Confirm>}
    </>;
}

export default function Sources({ args }: { args: string[] }) {
    return args[0] ? <Source key={args[0]} name={args[0]} /> : <List />;
}
