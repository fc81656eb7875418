// Open alerts: every check of a node that is not well, of all nodes.
import { ApiError, get, type Page } from '../api/client';
import type { Alert } from '../api/types';
import { useRead } from './resource';

type ByNode = { items: (Page<Alert> & { node: string })[] };

export const useAlerts = () => useRead<Alert[]>('alerts', 5000, async signal => {
    try {
        const all = await get<ByNode>('/v1/alerts?node=all&limit=200', { signal });
        return all.items.flatMap(n => (n.items ?? []).map(a => ({ ...a, node: a.node ?? n.node })));
    } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 400) throw error;
        return (await get<Page<Alert>>('/v1/alerts?limit=200', { signal })).items;
    }
});
export const isOpen = (a: Alert) => (a.state ?? 'open') === 'open';
