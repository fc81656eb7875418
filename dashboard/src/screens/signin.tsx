// Signing in, with a token or, where the node has people, with a name and a password.
import { useState } from 'preact/hooks';
import { ApiError, identify, send, token } from '../api/client';
import { Icon } from '../ui/icon';
import { Button, Field } from '../ui/parts';

export function SignIn({ done }: { done: () => void }) {
    const [way, setWay] = useState<'token' | 'password'>('token');
    const [secret, setSecret] = useState('');
    const [name, setName] = useState('');
    const [error, setError] = useState('');
    const [busy, setBusy] = useState(false);

    const enter = async () => {
        setBusy(true);
        setError('');
        try {
            try {
                await send('POST', '/v1/session', way === 'token' ? { token: secret.trim() } : { name, password: secret });
                token.set(null);
            } catch (failed) {
                // A node without sessions takes the token with each request; it is kept for this tab only.
                if (!(failed instanceof ApiError) || !failed.absent || way === 'password') throw failed;
                token.set(secret.trim());
            }
            if (await identify()) return done();
            token.set(null);
            setError('The node does not know this token.');
        } catch (failed) {
            token.set(null);
            const e = failed as ApiError;
            setError(e.absent ? 'This node takes tokens only.' : e.status === 401 ? way === 'token' ? 'The node does not know this token.' : 'Name or password is wrong.' : e.status === 429 ? `Too many tries. Wait ${Math.ceil((e.retryMs ?? 60_000) / 1000)} s.` : e.detail);
        } finally { setBusy(false); }
    };
    return <main class="alone" id="main">
        <h1 class="row"><Icon name="logo" size={24} />Sign in to aNode</h1>
        <form class="stack" onSubmit={e => { e.preventDefault(); void enter(); }}>
            <div class="row" role="group" aria-label="How to sign in">
                <Button kind="small" pressed={way === 'token'} onClick={() => setWay('token')}>Token</Button>
                <Button kind="small" pressed={way === 'password'} onClick={() => setWay('password')}>Name and password</Button></div>
            {way === 'password' && <Field label="Name"><input class="input" name="username" autocomplete="username" value={name} onInput={e => setName(e.currentTarget.value)} /></Field>}
            <Field label={way === 'token' ? 'Token' : 'Password'} error={error} hint={way === 'token' ? 'an_… – the first one lies in the file bootstrap-token of the data directory' : undefined}>
                <input class="input" type="password" autocomplete="current-password" autofocus required value={secret} aria-invalid={!!error} onInput={e => setSecret(e.currentTarget.value)} /></Field>
            <Button kind="main" type="submit" disabled={busy || !secret}>Sign in</Button>
        </form>
    </main>;
}
