// States are the API's words. Each has a shape, the word and a colour.
import { Icon, type IconName } from './icon';

export type Tone = 'ok' | 'warn' | 'bad' | 'busy' | 'idle';
const known: Record<string, [Tone, IconName]> = {
    // sources
    live: ['ok', 'live'], pending: ['idle', 'dots'], connecting: ['busy', 'retry'], subscribing: ['busy', 'retry'], stale: ['warn', 'half'],
    backoff: ['warn', 'retry'], limited: ['warn', 'limit'], failed: ['bad', 'stop'], draining: ['busy', 'out'], disabled: ['idle', 'off'], standby: ['idle', 'ring'],
    // nodes
    alive: ['ok', 'live'], suspect: ['warn', 'half'], dead: ['bad', 'stop'], left: ['idle', 'out'], unknown: ['idle', 'dots'],
    // health, mesh, others
    ok: ['ok', 'live'], warn: ['warn', 'warn'], fail: ['bad', 'stop'], settled: ['ok', 'live'], 'catching-up': ['busy', 'retry'], alone: ['idle', 'ring'],
    up: ['ok', 'live'], down: ['bad', 'stop'], joined: ['ok', 'live'], joining: ['busy', 'retry'], running: ['ok', 'live'], error: ['bad', 'stop'],
    confirmed: ['ok', 'live'], active: ['ok', 'live'], rejected: ['bad', 'stop'], firing: ['bad', 'stop'], open: ['bad', 'stop'], acknowledged: ['warn', 'check'], acked: ['warn', 'check'], warning: ['warn', 'warn'], critical: ['bad', 'stop'], silenced: ['idle', 'off'], resolved: ['ok', 'check'],
};
export const toneOf = (state: string): Tone => known[state]?.[0] ?? 'idle';
export const iconOf = (state: string): IconName => known[state]?.[1] ?? 'ring';
/// What keeps a source from delivering.
export const troubled = new Set(['stale', 'backoff', 'limited', 'failed']);

export function State({ state, word }: { state: string; word?: string }) {
    return <span class={'tag ' + toneOf(state)}><Icon name={iconOf(state)} size={14} />{word ?? state}</span>;
}
