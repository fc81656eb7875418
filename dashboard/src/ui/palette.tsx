// Press `/`: go anywhere by typing.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { nodes } from '../model/cluster';
import { useSources } from '../model/sources';
import { useGet } from '../model/resource';
import type { Page } from '../api/client';
import type { Topic } from '../api/types';
import { go, href } from '../router';
import { menu } from '../shell';
import { Icon, type IconName } from './icon';

export const paletteOpen = signal(false);

addEventListener('keydown', event => {
    const el = event.target as HTMLElement;
    const typing = el.closest?.('input, textarea, select, [contenteditable]');
    if ((event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) || (event.key === 'k' && (event.ctrlKey || event.metaKey))) {
        if (document.querySelector('dialog[open]')) return;
        event.preventDefault();
        paletteOpen.value = true;
    }
});

interface Hit { text: string; kind: string; icon: IconName; to: string }
const seg = encodeURIComponent;

/// Letters in order are enough; together and at the start are better.
function score(text: string, typed: string): number {
    if (!typed) return 1;
    const low = text.toLowerCase(), at = low.indexOf(typed);
    if (at >= 0) return 100 - at - low.length / 50;
    let i = 0;
    for (const c of low) if (c === typed[i]) i++;
    return i === typed.length ? 10 - low.length / 50 : -1;
}

export function Palette() {
    return paletteOpen.value ? <Open /> : null;
}

function Open() {
    const box = useRef<HTMLDialogElement>(null);
    const [typed, setTyped] = useState('');
    const [chosen, setChosen] = useState(0);
    const sources = useSources(30_000);
    const topics = useGet<Page<Topic>>('/v1/topics?limit=1000', 60_000);
    useEffect(() => {
        const before = document.activeElement as HTMLElement | null;
        box.current?.showModal();
        return () => before?.focus?.();
    }, []);
    const places: Hit[] = [
        ...menu.flatMap(g => g.items).map(i => ({ text: i.text, kind: 'screen', icon: i.icon, to: href(i.path) })),
        { text: 'Add a source', kind: 'action', icon: 'plus', to: href('add-source') },
        ...nodes.value.map(n => ({ text: n.doc.name, kind: 'node', icon: 'cluster' as const, to: href('nodes/' + seg(n.doc.id)) })),
        ...(sources.data?.rows ?? []).map(s => ({ text: s.name, kind: 'source', icon: 'sources' as const, to: href('sources/' + seg(s.name)) })),
        ...(topics.data?.items ?? []).map(t => ({ text: t.topic, kind: 'topic', icon: 'topics' as const, to: href('topics/' + seg(t.topic)) })),
    ];
    const low = typed.trim().toLowerCase();
    const hits = places.map(h => ({ h, s: score(h.text, low) })).filter(x => x.s > 0).sort((a, b) => b.s - a.s).slice(0, 30).map(x => x.h);
    if (low && /[.*>]/.test(low)) hits.push({ text: typed.trim(), kind: 'tail this pattern', icon: 'tail', to: href('tail', { topics: typed.trim() }) });
    const at = Math.min(chosen, hits.length - 1);
    const take = (hit?: Hit) => { if (!hit) return; box.current?.close(); go(hit.to); };
    const key = (e: KeyboardEvent) => {
        if (e.key === 'ArrowDown') { e.preventDefault(); setChosen(Math.min(at + 1, hits.length - 1)); }
        else if (e.key === 'ArrowUp') { e.preventDefault(); setChosen(Math.max(at - 1, 0)); }
        else if (e.key === 'Enter') { e.preventDefault(); take(hits[at]); }
    };
    return <dialog class="palette" ref={box} aria-label="Search" onClose={() => { paletteOpen.value = false; }} onClick={e => { if (e.target === box.current) box.current?.close(); }}>
        <input class="input" autofocus placeholder="Screens, nodes, sources, topics…" value={typed} onInput={e => { setTyped(e.currentTarget.value); setChosen(0); }} onKeyDown={key}
            role="combobox" aria-label="Search" aria-expanded="true" aria-controls="hits" aria-activedescendant={at >= 0 ? 'hit' + at : undefined} autocomplete="off" spellcheck={false} />
        <ul id="hits" role="listbox" aria-label="Found">{hits.map((h, i) => <li key={h.kind + h.text} id={'hit' + i} role="option" aria-selected={i === at}
            ref={el => { if (i === at) el?.scrollIntoView({ block: 'nearest' }); }} onClick={() => take(h)}><Icon name={h.icon} /><span class="cut">{h.text}</span><small>{h.kind}</small></li>)}
        </ul>
        {hits.length === 0 && <p class="empty">Nothing of that name. A pattern such as a.*.b or a.&gt; opens the live tail.</p>}
    </dialog>;
}
