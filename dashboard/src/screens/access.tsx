// Who may do what: tokens, and who changed something.
import { useState } from 'preact/hooks';
import { caller, may, send, type Page } from '../api/client';
import type { Token } from '../api/types';
import { at as clockText } from '../model/format';
import { useGet } from '../model/resource';
import { Ago, attempt, Button, Card, Code, Confirm, Dialog, Empty, Facts, Field, Head, roleWord, Shown, Time } from '../ui/parts';
import { Icon } from '../ui/icon';
import { Table } from '../ui/table';
import { AuditCard } from './events';

const seg = encodeURIComponent;
const roles: [string, string][] = [['V', 'viewer: sees states, lists, metrics'], ['S', 'subscriber: reads topics'], ['P', 'publisher: writes topics'], ['O', 'operator: sources, pipelines, listeners; sees and reads too'], ['A', 'admin: everything']];

function Create({ onClose, made }: { onClose: () => void; made: (t: Token) => void }) {
    const [name, setName] = useState(''), [has, setHas] = useState<string[]>(['S']), [topics, setTopics] = useState('>'), [expires, setExpires] = useState('90d'), [urlOk, setUrlOk] = useState(false);
    const create = async () => {
        const body: Record<string, unknown> = { name, roles: has, topics: topics.split(/[\s,]+/).filter(Boolean) };
        if (expires) body['expires'] = new Date(Date.now() + { '1d': 1, '30d': 30, '90d': 90, '365d': 365 }[expires]! * 86_400_000).toISOString();
        if (urlOk) body['url_ok'] = true;
        let token: Token | null = null;
        if (await attempt(async () => { token = (await send<Token>('POST', '/v1/tokens', body)).body; }, `Token ${name} is made`) && token) made(token);
    };
    const only = has.length === 1 && has[0] === 'S';
    return <Dialog title="New token" onClose={onClose}><form style={{ padding: 0 }} onSubmit={e => { e.preventDefault(); void create(); }}>
        <Field label="Name" hint="for whom or what; shown in the audit"><input class="input" required autofocus value={name} onInput={e => setName(e.currentTarget.value)} /></Field>
        <fieldset class="plain"><legend>Roles</legend>{roles.map(([r, text]) => <label class="check" key={r}><input type="checkbox" checked={has.includes(r)} onChange={e => { const next = e.currentTarget.checked ? [...has, r] : has.filter(x => x !== r); setHas(next); if (!(next.length === 1 && next[0] === 'S')) setUrlOk(false); }} />{text}</label>)}</fieldset>
        <Field label="Topics" hint="patterns, comma between; > is all"><input class="input mono" value={topics} onInput={e => setTopics(e.currentTarget.value)} /></Field>
        <Field label="Ends"><select class="input" value={expires} onChange={e => setExpires(e.currentTarget.value)}><option value="1d">after a day</option><option value="30d">after 30 days</option><option value="90d">after 90 days</option><option value="365d">after a year</option><option value="">never</option></select></Field>
        <label class="check"><input type="checkbox" checked={urlOk} disabled={!only} onChange={e => setUrlOk(e.currentTarget.checked)} />may stand in a URL (subscribers only)</label>
        <div class="actions"><Button onClick={onClose}>Cancel</Button><Button kind="main" type="submit" disabled={!name || !has.length}>Create</Button></div></form></Dialog>;
}

export default function Access() {
    const tokens = useGet<Page<Token>>('/v1/tokens?limit=1000', 10_000);
    const [creating, setCreating] = useState(false);
    const [made, setMade] = useState<Token | null>(null);
    const [ending, setEnding] = useState<Token | null>(null);
    const who = caller.value;
    const rotate = async (t: Token) => { let fresh: Token | null = null; if (await attempt(async () => { fresh = (await send<Token>('POST', `/v1/tokens/${seg(t.id)}:rotate`)).body; }, 'It has a new secret') && fresh) setMade(fresh); };
    return <>
        <Head title="Access">{may('A') && <Button kind="main" icon="plus" onClick={() => setCreating(true)}>New token</Button>}</Head>
        {who && <Card title="You"><div class="stack"><Facts rows={[['Name', who.name], ['Roles', who.roles.map(roleWord).join(', ')], ['Topics', <span class="mono">{who.topics.join(', ') || 'none'}</span>], ['Until', who.expires ? <Time time={who.expires} /> : 'no end']]} />
            {who.name === 'anonymous' && who.roles.includes('A') && <p><span class="tag warn"><Icon name="warn" size={14} />Open.</span> Whoever reaches this node may do anything: authentication is off (<span class="mono">auth.mode = "none"</span>). On a loopback address that is fine.</p>}</div></Card>}
        {made && <div class="banner" role="status" style={{ background: 'var(--accent-weak)', borderColor: 'var(--accent)' }}><div class="stack" style={{ flex: 1, gap: 'var(--s2)' }}><p>The secret of {made.name}, shown this once:</p><Code text={made.token ?? ''} label="Copy the token" /><p><Button kind="small" onClick={() => setMade(null)}>I have kept it</Button></p></div></div>}
        <Card title="Tokens" flush><Shown of={tokens} what="the tokens" role="A">{p => (p.items.length ? <Table caption="Tokens" rows={p.items} rowKey={t => t.id} columns={[
            { id: 'n', title: 'Token', head: true, cell: t => <>{t.name}<br /><span class="copy-id">{t.id}</span></> }, { id: 'r', title: 'Roles', cell: t => t.roles.map(roleWord).join(', ') }, { id: 't', title: 'Topics', cell: t => <span class="mono">{t.topics.join(', ') || '>'}</span> },
            { id: 'net', title: 'From', cell: t => t.networks?.join(', ') || 'anywhere' }, { id: 'c', title: 'Made', num: true, cell: t => (t.created ? <Ago time={t.created} /> : '–') }, { id: 'l', title: 'Last use', num: true, cell: t => (t.last_used === undefined ? <span class="muted" title="this node does not tell">–</span> : <Ago time={t.last_used} />) },
            { id: 'e', title: 'Ends', num: true, cell: t => (t.expires ? <span class={Date.parse(t.expires) < Date.now() ? 'tag bad' : ''}>{clockText(t.expires)}</span> : 'never') },
            { id: 'do', title: <span class="visually-hidden">Actions</span>, cell: t => <span class="row" style={{ flexWrap: 'nowrap' }}><Button kind="small" onClick={() => void rotate(t)}>New secret</Button><Button kind="small danger" onClick={() => setEnding(t)}>Revoke</Button></span> }]} />
            : <Empty title="No tokens yet" icon="access"><p>A token lets a program or a person in, with just the roles and topics it needs. Its secret is shown once.</p><Code text="anode tokens create --name my-service --role S --topics 'crypto.>'" /></Empty>)}</Shown></Card>
        {may('A') && <AuditCard />}
        {creating && <Create onClose={() => setCreating(false)} made={t => { setMade(t); setCreating(false); tokens.refresh(); }} />}
        {ending && <Confirm title={`Revoke ${ending.name}?`} action="Revoke" danger onYes={() => void attempt(() => send('DELETE', `/v1/tokens/${seg(ending.id)}`), `${ending.name} is revoked`).then(tokens.refresh)} onClose={() => setEnding(null)}><p>It is refused everywhere within ten seconds; what is connected with it is cut off. This cannot be taken back.</p></Confirm>}
    </>;
}
