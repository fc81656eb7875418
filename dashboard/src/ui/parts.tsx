// Small parts that all screens are made of.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { ApiError } from '../api/client';
import { now } from '../model/clock';
import { at as clockText, parse, span } from '../model/format';
import { Icon, type IconName } from './icon';

type Kids = { children?: ComponentChildren };

export function Head({ title, sub, children, crumb }: Kids & { title: ComponentChildren; sub?: ComponentChildren; crumb?: { to: string; text: string } }) {
    return <div class="head">
        <h1>{crumb && <><a class="crumb" href={crumb.to}>{crumb.text}</a><span class="crumb"> / </span></>}{title}</h1>
        {sub && <span class="sub">{sub}</span>}
        {children && <div class="actions">{children}</div>}
    </div>;
}

export function Card({ title, note, actions, children, flush }: Kids & { title?: ComponentChildren; note?: ComponentChildren; actions?: ComponentChildren; flush?: boolean }) {
    return <section class="card">
        {(title || actions) && <header>{title && <h2>{title}</h2>}{note && <span class="note">{note}</span>}{actions && <div class="actions">{actions}</div>}</header>}
        {flush ? children : <div class="body">{children}</div>}
    </section>;
}

export function Stat({ label, value, unit, note, tone, href }: { label: string; value: ComponentChildren; unit?: string; note?: ComponentChildren; tone?: string; href?: string }) {
    return <div class={'stat ' + (tone ?? '')}>
        <dt>{href ? <a href={href}>{label}</a> : label}</dt>
        <dd>{value}{unit && <small> {unit}</small>}</dd>
        <dd class="note" style={{ fontSize: 'var(--f2)', fontWeight: 400, letterSpacing: 0, color: 'var(--muted)', whiteSpace: 'normal' }}>{note}</dd>
    </div>;
}

/// How long ago something was; the exact time is in the title.
export function Ago({ time }: { time: string | number | null | undefined }) {
    if (time === null || time === undefined) return <span class="muted">never</span>;
    const t = typeof time === 'number' ? time : parse(time);
    if (Number.isNaN(t)) return <span class="muted">–</span>;
    const seconds = (now.value - t) / 1000;
    return <time dateTime={new Date(t).toISOString()} title={new Date(t).toISOString()} class="nowrap">{seconds < 1.5 ? 'now' : span(seconds) + ' ago'}</time>;
}
export function Time({ time }: { time: string | number | null | undefined }) {
    if (time === null || time === undefined) return <span>–</span>;
    return <time class="nowrap" title={new Date(time).toISOString()}>{clockText(time)}</time>;
}

/// Says it when what is shown is older than it should be.
export function Age({ of, limit = 15_000 }: { of: number; limit?: number }) {
    const age = now.value - of;
    return of > 0 && age > limit ? <span class="age"><Icon name="events" size={12} /> as of {span(age / 1000)} ago</span> : null;
}

export function Empty({ title, children, icon }: Kids & { title: string; icon?: IconName }) {
    return <div class="empty">{icon && <Icon name={icon} size={24} />}<h3>{title}</h3>{children}</div>;
}

const roleNames: Record<string, string> = { V: 'viewer', S: 'subscriber', P: 'publisher', O: 'operator', A: 'admin' };
export const roleWord = (r: string) => roleNames[r] ?? r;

/// An error in words that help: who said no, and what would change it.
export function ErrorNote({ error, what, role }: { error: ApiError; what: string; role?: string }) {
    if (error.absent)
        return <Empty title={`This node does not offer ${what}`} icon="off"><p>Its version has no such path in its API. Another node of the cluster, or a newer version, may.</p></Empty>;
    if (error.status === 403)
        return <Empty title={`You may not see ${what}`} icon="access"><p>{role ? `That takes the role ${roleWord(role)}. ` : ''}{error.detail}</p></Empty>;
    if (error.unreachable)
        return <Empty title="The node cannot be reached" icon="stop"><p>{error.detail}. It is tried again by itself.</p></Empty>;
    return <Empty title={`${what[0]!.toUpperCase()}${what.slice(1)} cannot be shown`} icon="warn"><p>{error.detail} <span class="mono">({error.code})</span></p></Empty>;
}

/// Shows data if there is some, else why not; older data stays under an error, with its age.
export function Shown<T>({ of, what, role, children, limit }: { of: { data: T | null; error: ApiError | null; at: number }; what: string; role?: string; limit?: number; children: (data: T) => ComponentChildren }) {
    if (of.data !== null)
        return <>{of.error && <p class="age" role="status" style={{ padding: '0 var(--s4)' }}><Icon name="warn" size={12} /> {of.error.detail}; shown as of {span((now.value - of.at) / 1000)} ago</p>}
            {!of.error && <Age of={of.at} limit={limit ?? 30_000} />}{children(of.data)}</>;
    if (of.error) return <ErrorNote error={of.error} what={what} role={role} />;
    return <Loading what={what} />;
}
export function Loading({ what }: { what: string }) {
    return <div class="empty" aria-busy="true"><span class="visually-hidden">Loading {what}</span><span class="skeleton" style={{ width: '40%' }} /><span class="skeleton" style={{ width: '65%' }} /><span class="skeleton" style={{ width: '50%' }} /></div>;
}

export function Button({ onClick, children, kind = '', icon, disabled, title, pressed, label, type = 'button' }: Kids & { onClick?: (e: MouseEvent) => void; kind?: string; icon?: IconName; disabled?: boolean; title?: string; pressed?: boolean; label?: string; type?: 'button' | 'submit' }) {
    return <button type={type} class={'button ' + kind} onClick={onClick} disabled={disabled} title={title} aria-pressed={pressed} aria-label={label}>
        {icon && <Icon name={icon} />}{children}</button>;
}

export function Copy({ text, label = 'Copy' }: { text: string; label?: string }) {
    const [done, setDone] = useState(false);
    const copy = async () => {
        try { await navigator.clipboard.writeText(text); setDone(true); setTimeout(() => setDone(false), 1500); }
        catch { toast('The browser does not allow copying here', 'bad'); }
    };
    return <Button kind="quiet icon small" icon={done ? 'check' : 'copy'} label={done ? 'Copied' : label} onClick={copy} />;
}
export function Code({ text, label }: { text: string; label?: string }) {
    return <div class="code"><pre>{text}</pre><Copy text={text} label={label ?? 'Copy command'} /></div>;
}

export function Bar({ part, whole, label, warnAt = 0.8, badAt = 0.92 }: { part: number; whole: number; label: string; warnAt?: number; badAt?: number }) {
    const share = whole > 0 ? Math.min(1, part / whole) : 0;
    return <div class={'bar ' + (share >= badAt ? 'bad' : share >= warnAt ? 'warn' : '')} role="img" aria-label={label}><i style={{ width: share * 100 + '%' }} /></div>;
}

export function Facts({ rows }: { rows: ([string, ComponentChildren] | null | false | undefined)[] }) {
    return <dl class="facts">{rows.filter(r => !!r).map(r => <><dt>{r[0]}</dt><dd>{r[1]}</dd></>)}</dl>;
}

export interface Toast { id: number; text: string; tone: 'ok' | 'bad' }
export const toasts = signal<Toast[]>([]);
let toastId = 0;
export function toast(text: string, tone: 'ok' | 'bad' = 'ok') {
    const id = ++toastId;
    toasts.value = [...toasts.value.slice(-3), { id, text, tone }];
    setTimeout(() => { toasts.value = toasts.value.filter(t => t.id !== id); }, tone === 'ok' ? 4000 : 9000);
}
export function Toasts() {
    return <div class="toasts" role="status" aria-live="polite">{toasts.value.map(t => <div key={t.id} class={'toast ' + t.tone}><Icon name={t.tone === 'ok' ? 'check' : 'warn'} />{t.text}</div>)}</div>;
}

/// Does `work`, tells how it went.
export async function attempt(work: () => Promise<unknown>, done: string): Promise<boolean> {
    try { await work(); toast(done); return true; }
    catch (error) {
        const known = error instanceof ApiError ? error : new ApiError(0, 'internal', String(error));
        toast(known.absent ? 'This node does not offer that' : [known.detail, ...known.errors.map(e => `${e.pointer}: ${e.detail}`)].filter(Boolean).join(' · '), 'bad');
        return false;
    }
}

export function Dialog({ title, onClose, children }: Kids & { title: string; onClose: () => void }) {
    const ref = useRef<HTMLDialogElement>(null);
    useEffect(() => {
        const before = document.activeElement as HTMLElement | null;
        ref.current?.showModal();
        return () => before?.focus?.();
    }, []);
    return <dialog ref={ref} aria-label={title} onClose={onClose} onClick={e => { if (e.target === ref.current) ref.current?.close(); }}>
        <div class="inside"><h2>{title}</h2>{children}</div>
    </dialog>;
}

/// Asks before something that cannot be taken back.
export function Confirm({ title, children, action, danger, onYes, onClose }: Kids & { title: string; action: string; danger?: boolean; onYes: () => void; onClose: () => void }) {
    return <Dialog title={title} onClose={onClose}>
        <div class="stack">{children}</div>
        <div class="actions"><Button onClick={onClose}>Cancel</Button><Button kind={'main ' + (danger ? 'danger' : '')} onClick={() => { onYes(); onClose(); }}>{action}</Button></div>
    </Dialog>;
}

/// JSON with its parts in colour, built of text nodes only.
export function Json({ value }: { value: unknown }) {
    return <div class="json">{jsonNodes(value, '')}</div>;
}
function jsonNodes(value: unknown, pad: string): ComponentChildren {
    if (typeof value === 'string') return <span class="s">{JSON.stringify(value)}</span>;
    if (typeof value === 'number') return <span class="n">{String(value)}</span>;
    if (value === null || typeof value === 'boolean' || value === undefined) return <span class="l">{String(value ?? null)}</span>;
    const inner = pad + '  ';
    if (Array.isArray(value)) {
        if (value.length === 0) return '[]';
        if (value.every(v => v === null || typeof v !== 'object') && JSON.stringify(value).length < 72)
            return <>[{value.map((v, i) => <>{i > 0 && ', '}{jsonNodes(v, inner)}</>)}]</>;
        return <>{'[\n'}{value.map((v, i) => <>{inner}{jsonNodes(v, inner)}{i < value.length - 1 ? ',' : ''}{'\n'}</>)}{pad + ']'}</>;
    }
    const entries = Object.entries(value as object);
    if (entries.length === 0) return '{}';
    return <>{'{\n'}{entries.map(([k, v], i) => <>{inner}<span class="k">{JSON.stringify(k)}</span>{': '}{jsonNodes(v, inner)}{i < entries.length - 1 ? ',' : ''}{'\n'}</>)}{pad + '}'}</>;
}

export function Field({ label, hint, error, children }: Kids & { label: string; hint?: string; error?: string }) {
    return <label class="field"><span>{label}</span>{children}{hint && !error && <small class="note">{hint}</small>}{error && <small class="why" role="alert">{error}</small>}</label>;
}

/// Which of several views of one thing is shown; the choice is in the address.
export function Tabs({ label, items, now: current }: { label: string; items: { id: string; text: ComponentChildren; href: string }[]; now: string }) {
    return <nav class="tabs" aria-label={label}>{items.map(i => <a key={i.id} href={i.href} aria-current={i.id === current ? 'page' : undefined}>{i.text}</a>)}</nav>;
}
