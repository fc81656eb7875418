// "Is it well?" in one sentence, with the reasons.
import type { Tone } from '../ui/state';
import { troubled } from '../ui/state';
import type { Alert, SourceRow } from '../api/types';
import type { NodeNow } from './cluster';
import { isOpen } from './alerts';
import { plural, words } from './format';

export interface Reason { tone: Tone; text: string; to: string }
export interface Verdict { tone: Tone; head: string; reasons: Reason[] }

export function judge(nodes: NodeNow[], rows: SourceRow[] | null, alerts: Alert[], link: string): Verdict {
    const reasons: Reason[] = [];
    const add = (tone: Tone, text: string, to: string) => reasons.push({ tone, text, to });
    const names = (list: NodeNow[]) => words(list.map(n => n.doc.name));
    const dead = nodes.filter(n => n.state === 'dead'), suspect = nodes.filter(n => n.state === 'suspect'), draining = nodes.filter(n => n.state === 'draining');
    const silent = nodes.filter(n => n.state === 'alive' && n.beat !== null && n.age > 6_000);
    if (dead.length) add('bad', `${names(dead)} ${dead.length > 1 ? 'are' : 'is'} dead`, 'cluster');
    if (suspect.length) add('warn', `${names(suspect)} ${suspect.length > 1 ? 'are' : 'is'} suspected`, 'cluster');
    if (silent.length && link === 'open') add('warn', `nothing is heard of ${names(silent)}`, 'cluster');
    if (draining.length) add('warn', `${names(draining)} ${draining.length > 1 ? 'are' : 'is'} draining`, 'cluster');
    for (const n of nodes) {
        const s = n.beat?.stats;
        if (s && s.shed_level > 0) add(s.shed_level > 1 ? 'bad' : 'warn', `${n.doc.name} sheds load (level ${s.shed_level})`, 'nodes/' + encodeURIComponent(n.doc.id));
        if (s?.disk_total && s.disk_free !== undefined && s.disk_free / s.disk_total < 0.08) add(s.disk_free / s.disk_total < 0.05 ? 'bad' : 'warn', `the disk of ${n.doc.name} is nearly full`, 'storage');
    }
    const failing = rows?.filter(r => r.enabled && troubled.has(r.state)) ?? [];
    const failed = failing.filter(r => r.state === 'failed');
    if (failed.length) add('bad', `${plural(failed.length, 'source')} failed`, 'sources?state=failed');
    if (failing.length > failed.length) add('warn', `${failing.length - failed.length} of ${plural(rows!.length, 'source')} ${failing.length - failed.length === 1 ? 'does' : 'do'} not deliver`, 'sources?state=trouble');
    const open = alerts.filter(isOpen);
    if (open.length) add(open.some(a => a.severity === 'critical' || a.severity === 'error') ? 'bad' : 'warn', plural(open.length, 'open alert'), 'events?show=alerts');
    const tone: Tone = reasons.some(r => r.tone === 'bad') ? 'bad' : reasons.length ? 'warn' : 'ok';
    if (!nodes.length) return { tone: 'idle', head: 'Asking the node how it is.', reasons };
    const live = rows?.filter(r => r.state === 'live').length;
    const head = tone === 'ok'
        ? `All is well: ${plural(nodes.length, 'node')}${rows ? rows.length ? `, ${live} of ${plural(rows.length, 'source')} live` : ', no sources yet' : ''}.`
        : tone === 'bad' ? 'Not well:' : 'Well, but';
    return { tone, head, reasons };
}
