// Shows a freshly built dashboard in front of any running node, so that a change is seen without building the program.
//   node test/serve.mjs [--port 8080] [--node http://127.0.0.1:7945] [--dist FOLDER]
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const option = (name, otherwise) => {
    const at = process.argv.indexOf(name);
    return at < 0 ? otherwise : process.argv[at + 1];
};
const dist = option('--dist', join(dirname(fileURLToPath(import.meta.url)), '../dist'));
const node = new URL(option('--node', 'http://127.0.0.1:7945'));
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const types = { '.js': 'text/javascript', '.css': 'text/css', '.html': 'text/html; charset=utf-8' };

const headers = incoming => ({ ...incoming, host: node.host, ...(incoming.origin ? { origin: node.origin } : {}) });

const server = createServer((req, res) => {
    const path = new URL(req.url, 'http://x').pathname;
    if (path === '/' || path === '/ui' || path.startsWith('/ui/')) {
        const asset = join(dist, path);
        const file = path.startsWith('/ui/a/') && existsSync(asset) ? asset : join(dist, 'index.html');
        res.writeHead(200, { 'Content-Type': types[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': policy, 'Cache-Control': 'no-cache' });
        return res.end(readFileSync(file));
    }
    const out = request({ host: node.hostname, port: node.port, method: req.method, path: req.url, headers: headers(req.headers) }, answer => {
        res.writeHead(answer.statusCode, answer.headers);
        answer.pipe(res);
    });
    out.on('error', () => { res.writeHead(502); res.end(); });
    req.pipe(out);
});
server.on('upgrade', (req, socket, head) => {
    const out = connect(Number(node.port), node.hostname, () => {
        const lines = Object.entries(headers(req.headers)).map(([k, v]) => `${k}: ${v}`);
        out.write(`GET ${req.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
        if (head.length) out.write(head);
        socket.pipe(out).pipe(socket);
    });
    out.on('error', () => socket.destroy());
    socket.on('error', () => out.destroy());
});
server.listen(Number(option('--port', '8080')), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
