// Own line icons on a grid of 16: only those that are used.
const paths = {
    logo: 'M3 12.5 8 4l5 8.5M5 9.5h6',
    overview: 'M2 9.5h3l2-5 3 8 2-3h2',
    cluster: 'M8 3v3M8 6 4 11M8 6l4 5M6 3a2 2 0 1 0 4 0a2 2 0 1 0-4 0M2 12a2 2 0 1 0 4 0a2 2 0 1 0-4 0M10 12a2 2 0 1 0 4 0a2 2 0 1 0-4 0',
    sources: 'M2 4h6M2 8h6M2 12h6M10 8h4M12 6l2 2-2 2',
    topics: 'M3 3v10M3 5h4M3 11h4M9 3.5h4v3H9zM9 9.5h4v3H9z',
    tail: 'M2 4h12M2 8h8M2 12h5M12 10v4M10 12h4',
    listeners: 'M5 9V7a3 3 0 0 1 6 0v2M3 9h2v4H3zM11 9h2v4h-2z',
    pipelines: 'M2 4h4v3H2zM10 9h4v3h-4zM6 5.5h3v5h1',
    storage: 'M3 4c0-1.3 10-1.3 10 0v8c0 1.3-10 1.3-10 0zM3 4c0 1.3 10 1.3 10 0M3 8c0 1.3 10 1.3 10 0',
    mesh: 'M3 3h2v2H3zM11 3h2v2h-2zM3 11h2v2H3zM11 11h2v2h-2zM5 4h6M5 12h6M4 5v6M12 5v6M5 5l6 6',
    gaps: 'M2 8h4M10 8h4M6 5v6M10 5v6',
    events: 'M8 4v4l2.5 2M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0',
    bell: 'M4 11V7a4 4 0 0 1 8 0v4l1 1.5H3zM6.5 14h3',
    access: 'M9 7a3 3 0 1 1 1 2L4 14H2v-2l5-5',
    search: 'M11.5 7a4.5 4.5 0 1 1-9 0a4.5 4.5 0 0 1 9 0M10.5 10.5 14 14',
    plus: 'M8 3v10M3 8h10',
    play: 'M5 3l8 5-8 5z',
    pause: 'M5.5 3v10M10.5 3v10',
    more: 'M3 8h.01M8 8h.01M13 8h.01',
    copy: 'M6 6h7v7H6zM10 6V3H3v7h3',
    check: 'M3 8.5 6.5 12 13 4.5',
    cross: 'M4 4l8 8M12 4l-8 8',
    up: 'M4 10l4-4 4 4', down: 'M4 6l4 4 4-4', right: 'M6 4l4 4-4 4', left: 'M10 4L6 8l4 4',
    sun: 'M8 1.5V3M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1M11 8a3 3 0 1 1-6 0a3 3 0 0 1 6 0',
    moon: 'M13 9.5A5.5 5.5 0 1 1 6.5 3a4.5 4.5 0 0 0 6.5 6.5',
    auto: 'M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0M8 2v12',
    user: 'M8 8.5a3 3 0 1 0 0-6a3 3 0 0 0 0 6M2.5 14c.5-3.5 10.5-3.5 11 0',
    menu: 'M2 4h12M2 8h12M2 12h12',
    external: 'M9 3h4v4M13 3 7 9M11 9v4H3V5h4',
    download: 'M8 2v8M4.5 7 8 10.5 11.5 7M3 13.5h10',
    chart: 'M2 13.5h12M4 11V8M8 11V4M12 11V6', tableview: 'M2 3h12v10H2zM2 6.5h12M7 6.5V13',
    // States: a shape for each, so that none depends on colour.
    live: 'M8 3.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9z',
    half: 'M8 3a5 5 0 1 0 0 10zM8 3a5 5 0 0 1 0 10',
    ring: 'M8 3a5 5 0 1 0 0 10a5 5 0 0 0 0-10',
    dots: 'M3 8h.01M8 8h.01M13 8h.01',
    retry: 'M13 4v3h-3M13 7A5.3 5.3 0 1 0 13 10',
    stop: 'M5.5 2h5L14 5.5v5L10.5 14h-5L2 10.5v-5zM6 6l4 4M10 6l-4 4',
    warn: 'M8 2 14.5 13.5h-13zM8 6.5v3.5M8 12h.01',
    off: 'M4 8h8M8 2.5a5.5 5.5 0 1 0 0 11a5.5 5.5 0 0 0 0-11',
    out: 'M3 8h9M9 5l3 3-3 3',
    limit: 'M3 13V9M6.5 13V6M10 13V9.5M13.5 13V3',
} as const;
export type IconName = keyof typeof paths;
const filled = new Set<IconName>(['live', 'play']);
const strong = new Set<IconName>(['dots', 'more']);

export function Icon({ name, size = 16, label }: { name: IconName; size?: number; label?: string }) {
    return <svg width={size} height={size} viewBox="0 0 16 16" fill={filled.has(name) ? 'currentColor' : 'none'} stroke="currentColor"
        stroke-width={strong.has(name) ? 2.4 : 1.5} stroke-linecap="round" stroke-linejoin="round" role={label ? 'img' : undefined}
        aria-label={label} aria-hidden={label ? undefined : 'true'}>
        <path d={paths[name]} />
    </svg>;
}
