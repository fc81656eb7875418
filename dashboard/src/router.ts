// Where we are. All that a view shows is in its address: a link that is passed on shows the same.
import { computed, signal } from '@preact/signals';

interface Place { path: string; query: URLSearchParams }
function here(): Place {
    let path = decodeURI(location.pathname);
    if (path === '/' || path === '/ui' || path === '/ui/') path = '/ui/overview';
    return { path: path.replace(/\/$/, ''), query: new URLSearchParams(location.search) };
}

export const place = signal<Place>(here());
export const query = computed(() => place.value.query);
addEventListener('popstate', () => { place.value = here(); });

/// What every view keeps: the range of charts and the node that is looked at.
const kept = ['range', 'node'];

export function href(path: string, params: Record<string, string | undefined> = {}): string {
    const q = new URLSearchParams();
    for (const name of kept) {
        const value = query.value.get(name);
        if (value) q.set(name, value);
    }
    for (const [name, value] of Object.entries(params)) value ? q.set(name, value) : q.delete(name);
    const text = q.toString();
    return '/ui/' + path + (text && '?' + text);
}

export function go(to: string, replace = false) {
    if (to === location.pathname + location.search) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', to);
    const before = place.value.path;
    place.value = here();
    if (before !== place.value.path) {
        scrollTo(0, 0);
        document.getElementById('main')?.focus({ preventScroll: true });
    }
}

/// Links stay links (middle click, copy), but inside the page they do not load it anew.
addEventListener('click', event => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest?.('a');
    if (!link || link.target || link.origin !== location.origin || link.hasAttribute('download')) return;
    if (!link.pathname.startsWith('/ui/') && link.pathname !== '/') return;
    event.preventDefault();
    go(link.pathname + link.search);
});

/// One value of the address; setting it leaves no step behind in the history unless it is a step.
export const param = (name: string, otherwise = '') => query.value.get(name) ?? otherwise;
export function setParam(name: string, value: string | null, step = false) {
    const q = new URLSearchParams(location.search);
    value ? q.set(name, value) : q.delete(name);
    const text = q.toString();
    go(location.pathname + (text && '?' + text), !step);
}

export interface Route { name: string; args: string[] }
/// `/ui/sources/binance` → sources, [binance]. Parts are decoded; a broken escape is shown as it stands.
export const route = computed<Route>(() => {
    const raw = location.pathname.replace(/^\/(ui\/?)?/, '').split('/').filter(Boolean);
    void place.value;
    const parts = raw.map(p => { try { return decodeURIComponent(p); } catch { return p; } });
    return { name: parts[0] ?? 'overview', args: parts.slice(1) };
});
