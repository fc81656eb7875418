// Events in words.
import type { ComponentChildren } from 'preact';
import type { Event } from '../api/types';
import { nameOf } from '../model/cluster';
import { href } from '../router';
import type { IconName } from './icon';
import { iconOf, toneOf, type Tone } from './state';

const seg = encodeURIComponent;
const text = (v: unknown) => (typeof v === 'string' ? v : typeof v === 'number' ? String(v) : '');
const sourceLink = (name: string) => <a href={href('sources/' + seg(name))}>{name}</a>;
const nodeLink = (id: string, name?: string) => <a href={href('nodes/' + seg(id))}>{name || nameOf(id)}</a>;

export interface Told { node: ComponentChildren; text: string; tone: Tone; icon: IconName }
export function describe(e: Event): Told {
    const on = text(e.node) && <span class="muted"> on {nameOf(e.node)}</span>;
    if (e.kind === 'source' && text(e.to)) {
        const why = text(e.why);
        return { node: <>{sourceLink(text(e.source))} is {text(e.to)}{why && why !== 'data' && <span class="muted"> – {why}</span>}{on}</>, text: `${text(e.source)} is ${text(e.to)}`, tone: toneOf(text(e.to)), icon: iconOf(text(e.to)) };
    }
    if (e.kind === 'source') {
        const owner = text(e['owner']);
        return { node: <>{sourceLink(text(e.source))} runs on {owner ? nodeLink(owner) : 'no node'}{text(e['owner_before']) && <span class="muted"> – before: {nameOf(text(e['owner_before']))}</span>}{text(e['moved']) && <span class="muted"> ({text(e['moved'])})</span>}</>, text: `${text(e.source)} moved`, tone: 'busy', icon: 'out' };
    }
    if (e.kind === 'member') {
        const state = text(e['state']) || text(e['change']), id = text(e['id']);
        return { node: <>{id ? nodeLink(id, text(e['name'])) : text(e['name'])} {text(e['change']) === 'joined' ? 'joined' : `is ${text(e['change']) || state}`}<span class="muted"> – seen by {nameOf(e.node)}</span></>, text: `${text(e['name'])} ${text(e['change'])}`, tone: toneOf(state), icon: iconOf(state) };
    }
    if (e.kind === 'node') {
        const state = text(e['state']);
        return { node: <>{nodeLink(text(e.node))} {state === 'started' ? 'started' : `is ${state}`}</>, text: `${nameOf(e.node)} ${state}`, tone: toneOf(state === 'started' ? 'alive' : state), icon: state === 'started' ? 'live' : iconOf(state) };
    }
    if (e.kind === 'config') return { node: <>{text(e.source) ? sourceLink(text(e.source)) : text(e['object']) || 'configuration'} was {text(e['action']) || 'changed'}{on}</>, text: 'configuration', tone: 'busy', icon: 'check' };
    const rest = Object.entries(e).filter(([k]) => !['at', 'node', 'kind'].includes(k)).map(([k, v]) => `${k} ${typeof v === 'object' ? JSON.stringify(v) : String(v)}`).join(', ');
    return { node: <>{e.kind}: {rest}{on}</>, text: e.kind, tone: 'idle', icon: 'ring' };
}
