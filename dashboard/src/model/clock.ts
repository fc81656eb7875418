// One clock for the page: it ticks once a second, and once in ten while nobody looks.
import { signal } from '@preact/signals';

export const now = signal(Date.now());
export const visible = signal(!document.hidden);

let timer = 0;
function tick() {
    now.value = Date.now();
    timer = window.setTimeout(tick, visible.value ? 1000 - Date.now() % 1000 : 10_000);
}
document.addEventListener('visibilitychange', () => {
    visible.value = !document.hidden;
    clearTimeout(timer);
    tick();
});
tick();
