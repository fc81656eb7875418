// Where the page begins.
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/parts.css';
import './styles/screens.css';
import { render, type ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { signal } from '@preact/signals';
import { ApiError, caller, identify, signInNeeded } from './api/client';
import { connect } from './api/live';
import { watchCluster } from './model/cluster';
import { href, route } from './router';
import { Shell } from './shell';
import { Empty, Loading } from './ui/parts';

type Screen = ComponentType<{ args: string[] }>;
const screens: Record<string, () => Promise<{ default: Screen }>> = {
    overview: () => import('./screens/overview'),
    cluster: () => import('./screens/cluster'),
    nodes: () => import('./screens/node'),
    sources: () => import('./screens/sources'),
    'add-source': () => import('./screens/wizard'),
    topics: () => import('./screens/topics'),
    tail: () => import('./screens/tail'),
    listeners: () => import('./screens/listeners'),
    pipelines: () => import('./screens/pipelines'),
    storage: () => import('./screens/storage'),
    mesh: () => import('./screens/mesh'),
    gaps: () => import('./screens/gaps'),
    events: () => import('./screens/events'),
    access: () => import('./screens/access'),
};
const loaded = new Map<string, Screen>();

function Current() {
    const { name, args } = route.value;
    const [, redraw] = useState(0);
    const [error, setError] = useState('');
    const load = screens[name];
    const View = loaded.get(name);
    useEffect(() => {
        setError('');
        document.title = (args[0] ?? name.replace('-', ' ')) + ' · aNode';
        if (View || !load) return;
        load().then(m => { loaded.set(name, m.default); redraw(n => n + 1); }).catch(() => setError(name));
    }, [name, args[0]]);
    if (!load) return <Empty title="There is no such page" icon="warn"><p><a href={href('overview')}>Go to the overview</a></p></Empty>;
    if (error) return <Empty title="This part of the page could not be loaded" icon="warn"><p>The node may have been updated. <a href={location.href} target="_top">Load the page anew</a>.</p></Empty>;
    return View ? <View key={name} args={args} /> : <Loading what={name} />;
}

const started = signal<'asking' | 'in' | 'unreachable'>('asking');
async function begin() {
    try {
        if (!await identify()) { signInNeeded.value = true; return; }
        started.value = 'in';
        connect();
        watchCluster();
    } catch (error) {
        started.value = error instanceof ApiError && error.unreachable ? 'unreachable' : 'in';
        if (started.value === 'unreachable') setTimeout(() => void begin(), 3000);
    }
}

function SignInGate() {
    const [Form, setForm] = useState<ComponentType<{ done: () => void }> | null>(null);
    useEffect(() => { void import('./screens/signin').then(m => setForm(() => m.SignIn)); }, []);
    return Form ? <Form done={() => { signInNeeded.value = false; void begin(); }} /> : null;
}

function App() {
    if (signInNeeded.value) return <SignInGate />;
    if (started.value === 'unreachable') return <main class="alone"><Empty title="The node cannot be reached" icon="stop"><p>It is tried again every three seconds; the page goes on by itself.</p></Empty></main>;
    if (started.value === 'asking' || !caller.value) return <main class="alone"><Loading what="the dashboard" /></main>;
    return <Shell><Current /></Shell>;
}

render(<App />, document.getElementById('app')!);
void begin();
