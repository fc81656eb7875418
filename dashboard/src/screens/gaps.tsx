// The ledger of holes: what is missing, why, and what was done about it.
import { get, saveAs, type Page } from '../api/client';
import type { Gap } from '../api/types';
import { gaps as liveGaps, nameOf } from '../model/cluster';
import { at as clockText, compact, integer, plural } from '../model/format';
import { useRead } from '../model/resource';
import { href, param, setParam } from '../router';
import { Button, Card, Empty, Head, Shown, Time } from '../ui/parts';
import { orderText, readOrder, sorted, VirtualTable, type Column } from '../ui/table';

const seg = encodeURIComponent;
const causeOf = (g: Gap) => g.cause || g.reason;

/// Hours across, causes down; the darker, the more gaps.
function Heat({ rows, hours }: { rows: Gap[]; hours: number }) {
    const step = Math.max(1, Math.round(hours / 24));
    const now = Date.now(), cells = Math.ceil(hours / step);
    const causes = [...new Set(rows.map(causeOf))].sort();
    const grid = new Map<string, number>();
    for (const g of rows) {
        const back = Math.floor((now - Date.parse(g.at)) / 3_600_000 / step);
        if (back >= 0 && back < cells) grid.set(causeOf(g) + back, (grid.get(causeOf(g) + back) ?? 0) + 1);
    }
    const most = Math.max(1, ...grid.values());
    return <div class="scroll" tabIndex={0} role="region" aria-label="Gaps by hour and cause"><table class="heat"><caption class="visually-hidden">Number of gaps by hour and cause</caption>
        <thead><tr><th scope="col"><span class="visually-hidden">Cause</span></th>{Array.from({ length: cells }, (_, i) => cells - 1 - i).map(b => <th scope="col" key={b}>{b % 6 === 0 ? clockText(now - b * step * 3_600_000).slice(-8, -3) : ''}<span class="visually-hidden">{b * step} h ago</span></th>)}</tr></thead>
        <tbody>{causes.map(c => <tr key={c}><th scope="row">{c}</th>{Array.from({ length: cells }, (_, i) => cells - 1 - i).map(b => { const n = grid.get(c + b) ?? 0; return <td key={b} title={`${c}, ${b * step} h ago: ${plural(n, 'gap')}`} style={n ? { background: `color-mix(in srgb, var(--c3) ${20 + 70 * Math.sqrt(n / most)}%, var(--surface))` } : undefined}><span class="visually-hidden">{n}</span></td>; })}</tr>)}</tbody></table></div>;
}

export default function Gaps() {
    const range = param('since', '24h'), scope = param('scope'), source = param('source');
    const asked = ['from=-' + range, scope && 'scope=' + seg(scope), source && 'source=' + seg(source)].filter(Boolean).join('&');
    const page = useRead<{ items: Gap[]; more: boolean }>('gaps:' + asked, 5000, async signal => {
        const p = await get<Page<Gap>>(`/v1/gaps?limit=1000&${asked}`, { signal });
        return { items: p.items, more: p.next !== null };
    });
    void liveGaps.value;
    const order = readOrder(param('sort', '-at'));
    const columns: Column<Gap>[] = [
        { id: 'at', title: 'When', head: true, width: '10rem', sort: g => g.at, cell: g => <Time time={g.at} /> },
        { id: 'scope', title: 'Where', width: '6rem', sort: g => g.scope, cell: g => g.scope },
        { id: 'who', title: 'Of', width: '16rem', sort: g => g.source ?? g.topics?.join() ?? '', tip: g => g.source ?? g.topics?.join(', '), cell: g => (g.source ? <a href={href('sources/' + seg(g.source))}>{g.source}</a> : <span class="mono">{g.topics?.join(', ') ?? ''}</span>) },
        { id: 'key', title: 'Key', width: '8rem', sort: g => g.key ?? '', cell: g => g.key ?? '' },
        { id: 'cause', title: 'Cause', width: '8rem', sort: causeOf, cell: causeOf },
        { id: 'lost', title: 'Lost', num: true, width: '6rem', sort: g => g.lost, cell: g => (g.lost === null || g.lost === undefined ? <span class="muted">unknown</span> : integer(g.lost)) },
        { id: 'range', title: 'From, to', width: '16rem', tip: g => `${g.from} to ${g.to}`, cell: g => (g.from === undefined ? '' : <span class="mono">{String(g.from)} – {String(g.to)}</span>) },
        { id: 'repaired', title: 'Repaired by', width: '8rem', sort: g => g.repaired_by ?? '', cell: g => g.repaired_by || <span class="muted">not repaired</span> },
        { id: 'node', title: 'Node', width: '6rem', sort: g => nameOf(g.node), cell: g => nameOf(g.node) },
        { id: 'id', title: 'Entry', width: '8rem', cell: g => <span class="copy-id">{g.gap}</span> },
    ];
    const save = () => {
        saveAs(new Blob([(page.data?.items ?? []).map(g => JSON.stringify(g)).join('\n') + '\n'], { type: 'application/x-ndjson' }), 'gaps.ndjson');
    };
    return <>
        <Head title="Gaps" sub={page.data && `${plural(page.data.items.length, 'entry', 'entries')}${page.data.more ? ' and more' : ''}, ${compact(page.data.items.reduce((n, g) => n + (g.lost ?? 0), 0))} messages known lost`}>
            <label class="row nowrap"><span class="note">Since</span><select class="input" value={range} onChange={e => setParam('since', e.currentTarget.value, true)}>{['1h', '6h', '24h', '7d'].map(r => <option key={r}>{r}</option>)}</select></label>
            <label class="row nowrap"><span class="note">Where</span><select class="input" value={scope} onChange={e => setParam('scope', e.currentTarget.value || null, true)}><option value="">anywhere</option><option value="source">source</option><option value="mesh">mesh</option><option value="listener">listener</option></select></label>
            {source && <Button kind="small" onClick={() => setParam('source', null, true)}>only {source} ×</Button>}
            <Button icon="download" onClick={save} disabled={!page.data?.items.length}>NDJSON</Button>
        </Head>
        <Shown of={page} what="the gap ledger" role="V">{p => (p.items.length === 0
            ? <Card flush><Empty title="No gaps" icon="check"><p>Whenever something could not be read, passed on or delivered, it is told here: what, why and how much. In this time nothing was.</p></Empty></Card>
            : <><Card title="When and why"><Heat rows={p.items} hours={{ '1h': 1, '6h': 6, '24h': 24, '7d': 168 }[range] ?? 24} /></Card>
                <Card flush><VirtualTable caption="Gaps" rows={sorted(p.items, columns, order)} columns={columns} order={order} onOrder={o => setParam('sort', orderText(o))} minWidth="88rem" /></Card></>)}</Shown>
    </>;
}
