// Builds the dashboard into one folder: hashed files with their compressed forms, and `assets.bin`, which the program carries.
//   node build.mjs [--out FOLDER] [--modules NODE_MODULES] [--watch]
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const here = dirname(fileURLToPath(import.meta.url));
const option = (name, otherwise) => {
    const at = process.argv.indexOf(name);
    return at < 0 ? otherwise : process.argv[at + 1];
};
const out = resolve(option('--out', join(here, 'dist')));
const modules = resolve(option('--modules', join(here, 'node_modules')));
const { build } = createRequire(join(modules, 'anything.js'))('esbuild');

// Kilobytes after gzip. The page that a person waits for is the first view; the rest comes when it is asked for.
const budgets = { 'first view, script': 60, 'all scripts': 110, 'styles': 10 };

const types = {
    '.html': 'text/html; charset=utf-8',
    '.js': 'text/javascript; charset=utf-8',
    '.css': 'text/css; charset=utf-8',
    '.svg': 'image/svg+xml',
};

/// What the page is made of: the same digest means the same page. CMake computes it in the same way (cmake/dashboard_embed.cmake).
export function sourceDigest() {
    const files = ['build.mjs', 'package-lock.json'];
    for (const entry of readdirSync(join(here, 'src'), { recursive: true, withFileTypes: true }))
        if (entry.isFile()) files.push(join((entry.parentPath ?? entry.path).slice(here.length + 1), entry.name));
    const sums = files.sort().map(f => createHash('sha256').update(readFileSync(join(here, f))).digest('hex') + ' ' + f + '\n');
    return createHash('sha256').update(sums.join('')).digest('hex');
}

async function bundle() {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
    const result = await build({
        entryPoints: [join(here, 'src/main.tsx')],
        bundle: true,
        splitting: true,
        format: 'esm',
        target: 'es2022',
        minify: true,
        jsx: 'automatic',
        jsxImportSource: 'preact',
        outdir: join(out, 'ui/a'),
        entryNames: '[name]-[hash]',
        chunkNames: '[name]-[hash]',
        assetNames: '[name]-[hash]',
        nodePaths: [modules],
        legalComments: 'none',
        metafile: true,
        logLevel: 'warning',
        absWorkingDir: here,
    });
    return result.metafile;
}

const gz = bytes => gzipSync(bytes, { level: 9 });
const br = bytes => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });

/// The outputs that a browser has to load before it shows `entry`'s view.
function closure(meta, starts) {
    const seen = new Set();
    const visit = name => {
        if (seen.has(name)) return;
        seen.add(name);
        for (const one of meta.outputs[name].imports) if (one.kind === 'import-statement') visit(one.path);
    };
    starts.forEach(visit);
    return [...seen];
}

function outputOf(meta, source) {
    const found = Object.entries(meta.outputs).find(([, o]) => o.entryPoint === source);
    if (!found) throw new Error('no output for ' + source);
    return found[0];
}

function weigh(meta) {
    const size = name => gz(readFileSync(join(here, name))).length;
    const scripts = Object.keys(meta.outputs).filter(n => n.endsWith('.js'));
    const first = closure(meta, ['src/main.tsx', 'src/screens/overview.tsx'].map(s => outputOf(meta, s)));
    const chart = outputOf(meta, 'src/ui/plot.ts');
    const sum = names => names.reduce((all, n) => all + size(n), 0) / 1024;
    return {
        'first view, script': sum([...new Set([...first, ...closure(meta, [chart])])].filter(n => n.endsWith('.js'))),
        'all scripts': sum(scripts),
        'styles': sum(Object.keys(meta.outputs).filter(n => n.endsWith('.css'))),
    };
}

function page(meta) {
    const main = meta.outputs[outputOf(meta, 'src/main.tsx')];
    const url = name => '/' + name.slice(name.indexOf('ui/a/'));
    const script = outputOf(meta, 'src/main.tsx');
    const preload = closure(meta, [script]).filter(n => n !== script);
    const head = [
        `<link rel="stylesheet" href="${url(main.cssBundle)}">`,
        ...preload.map(n => `<link rel="modulepreload" href="${url(n)}">`),
        `<script type="module" src="${url(script)}"></script>`,
    ];
    return readFileSync(join(here, 'src/index.html'), 'utf8').replace('<!--assets-->', head.join('\n'));
}

function pack(files, digest) {
    const parts = [];
    let at = 0;
    const put = bytes => {
        const place = `${at} ${bytes.length}`;
        parts.push(bytes);
        at += bytes.length;
        return place;
    };
    const lines = files.map(({ path, bytes }) => {
        const tag = createHash('sha256').update(bytes).digest('hex').slice(0, 20);
        const type = types[extname(path)];
        if (!type) throw new Error('no media type for ' + path);
        return [path, type, tag, put(bytes), put(br(bytes)), put(gz(bytes))].join('\t');
    });
    const index = `anode-dashboard 1 ${digest}\n${lines.join('\n')}\n\n`;
    writeFileSync(join(out, 'assets.bin'), Buffer.concat([Buffer.from(index), ...parts]));
}

const digest = sourceDigest();
const meta = await bundle();
writeFileSync(join(out, 'index.html'), page(meta));
const names = readdirSync(join(out, 'ui/a')).sort();
pack([{ path: '/index.html', bytes: readFileSync(join(out, 'index.html')) },
    ...names.map(n => ({ path: '/ui/a/' + n, bytes: readFileSync(join(out, 'ui/a', n)) }))], digest);
writeFileSync(join(out, 'digest.txt'), digest + '\n');

let over = false;
for (const [what, kilobytes] of Object.entries(weigh(meta))) {
    const budget = budgets[what];
    over ||= kilobytes > budget;
    console.log(`${what}: ${kilobytes.toFixed(1)} KB gz of ${budget}${kilobytes > budget ? '  OVER' : ''}`);
}
if (over) {
    console.error('dashboard: over its budget');
    process.exit(1);
}
