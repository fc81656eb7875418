// The chart library, loaded with the first chart.
import uPlot from 'uplot';

export interface PlotLine { label: string; color: string; dash?: boolean }
export interface PlotMark { at: number; text: string; tone: string }
export interface PlotSpec { lines: PlotLine[]; format: (v: number) => string; marks: () => PlotMark[]; sync: string; from?: number; to?: number }

const css = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/// Custom properties that hold light-dark() are resolved by letting an element wear them.
function worn(value: string): string {
    const probe = document.createElement('i');
    probe.style.color = value;
    document.body.append(probe);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
}

export function plot(into: HTMLElement, data: uPlot.AlignedData, spec: PlotSpec): uPlot {
    const muted = worn('var(--muted)'), line = worn('var(--line)');
    const tones = Object.fromEntries(['ok', 'warn', 'bad', 'busy', 'line-strong'].map(t => [t, worn(`var(--${t})`)]));
    const font = '11px ' + (css('--sans') || 'sans-serif');
    const axis = { stroke: muted, font, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    return new uPlot({
        width: into.clientWidth, height: into.clientHeight, padding: [8, 4, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: spec.sync }, points: { size: 6 }, y: false, drag: { x: false, y: false } },
        scales: { x: { time: true, range: (_u, min, max) => [spec.from ?? min, spec.to ?? max] }, y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [
            { ...axis, size: 24, space: 70, values: [[3600 * 24, '{DD} {MMM}', null, null, null, null, null, null, 0], [60, '{HH}:{mm}', null, null, null, null, null, null, 0], [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 0]] },
            { ...axis, size: 58, space: 32, values: (_u, ticks) => ticks.map(spec.format) },
        ],
        series: [{}, ...spec.lines.map(l => {
            const color = worn(l.color);
            return { label: l.label, stroke: color, width: 1.5, dash: l.dash ? [5, 4] : undefined, points: { show: false }, spanGaps: false };
        })],
        hooks: {
            draw: [u => {
                const pen = u.ctx;
                for (const mark of spec.marks()) {
                    const x = u.valToPos(mark.at, 'x', true);
                    if (x < u.bbox.left || x > u.bbox.left + u.bbox.width) continue;
                    pen.save();
                    pen.strokeStyle = tones[mark.tone] ?? muted;
                    pen.globalAlpha = .7;
                    pen.setLineDash([3, 3]);
                    pen.beginPath();
                    pen.moveTo(x, u.bbox.top);
                    pen.lineTo(x, u.bbox.top + u.bbox.height);
                    pen.stroke();
                    pen.restore();
                }
            }],
        },
    }, data, into);
}
export type Plot = uPlot;
