// One timeline of what changed, and the alerts that are open.
import { useState } from 'preact/hooks';
import { get, may, send, type Page } from '../api/client';
import type { Alert, Audit, Event } from '../api/types';
import { nameOf, nodes } from '../model/cluster';
import { useAlerts } from '../model/alerts';
import { plural } from '../model/format';
import { useGet, useRead } from '../model/resource';
import { href, param, setParam } from '../router';
import { describe } from '../ui/event';
import { Icon } from '../ui/icon';
import { Ago, attempt, Button, Card, Dialog, Empty, Field, Head, Shown, Tabs, Time } from '../ui/parts';
import { State } from '../ui/state';
import { Table, type Column } from '../ui/table';

const seg = encodeURIComponent;
const stateOf = (a: Alert) => a.state ?? 'open';
const at = (a: Alert) => (a.node ? `?node=${seg(a.node)}` : '');
const textOf = (a: Alert) => a.text ?? a.detail ?? a.rule ?? '';

function Silence({ alert, onClose, done }: { alert: Alert; onClose: () => void; done: () => void }) {
    const [time, setTime] = useState('1h'), [why, setWhy] = useState('');
    const silence = async () => { if (await attempt(() => send('POST', `/v1/alerts/${seg(alert.id)}:silence${at(alert)}`, { for: time, ...(why ? { comment: why } : {}) }), `Silent for ${time}`)) { done(); onClose(); } };
    return <Dialog title={`Silence ${alert.name ?? alert.id}`} onClose={onClose}><form style={{ padding: 0 }} onSubmit={e => { e.preventDefault(); void silence(); }}>
        <Field label="For"><select class="input" value={time} onChange={e => setTime(e.currentTarget.value)}>{['10m', '1h', '8h', '24h', '7d'].map(t => <option key={t}>{t}</option>)}</select></Field>
        <Field label="Why" hint="for whoever looks next"><input class="input" value={why} onInput={e => setWhy(e.currentTarget.value)} /></Field>
        <div class="actions"><Button onClick={onClose}>Cancel</Button><Button kind="main" type="submit">Silence</Button></div></form></Dialog>;
}

function Alerts() {
    const alerts = useAlerts();
    const [silencing, setSilencing] = useState<Alert | null>(null);
    const columns: Column<Alert>[] = [
        { id: 'state', title: 'State', cell: a => <State state={stateOf(a)} /> }, { id: 'severity', title: 'Severity', cell: a => (a.severity ? <State state={a.severity} /> : '') },
        { id: 'name', title: 'Alert', head: true, cell: a => <><strong>{a.name ?? a.id}</strong><br /><span class="muted">{textOf(a)}{a.comment && ` – ${a.comment}`}{a.acknowledged_by && ` – ${a.acknowledged_by} looks after it`}{a.silenced_until && <> – silent until <Time time={a.silenced_until} /></>}</span></> },
        { id: 'of', title: 'Of', cell: a => (a.source ? <a href={href('sources/' + seg(a.source))}>{a.source}</a> : a.node ? <a href={href('nodes/' + seg(a.node))}>{nameOf(a.node)}</a> : '') },
        { id: 'since', title: 'Since', num: true, cell: a => <Ago time={a.since ?? a.at} /> },
        { id: 'do', title: <span class="visually-hidden">Actions</span>, cell: a => (may('O') ? <span class="row" style={{ flexWrap: 'nowrap' }}><Button kind="small" disabled={stateOf(a) !== 'open'} onClick={() => void attempt(() => send('POST', `/v1/alerts/${seg(a.id)}:ack${at(a)}`, {}), 'Acknowledged').then(alerts.refresh)}>Acknowledge</Button><Button kind="small" onClick={() => setSilencing(a)}>Silence</Button></span> : null) },
    ];
    return <Card title="Alerts" flush><Shown of={alerts} what="alerts" role="V">{list => (list.length ? <Table caption="Alerts" rows={list} columns={columns} rowKey={a => a.id + a.node} /> : <Empty title="No open alerts" icon="check"><p>Every check of a node that is not well is told here, and on the topics <span class="mono">$sys.alert.&gt;</span>.</p></Empty>)}</Shown>
        {silencing && <Silence alert={silencing} onClose={() => setSilencing(null)} done={alerts.refresh} />}</Card>;
}

function AuditTrail() {
    const audit = useGet<Page<Audit>>('/v1/audit?limit=200', 10_000);
    const rest = (a: Audit) => Object.entries(a).filter(([k]) => !['at', 'node', 'actor', 'action', 'object'].includes(k)).map(([k, v]) => `${k}: ${typeof v === 'object' ? JSON.stringify(v) : String(v)}`).join(', ');
    return <Card title="Audit" note="who changed what" flush><Shown of={audit} what="the audit" role="A">{p => (p.items.length ? <Table caption="Audit" rows={p.items} columns={[{ id: 'at', title: 'When', head: true, cell: a => <Time time={a.at} /> }, { id: 'who', title: 'Who', cell: a => a.actor }, { id: 'what', title: 'Did', cell: a => a.action }, { id: 'to', title: 'To', cell: a => a.object }, { id: 'rest', title: 'Details', cell: a => <span class="muted">{rest(a)}</span> }, { id: 'node', title: 'Through', cell: a => nameOf(a.node) }]} /> : <Empty title="Nobody has changed anything yet" icon="check" />)}</Shown></Card>;
}

export function AuditCard() { return <AuditTrail />; }

function Timeline() {
    const kind = param('kind'), source = param('source'), node = param('node'), q = param('q').toLowerCase();
    const asked = ['limit=1000', kind && 'kind=' + seg(kind), source && 'source=' + seg(source)].filter(Boolean).join('&');
    const events = useRead<Event[]>('events:' + asked, 3000, signal => get<Page<Event>>('/v1/events?' + asked, { signal }).then(p => p.items));
    return <Card title="Timeline" actions={<><label class="row nowrap"><span class="note">Kind</span><select class="input" value={kind} onChange={e => setParam('kind', e.currentTarget.value || null, true)}><option value="">all</option>{['member', 'node', 'source', 'config', 'store', 'pipeline'].map(k => <option key={k}>{k}</option>)}</select></label>
        <div class="search"><Icon name="search" /><input class="input" type="search" aria-label="Find events" placeholder="Find" value={param('q')} onInput={e => setParam('q', e.currentTarget.value || null)} /></div></>} flush>
        <Shown of={events} what="the events" role="V">{items => { const rows = items.filter(e => (!node || e.node === node) && (!q || JSON.stringify(e).toLowerCase().includes(q)));
            return rows.length ? <><ul class="timeline">{rows.slice(0, 300).map((e, i) => { const d = describe(e); return <li key={i}><Time time={e.at} /><span class={'tag ' + d.tone}><Icon name={d.icon} size={14} /></span><span>{d.node}</span></li>; })}</ul>{rows.length > 300 && <p class="body note">{plural(rows.length - 300, 'older event')} not shown: narrow it down.</p>}</> : <Empty title="No event fits" icon="events" />; }}</Shown></Card>;
}

export default function Events() {
    const show = param('show', 'events');
    void nodes.value;
    const tabs = [['events', 'Events'], ['alerts', 'Alerts'], ...(may('A') ? [['audit', 'Audit']] : [])].map(([id, text]) => ({ id: id!, text: text!, href: href('events', { show: id === 'events' ? undefined : id }) }));
    return <><Head title="Events and alerts" /><Tabs label="Parts" items={tabs} now={show} />{show === 'alerts' ? <Alerts /> : show === 'audit' ? <AuditTrail /> : <Timeline />}</>;
}
