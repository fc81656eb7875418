// A line of the last minutes, the size of a word. Dozens of them are drawn each second, so nothing is asked of the layout.
import { useEffect, useRef } from 'preact/hooks';
import { theme } from '../model/theme';

const width = 80, height = 18;
let known = { theme: '', dark: false, color: '' };
function colour(): string {
    const dark = matchMedia('(prefers-color-scheme: dark)').matches;
    if (known.theme !== theme.value || known.dark !== dark || !known.color) {
        const probe = document.createElement('i');
        probe.style.color = 'var(--c1)';
        document.body.append(probe);
        known = { theme: theme.value, dark, color: getComputedStyle(probe).color };
        probe.remove();
    }
    return known.color;
}

export function Spark({ values, label }: { values: number[]; label: string }) {
    const ref = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        const canvas = ref.current;
        const pen = canvas?.getContext('2d');
        if (!canvas || !pen) return;
        const scale = devicePixelRatio || 1;
        if (canvas.width !== Math.round(width * scale)) { canvas.width = Math.round(width * scale); canvas.height = Math.round(height * scale); }
        pen.setTransform(scale, 0, 0, scale, 0, 0);
        pen.clearRect(0, 0, width, height);
        if (values.length < 2) return;
        const top = Math.max(...values) || 1;
        pen.strokeStyle = colour();
        pen.lineWidth = 1.25;
        pen.beginPath();
        values.forEach((v, i) => {
            const x = i / (values.length - 1) * (width - 2) + 1, y = height - 1.5 - v / top * (height - 3);
            i ? pen.lineTo(x, y) : pen.moveTo(x, y);
        });
        pen.stroke();
    }, [values]);
    return <canvas class="spark" ref={ref} role="img" aria-label={label} />;
}
