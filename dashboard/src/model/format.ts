// Honest units: bytes in powers of two and named so, times with the unit that fits, nothing rounded to a lie.

const grouped = new Intl.NumberFormat('en-US');
export const integer = (n: number) => grouped.format(Math.round(n));

/// 3 significant figures: 0, 0.42, 7.1, 38, 391, 1.24k, 12.4k, 1.2M.
export function compact(n: number): string {
    const a = Math.abs(n);
    if (a >= 999.5e6) return trim(n / 1e9) + 'G';
    if (a >= 999.5e3) return trim(n / 1e6) + 'M';
    if (a >= 9_999.5) return trim(n / 1e3) + 'k';
    if (a >= 99.95 || Number.isInteger(n)) return grouped.format(Math.round(n));
    return a >= 9.995 ? n.toFixed(0) : a >= 0.995 ? n.toFixed(1) : a === 0 ? '0' : a < 0.01 ? '<0.01' : n.toFixed(2);
}
const trim = (n: number) => (Math.abs(n) >= 99.5 ? n.toFixed(0) : Math.abs(n) >= 9.95 ? n.toFixed(1) : n.toFixed(2));

export const rate = (n: number | null | undefined) => (n === null || n === undefined ? '–' : compact(n) + '/s');

const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
export function bytes(n: number | null | undefined): string {
    if (n === null || n === undefined) return '–';
    let i = 0;
    while (Math.abs(n) >= 1023.5 && i < steps.length - 1) { n /= 1024; i++; }
    return (i === 0 || n >= 99.5 ? n.toFixed(0) : n >= 9.95 ? n.toFixed(1) : n.toFixed(2)) + ' ' + steps[i];
}

export function millis(ms: number | null | undefined): string {
    if (ms === null || ms === undefined) return '–';
    const a = Math.abs(ms);
    if (a >= 120_000) return span(ms / 1000);
    if (a >= 9_995) return (ms / 1000).toFixed(1) + ' s';
    if (a >= 999.5) return (ms / 1000).toFixed(2) + ' s';
    if (a >= 99.5 || Number.isInteger(ms)) return ms.toFixed(0) + ' ms';
    if (a >= 0.0995) return ms.toFixed(a >= 9.95 ? 1 : 2) + ' ms';
    return a === 0 ? '0 ms' : (ms * 1000).toFixed(0) + ' µs';
}

/// A length of time in its two largest units: 4 s, 3 min 20 s, 2 h 5 min, 6 d 3 h.
export function span(seconds: number): string {
    const s = Math.max(0, Math.round(seconds));
    if (s < 60) return s + ' s';
    if (s < 3600) return two(Math.floor(s / 60), 'min', s % 60, 's', s < 600);
    if (s < 86_400) return two(Math.floor(s / 3600), 'h', Math.floor(s % 3600 / 60), 'min', true);
    return two(Math.floor(s / 86_400), 'd', Math.floor(s % 86_400 / 3600), 'h', s < 864_000);
}
const two = (a: number, ua: string, b: number, ub: string, both: boolean) => (both && b ? `${a} ${ua} ${b} ${ub}` : `${a} ${ua}`);

export const percent = (part: number, whole: number) => (whole > 0 ? (part / whole * 100).toFixed(part / whole < 0.0995 ? 1 : 0) + ' %' : '–');

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
const day = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short' });
/// Time of day, with the date when it is not today's.
export function at(time: string | number | null | undefined, now = Date.now()): string {
    if (time === null || time === undefined) return '–';
    const d = new Date(time);
    if (Number.isNaN(d.getTime())) return '–';
    return new Date(now).toDateString() === d.toDateString() ? clock.format(d) : day.format(d) + ' ' + clock.format(d);
}
/// A message's time, to the millisecond.
export function atMicros(us: number): string {
    const d = new Date(us / 1000);
    return clock.format(d) + '.' + String(d.getMilliseconds()).padStart(3, '0');
}
export const parse = (time: string | null | undefined) => (time ? Date.parse(time) : NaN);

export const plural = (n: number, one: string, many = one + 's') => `${integer(n)} ${n === 1 ? one : many}`;

/// A list in words: "a", "a and b", "a, b and 3 more".
export function words(items: string[], most = 3): string {
    if (items.length <= 1) return items[0] ?? '';
    const shown = items.length > most ? [...items.slice(0, most - 1), `${items.length - most + 1} more`] : items;
    return shown.slice(0, -1).join(', ') + ' and ' + shown[shown.length - 1];
}
