// Tables. Long ones keep only the rows that are seen: of one height, pooled by position, so that new data moves no element.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Icon } from './icon';

export interface Column<T> {
    id: string; title: ComponentChildren; cell: (row: T) => ComponentChildren; sort?: (row: T) => number | string | null;
    num?: boolean; width?: string; tip?: (row: T) => string | undefined; head?: boolean;
}
export interface Order { by: string; down: boolean }
/// `-rate` is the column rate, greatest first.
export const readOrder = (text: string): Order => (text.startsWith('-') ? { by: text.slice(1), down: true } : { by: text, down: false });
export const orderText = (o: Order) => (o.down ? '-' : '') + o.by;

export function sorted<T>(rows: T[], columns: Column<T>[], order: Order): T[] {
    const key = columns.find(c => c.id === order.by)?.sort;
    if (!key) return rows;
    const sign = order.down ? -1 : 1;
    return [...rows].sort((a, b) => {
        const x = key(a), y = key(b);
        if (x === y) return 0;
        if (x === null || (typeof x === 'number' && Number.isNaN(x))) return 1;
        if (y === null || (typeof y === 'number' && Number.isNaN(y))) return -1;
        return (x < y ? -1 : 1) * sign;
    });
}

function Heads<T>({ columns, order, onOrder }: { columns: Column<T>[]; order?: Order; onOrder?: (o: Order) => void }) {
    return <thead><tr>{columns.map(c => <th key={c.id} scope="col" class={c.num ? 'num' : ''} style={c.width ? { width: c.width } : undefined}
        aria-sort={order?.by === c.id ? (order.down ? 'descending' : 'ascending') : undefined}>
        {c.sort && onOrder
            ? <button type="button" class="sort" onClick={() => onOrder({ by: c.id, down: order?.by === c.id ? !order.down : !!c.num })}>{c.title}
                {order?.by === c.id && <Icon name={order.down ? 'down' : 'up'} size={12} />}</button>
            : c.title}</th>)}</tr></thead>;
}
const cellOf = <T,>(c: Column<T>, row: T) => c.head
    ? <th key={c.id} scope="row" title={c.tip?.(row)}>{c.cell(row)}</th>
    : <td key={c.id} class={c.num ? 'num' : ''} title={c.tip?.(row)}>{c.cell(row)}</td>;

export function Table<T>({ rows, columns, caption, order, onOrder, rowKey }: { rows: T[]; columns: Column<T>[]; caption: string; order?: Order; onOrder?: (o: Order) => void; rowKey?: (row: T) => string }) {
    return <div class="scroll" tabIndex={0} role="region" aria-label={caption}><table class="table">
        <caption class="visually-hidden">{caption}</caption>
        <Heads columns={columns} order={order} onOrder={onOrder} />
        <tbody>{rows.map((row, i) => <tr key={rowKey?.(row) ?? i}>{columns.map(c => cellOf(c, row))}</tr>)}</tbody>
    </table></div>;
}

const rowHeight = 36, overscan = 6;
export function VirtualTable<T>({ rows, columns, caption, order, onOrder, minWidth = '50rem' }: { rows: T[]; columns: Column<T>[]; caption: string; order?: Order; onOrder?: (o: Order) => void; minWidth?: string }) {
    const box = useRef<HTMLDivElement>(null);
    const [seen, setSeen] = useState({ from: 0, count: 40 });
    useLayoutEffect(() => {
        const el = box.current!;
        const look = () => {
            const from = Math.max(0, Math.floor(el.scrollTop / rowHeight) - overscan);
            const count = Math.ceil(el.clientHeight / rowHeight) + 2 * overscan;
            setSeen(old => (old.from === from && old.count === count ? old : { from, count }));
        };
        look();
        el.addEventListener('scroll', look, { passive: true });
        const size = new ResizeObserver(look);
        size.observe(el);
        return () => { el.removeEventListener('scroll', look); size.disconnect(); };
    }, []);
    const from = Math.min(seen.from, Math.max(0, rows.length - seen.count));
    const shown = rows.slice(from, from + seen.count);
    const below = rows.length - from - shown.length;
    return <div class="virtual" ref={box} tabIndex={0} role="region" aria-label={caption}>
        <table class="table" style={{ minWidth }} aria-rowcount={rows.length + 1}>
            <caption class="visually-hidden">{caption}</caption>
            <Heads columns={columns} order={order} onOrder={onOrder} />
            <tbody>
                {from > 0 && <tr class="pad" aria-hidden="true"><td colSpan={columns.length} style={{ height: from * rowHeight + 'px' }} /></tr>}
                {shown.map((row, i) => <tr key={'p' + i} aria-rowindex={from + i + 2}>{columns.map(c => cellOf(c, row))}</tr>)}
                {below > 0 && <tr class="pad" aria-hidden="true"><td colSpan={columns.length} style={{ height: below * rowHeight + 'px' }} /></tr>}
            </tbody>
        </table>
    </div>;
}
