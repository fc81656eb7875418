// A chart: a picture with a summary in words, and its numbers as a table behind a button.
import { useEffect, useRef, useState } from 'preact/hooks';
import { theme } from '../model/theme';
import { at as clockText } from '../model/format';
import { Button, Card } from './parts';
import type { Plot, PlotLine, PlotMark } from './plot';

export interface ChartData { t: number[]; lines: (PlotLine & { values: (number | null)[] })[] }

function summary(data: ChartData, format: (v: number) => string): string {
    if (!data.t.length) return 'No data yet.';
    return data.lines.map(l => {
        const values = l.values.filter((v): v is number => v !== null);
        if (!values.length) return `${l.label}: no data`;
        return `${l.label}: now ${format(values[values.length - 1]!)}, from ${format(Math.min(...values))} to ${format(Math.max(...values))}`;
    }).join('; ') + '.';
}

export function Chart({ title, note, data, format, marks = [], from, to, empty }: { title: string; note?: string; data: ChartData; format: (v: number) => string; marks?: PlotMark[]; from?: number; to?: number; empty?: string }) {
    const box = useRef<HTMLDivElement>(null);
    const made = useRef<{ plot: Plot; shape: string } | null>(null);
    const live = useRef({ marks, from, to });
    live.current = { marks, from, to };
    const [table, setTable] = useState(false);
    const shape = data.lines.map(l => l.label + l.color).join() + theme.value;
    const some = data.t.length > 1 && data.lines.some(l => l.values.some(v => v !== null));

    useEffect(() => {
        if (table || !some || !box.current) return;
        const rows = [data.t, ...data.lines.map(l => l.values)] as never;
        if (made.current?.shape === shape) { made.current.plot.setData(rows); return; }
        let gone = false;
        void import('./plot').then(({ plot }) => {
            if (gone || !box.current) return;
            made.current?.plot.destroy();
            made.current = { shape, plot: plot(box.current, rows, { lines: data.lines, format, sync: 'all', marks: () => live.current.marks, get from() { return live.current.from; }, get to() { return live.current.to; } }) };
        });
        return () => { gone = true; };
    }, [data, table, shape, some]);
    useEffect(() => {
        if (!box.current) return;
        const size = new ResizeObserver(([entry]) => { const r = entry!.contentRect; if (r.width > 0) made.current?.plot.setSize({ width: r.width, height: r.height }); });
        size.observe(box.current);
        return () => { size.disconnect(); made.current?.plot.destroy(); made.current = null; };
    }, [table, some]);

    return <Card title={title} note={note} actions={<Button kind="quiet icon small" icon={table ? 'chart' : 'tableview'} label={table ? `${title}: show the chart` : `${title}: show the numbers`} pressed={table} onClick={() => setTable(!table)} />}>
        <div class="legend note row" aria-hidden="true">{data.lines.length > 1 && data.lines.map(l => <span key={l.label}><i style={{ background: l.color }} />{l.label}</span>)}</div>
        {table
            ? <div class="scroll" tabIndex={0} role="region" aria-label={title} style={{ maxHeight: '10.5rem', overflow: 'auto' }}><table class="table bars"><thead><tr><th scope="col">Time</th>{data.lines.map(l => <th scope="col" class="num" key={l.label}>{l.label}</th>)}</tr></thead>
                <tbody>{data.t.slice(-60).map((t, i) => { const j = Math.max(0, data.t.length - 60) + i; return <tr key={t}><td>{clockText(t * 1000)}</td>{data.lines.map(l => <td class="num" key={l.label}>{l.values[j] === null || l.values[j] === undefined ? '–' : format(l.values[j]!)}</td>)}</tr>; })}</tbody></table></div>
            : some ? <div class="chart" ref={box} role="img" aria-label={`${title}. ${summary(data, format)}`} />
                : <div class="chart"><p class="note">{empty ?? 'The first seconds are being collected.'}</p></div>}
    </Card>;
}
