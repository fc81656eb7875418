// All listeners of the cluster.
import { get, type Page } from '../api/client';
import type { Listener } from '../api/types';
import { useRead } from './resource';

export const useListeners = (every = 3000) => useRead<{ rows: Listener[]; failed: string[] }>('listeners', every, async signal => {
    const page = await get<{ items: (Page<Listener> & { node: string })[]; failed?: { node: string }[] }>('/v1/listeners?node=all&limit=1000', { signal });
    return { rows: page.items.flatMap(i => (i.items ?? []).map(l => ({ ...l, node: l.node ?? i.node }))), failed: (page.failed ?? []).map(f => f.node) };
});

