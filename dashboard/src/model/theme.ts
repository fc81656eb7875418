// Light, dark, or as the system has it; kept in this browser.
import { effect, signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';
const key = 'anode.theme';
const stored = (() => { try { return localStorage.getItem(key); } catch { return null; } })();
export const theme = signal<Theme>(stored === 'light' || stored === 'dark' ? stored : 'auto');
effect(() => {
    const root = document.documentElement;
    if (theme.value === 'auto') delete root.dataset['theme'];
    else root.dataset['theme'] = theme.value;
    try { localStorage.setItem(key, theme.value); } catch { /* private windows may have none */ }
});
