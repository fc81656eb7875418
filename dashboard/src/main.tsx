// Where the page begins.
import 'uplot/dist/uPlot.min.css';
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
const data = () => import('./screens/data');
const run = () => import('./screens/run');
const screens: Record<string, () => Promise<Screen>> = {
    overview: () => import('./screens/overview').then(m => m.default),
    cluster: () => run().then(m => m.cluster),
    nodes: () => run().then(m => m.nodes),
    sources: () => data().then(m => m.sources),
    'add-source': () => data().then(m => m.wizard),
    topics: () => data().then(m => m.topics),
    tail: () => data().then(m => m.tail),
    listeners: () => run().then(m => m.listeners),
    pipelines: () => data().then(m => m.pipelines),
    storage: () => run().then(m => m.storage),
    mesh: () => run().then(m => m.mesh),
    gaps: () => run().then(m => m.gaps),
    events: () => run().then(m => m.events),
    access: () => run().then(m => m.access),
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
        load().then(view => { loaded.set(name, view); redraw(n => n + 1); }).catch(() => setError(name));
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
