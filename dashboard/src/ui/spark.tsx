// A line of the last minutes, the size of a word.
import { useEffect, useRef } from 'preact/hooks';

export function Spark({ values, label }: { values: number[]; label: string }) {
    const ref = useRef<HTMLCanvasElement>(null);
    useEffect(() => {
        const canvas = ref.current;
        const pen = canvas?.getContext('2d');
        if (!canvas || !pen) return;
        const scale = devicePixelRatio || 1, w = canvas.clientWidth, h = canvas.clientHeight;
        if (canvas.width !== w * scale) { canvas.width = w * scale; canvas.height = h * scale; }
        pen.setTransform(scale, 0, 0, scale, 0, 0);
        pen.clearRect(0, 0, w, h);
        if (values.length < 2) return;
        const top = Math.max(...values) || 1;
        pen.strokeStyle = getComputedStyle(canvas).color;
        pen.lineWidth = 1.25;
        pen.beginPath();
        values.forEach((v, i) => {
            const x = i / (values.length - 1) * (w - 2) + 1, y = h - 1.5 - v / top * (h - 3);
            i ? pen.lineTo(x, y) : pen.moveTo(x, y);
        });
        pen.stroke();
    }, [values]);
    return <canvas class="spark" ref={ref} role="img" aria-label={label} style={{ color: 'var(--c1)' }} />;
}
