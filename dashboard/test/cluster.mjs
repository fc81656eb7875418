// A cluster of real nodes with live feeds, for as long as a test needs one.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const sleep = ms => new Promise(done => setTimeout(done, ms));

export async function until(what, ms, check) {
    const end = Date.now() + ms;
    for (let last; ;) {
        try { const value = await check(); if (value) return value; } catch (error) { last = error; }
        if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms${last ? ': ' + last.message : ''}`);
        await sleep(200);
    }
}

const free = port => new Promise(done => {
    const server = createServer().once('error', () => done(false)).once('listening', () => server.close(() => done(true)));
    server.listen(port, '127.0.0.1');
});
/// A port from which on thirty are free: the nodes of deploy/cluster count up from it.
async function firstPort() {
    for (let at = 21000 + process.pid % 500 * 40; ; at = at + 40 > 60000 ? 21000 : at + 40) {
        const tried = await Promise.all(Array.from({ length: 30 }, (_, i) => free(at + i)));
        if (tried.every(Boolean)) return at;
    }
}

const commandOf = pid => { try { return readFileSync(`/proc/${pid}/cmdline`, 'utf8'); } catch { return ''; } };
const api = urls => async (path, method = 'GET', body, at = 0) => {
    const response = await fetch(urls[at] + path, { method, headers: body === undefined ? {} : { 'Content-Type': 'application/json' }, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
    return text ? JSON.parse(text) : null;
};
const simulatorOf = folder => /http:\/\/127\.0\.0\.1:\d+/.exec(readFileSync(join(folder, 'n1/data/demo/conf.d/zz-demo.toml'), 'utf8'))[0];

/// Starts `count` nodes with the demo's feeds. Ends them, and removes what they wrote, with end().
/// ANODE_CLUSTER=FOLDER,PORT takes one that `./dev cluster` has started; that one is left as it is, but for what tests create.
export async function startCluster(bin, count = 3) {
    if (process.env.ANODE_CLUSTER) {
        const [folder, port] = process.env.ANODE_CLUSTER.split(',');
        const urls = Array.from({ length: count }, (_, i) => `http://127.0.0.1:${Number(port) + 10 * i}`);
        return { urls, simulator: simulatorOf(folder), lastPid: 0, api: api(urls), end: async () => {} };
    }
    const folder = mkdtempSync(join(tmpdir(), 'anode-dashboard-'));
    const port = await firstPort();
    const run = spawn(join(root, 'deploy/cluster'), [bin, folder, String(count)], { env: { ...process.env, ANODE_PORT: String(port) }, detached: true });
    let said = '';
    run.stdout.on('data', b => { said += b; });
    run.stderr.on('data', b => { said += b; });
    const ended = new Promise(done => run.once('exit', done));
    const urls = Array.from({ length: count }, (_, i) => `http://127.0.0.1:${port + 10 * i}`);
    try {
        await until('the cluster', 90_000, () => { if (run.exitCode !== null) throw new Error(said); return said.includes('Ctrl-C'); });
    } catch (error) { run.kill('SIGTERM'); throw error; }
    return {
        urls,
        simulator: simulatorOf(folder),
        lastPid: Number(/kill -9 (\d+)/.exec(said)[1]),
        /// The process of the node `i`, from 1.
        pid: i => Number(readdirSync('/proc').find(p => /^\d+$/.test(p) && commandOf(p).includes(`${folder}/n${i}/anode.toml`))),
        api: api(urls),
        async end() {
            run.kill('SIGTERM');
            await Promise.race([ended, sleep(20_000)]);
            rmSync(folder, { recursive: true, force: true });
        },
    };
}

/// One node, alone, that lets in only who has a token. `token` is the first administrator's.
export async function startGuarded(bin) {
    const folder = mkdtempSync(join(tmpdir(), 'anode-dashboard-'));
    const port = await firstPort();
    writeFileSync(join(folder, 'anode.toml'), `[node]\nname = "guarded"\ndata_dir = "${folder}/data"\n[http]\nlisten = ["127.0.0.1:${port}"]\n[auth]\nmode = "tokens"\n[gossip]\nlisten = "127.0.0.1:${port + 1}"\ninsecure = true\n[mesh]\nlisten = "127.0.0.1:${port + 2}"\n`);
    const run = spawn(bin, ['run', '-c', join(folder, 'anode.toml')], { stdio: 'ignore' });
    const ended = new Promise(done => run.once('exit', done));
    const url = `http://127.0.0.1:${port}`;
    await until('the guarded node', 30_000, async () => (await fetch(url + '/readyz')).ok);
    return {
        url,
        token: readFileSync(join(folder, 'data/bootstrap-token'), 'utf8').trim(),
        async end() {
            run.kill('SIGTERM');
            await Promise.race([ended, sleep(20_000)]);
            rmSync(folder, { recursive: true, force: true });
        },
    };
}

/// The dashboard as the node serves it; in front of it if it was built without, or if ANODE_PAGE=fresh asks for what was built last.
export async function startPage(node) {
    const html = await (await fetch(node + '/ui')).text();
    if (process.env.ANODE_PAGE !== 'fresh' && html.includes('<div id="app">')) return { url: node, end: async () => {} };
    const proxy = spawn(process.execPath, [join(root, 'dashboard/test/serve.mjs'), '--port', '0', '--node', node], { stdio: ['ignore', 'pipe', 'inherit'] });
    const url = await new Promise(done => proxy.stdout.once('data', line => done(String(line).trim().replace(/\/$/, ''))));
    return { url, end: async () => { proxy.kill(); } };
}
