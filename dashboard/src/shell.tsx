// The frame around all screens: where one can go, whether it is well, what is shown of it.
import { useEffect, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { caller, send, token } from './api/client';
import { connect, draining, link, retryAt, welcome } from './api/live';
import { now } from './model/clock';
import { cluster, membersAt, nodes, self } from './model/cluster';
import { span } from './model/format';
import { judge } from './model/health';
import { ranges } from './model/past';
import { isOpen, useAlerts } from './model/alerts';
import { useSources } from './model/sources';
import { theme, type Theme } from './model/theme';
import { href, param, place, route, setParam } from './router';
import { Icon, type IconName } from './ui/icon';
import { Button, Toasts } from './ui/parts';
import { iconOf } from './ui/state';
import { Palette, paletteOpen } from './ui/palette';
import type { ComponentChildren } from 'preact';

export interface Entry { path: string; name: string; text: string; icon: IconName }
export const menu: { title: string; items: Entry[] }[] = [
    { title: 'See', items: [
        { path: 'overview', name: 'overview', text: 'Overview', icon: 'overview' },
        { path: 'cluster', name: 'cluster', text: 'Cluster', icon: 'cluster' },
        { path: 'events', name: 'events', text: 'Events and alerts', icon: 'bell' },
        { path: 'gaps', name: 'gaps', text: 'Gaps', icon: 'gaps' },
    ] },
    { title: 'Data', items: [
        { path: 'sources', name: 'sources', text: 'Sources', icon: 'sources' },
        { path: 'topics', name: 'topics', text: 'Topics', icon: 'topics' },
        { path: 'tail', name: 'tail', text: 'Live tail', icon: 'tail' },
        { path: 'pipelines', name: 'pipelines', text: 'Pipelines', icon: 'pipelines' },
        { path: 'listeners', name: 'listeners', text: 'Listeners', icon: 'listeners' },
    ] },
    { title: 'Run', items: [
        { path: 'storage', name: 'storage', text: 'Storage', icon: 'storage' },
        { path: 'mesh', name: 'mesh', text: 'Mesh and gossip', icon: 'mesh' },
        { path: 'access', name: 'access', text: 'Access', icon: 'access' },
    ] },
];
const belongs: Record<string, string> = { nodes: 'cluster', 'add-source': 'sources', pipeline: 'pipelines' };

const menuOpen = signal(false);
function Health() {
    const sources = useSources(5000);
    const alerts = useAlerts();
    const verdict = judge(nodes.value, sources.data?.rows ?? null, alerts.data ?? [], link.value);
    // Read out at most once in five seconds, and only when it changed.
    const [said, say] = useState('');
    const sentence = [verdict.head, verdict.reasons.map(r => r.text).join('; ')].filter(Boolean).join(' ');
    useEffect(() => { const t = setTimeout(() => say(sentence), 5000); return () => clearTimeout(t); }, [sentence]);
    const state = verdict.tone === 'bad' ? 'fail' : verdict.tone === 'warn' ? 'warn' : verdict.tone === 'ok' ? 'ok' : 'unknown';
    return <div class="health">
        <span class={'tag ' + verdict.tone}><Icon name={iconOf(state)} size={18} /></span>
        <p>{verdict.head} {verdict.reasons.map((r, i) => <span key={r.to + r.text}>{i > 0 && '; '}<a href={linkTo(r.to)}>{r.text}</a></span>)}{verdict.reasons.length > 0 && '.'}</p>
        <span class="visually-hidden" role="status" aria-live="polite">{said}</span>
    </div>;
}
const linkTo = (to: string) => { const [path, q] = to.split('?'); return href(path!, q ? Object.fromEntries(new URLSearchParams(q)) : {}); };

function Banners() {
    const move = draining.value;
    useEffect(() => {
        if (!move?.to) return;
        const t = setTimeout(() => location.replace(move.to!.replace(/\/$/, '') + location.pathname + location.search), Math.max(0, Math.min(5000, move.until - Date.now() - 500)));
        return () => clearTimeout(t);
    }, [move]);
    if (move) return <div class="banner" role="alert"><Icon name="out" /><span>This node is draining.</span>
        {move.to ? <a href={move.to + location.pathname + location.search} target="_top">Going on at {move.to}</a> : <span>No other node can take this page over.</span>}</div>;
    if (link.value === 'waiting') return <div class="banner bad" role="status"><Icon name="warn" />
        <span>No connection to {welcome.value ? 'the node' : 'a node'}. What is shown is {membersAt.value ? span((now.value - membersAt.value) / 1000) + ' old' : 'not complete'}; tried again in {span(Math.max(0, (retryAt.value - now.value) / 1000))}.</span>
        <Button kind="small" onClick={connect}>Try now</Button>
        {nodes.value.filter(n => !n.doc.self && n.doc.url).slice(0, 3).map(n => <a class="button small" key={n.doc.id} target="_top" href={n.doc.url + location.pathname + location.search}>Go to {n.doc.name}</a>)}</div>;
    if (link.value === 'closed' && caller.value) return <div class="banner bad" role="status"><Icon name="warn" /><span>The node has closed the live connection.</span><Button kind="small" onClick={connect}>Connect again</Button></div>;
    return null;
}

const themes: Theme[] = ['auto', 'light', 'dark'];
const withRange = new Set(['overview', 'nodes']);

function Tools() {
    const open = useAlerts().data?.filter(isOpen).length ?? 0;
    const next = themes[(themes.indexOf(theme.value) + 1) % themes.length]!;
    return <div class="tools">
        {withRange.has(route.value.name) && <><label class="visually-hidden" for="range">Time range</label>
            <select id="range" class="input" value={param('range', 'live')} onChange={e => setParam('range', e.currentTarget.value === 'live' ? null : e.currentTarget.value, true)}>
                {ranges.map(r => <option key={r.id} value={r.id}>{r.text}</option>)}</select></>}
        <label class="visually-hidden" for="node">Nodes shown</label>
        <select id="node" class="input" value={param('node')} onChange={e => setParam('node', e.currentTarget.value || null, true)}>
            <option value="">All nodes</option>{nodes.value.map(n => <option key={n.doc.id} value={n.doc.id}>{n.doc.name}</option>)}</select>
        <Button kind="quiet" icon="search" onClick={() => { paletteOpen.value = true; }} title="Search (press /)"><kbd>/</kbd><span class="visually-hidden">Search</span></Button>
        <a class="button quiet" href={href('events', { show: 'alerts' })} aria-label={`${open} open alerts`}><Icon name="bell" />{open}</a>
        <Button kind="quiet icon" icon={theme.value === 'dark' ? 'moon' : theme.value === 'light' ? 'sun' : 'auto'} label={`Theme: ${theme.value}; change to ${next}`} title={`Theme: ${theme.value}`} onClick={() => { theme.value = next; }} />
        <User />
    </div>;
}

function User() {
    const who = caller.value;
    if (!who) return null;
    const out = async () => {
        token.set(null);
        try { await send('DELETE', '/v1/session'); } catch { /* the node has no sessions; the token is gone all the same */ }
        location.reload();
    };
    const signed = who.name !== 'anonymous';
    return <>
        <a class="button quiet" href={href('access')} title={`Roles: ${who.roles.join(' ')}`} aria-label={`Signed in as ${who.name}`}><Icon name="user" /><span class="cut who" style={{ maxWidth: '8rem' }}>{who.name}</span></a>
        {signed && <Button kind="quiet icon" icon="out" label="Sign out" onClick={out} />}
    </>;
}

function Side() {
    const current = belongs[route.value.name] ?? route.value.name;
    void place.value;
    const close = () => { menuOpen.value = false; };
    useEffect(close, [place.value.path]);
    const version = self.value?.version;
    return <>
        {menuOpen.value && <button class="scrim" aria-label="Close the menu" onClick={close} />}
        <aside class={'side' + (menuOpen.value ? ' open' : '')}>
            <a class="brand" href={href('overview')}><Icon name="logo" size={20} />aNode <small>{cluster.value?.name}</small></a>
            <nav class="nav" aria-label="Main">{menu.map(group => <div key={group.title}><h2>{group.title}</h2>
                {group.items.map(i => <a key={i.path} href={href(i.path)} aria-current={i.name === current ? 'page' : undefined}><Icon name={i.icon} />{i.text}</a>)}</div>)}</nav>
            <footer>{self.value ? <>Served by {self.value.name}{version && <><br />version {version}</>}</> : ''}</footer>
        </aside>
    </>;
}

export function Shell({ children }: { children: ComponentChildren }) {
    return <div class="shell">
        <a class="visually-hidden" href="#main" onClick={e => { e.preventDefault(); document.getElementById('main')?.focus(); }}>Skip to the content</a>
        <Side />
        <header class="top">
            <button class="button quiet icon menu-button" aria-label="Menu" aria-expanded={menuOpen.value} onClick={() => { menuOpen.value = !menuOpen.value; }}><Icon name="menu" /></button>
            <Health />
            <Tools />
        </header>
        <main id="main" tabIndex={-1}><Banners />{children}</main>
        <Palette />
        <Toasts />
    </div>;
}

