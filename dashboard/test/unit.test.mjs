// The parts of the dashboard that need no browser.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { build } from 'esbuild';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const src = join(dirname(fileURLToPath(import.meta.url)), '../src');
const { outputFiles: [bundle] } = await build({
    stdin: { contents: ['model/format', 'model/preview', 'model/metrics', 'ui/diff', 'ui/table', 'ui/editor'].map(m => `export * from './${m}';`).join('\n') + "\nexport { covers, payloadText } from './api/live';", resolveDir: src },
    bundle: true, format: 'esm', write: false, jsx: 'automatic', jsxImportSource: 'preact', platform: 'browser',
});
// The modules look at the page when they are loaded: this much of one is enough.
Object.assign(globalThis, { document: { hidden: false, addEventListener() {}, documentElement: { dataset: {} } }, window: globalThis, location: { pathname: '/', search: '' }, addEventListener() {} });
const realSetTimeout = setTimeout, realSetInterval = setInterval;
globalThis.setTimeout = (...a) => { const t = realSetTimeout(...a); t.unref?.(); return t; };
globalThis.setInterval = (...a) => { const t = realSetInterval(...a); t.unref?.(); return t; };
const m = await import('data:text/javascript;base64,' + Buffer.from(bundle.text).toString('base64'));

describe('figures', () => {
    it('keep three places and name their unit', () => {
        assert.deepEqual([0, 0.004, 0.42, 7.13, 38.2, 391, 1240, 12_400, 1_250_000, 3e9].map(m.compact), ['0', '<0.01', '0.42', '7.1', '38', '391', '1,240', '12.4k', '1.25M', '3.00G']);
        assert.deepEqual([0, 1023, 1024, 1536, 1 << 20, 5e9].map(m.bytes), ['0 B', '1023 B', '1.00 KiB', '1.50 KiB', '1.00 MiB', '4.66 GiB']);
        assert.deepEqual([0, 0.016, 0.5, 2, 2.5, 99, 100, 1500, 12_000, 200_000, -0.17].map(m.millis), ['0 ms', '16 µs', '0.50 ms', '2 ms', '2.50 ms', '99 ms', '100 ms', '1.50 s', '12.0 s', '3 min 20 s', '-0.17 ms']);
        assert.deepEqual([4, 200, 3000, 7500, 100_000, 3_000_000].map(m.span), ['4 s', '3 min 20 s', '50 min', '2 h 5 min', '1 d 3 h', '34 d']);
    });
    it('that are not known are no zeros', () => {
        assert.deepEqual([m.rate(null), m.bytes(undefined), m.millis(null), m.at(null)], ['–', '–', '–', '–']);
    });
});

describe('patterns', () => {
    const covers = (p, t) => m.covers(p.split('.'), t.split('.'));
    it('match as the node matches them', () => {
        for (const [p, t, yes] of [['a.b', 'a.b', true], ['a.*', 'a.b', true], ['a.*', 'a', false], ['a.*', 'a.b.c', false], ['a.>', 'a.b.c', true], ['a.>', 'a', false], ['>', 'a', true], ['>', '$sys.gap', false], ['*.gap', '$sys.gap', false], ['$sys.>', '$sys.gap', true], ['a.**', 'a.b', true]])
            assert.equal(covers(p, t), yes, `${p} ${t}`);
    });
});

describe('a payload', () => {
    const shown = line => m.payloadText({ ...JSON.parse(line), line });
    it('is shown as its source wrote it', () => {
        assert.equal(shown('{"cursor":"c","topic":"a","data":{"id":12345678901234567890,"p":1.0}}'), '{"id":12345678901234567890,"p":1.0}');
        assert.equal(shown('{"cursor":"c","key":"x,\\"data\\":1","data":[1.50]}'), '[1.50]');
        assert.equal(shown('{"cursor":"c","data":{"a":1},"flags":["late"]}'), '{"a":1}');
    });
});

describe('the preview of a mapping', () => {
    const frame = { ch: 'trades', data: [{ s: 'BTC/USDT', t: 7, T: 1767225600123, p: '1.0' }, { s: 'ETH', p: '2' }] };
    it('explodes rows and fills the topic', () => {
        const { messages, rows } = m.preview(frame, { rows: 'data', topic: 'md.{.s}', map: { key: 's', id: 't', time: 'T', unit: 'ms' } });
        assert.equal(rows, 2);
        assert.equal(messages[0].topic, 'md.BTC~2FUSDT');
        assert.deepEqual([messages[0].key, messages[0].id, messages[0].time], ['BTC/USDT', '7', '2026-01-01T00:00:00.123Z']);
        assert.deepEqual(messages[1].missing, ['id: nothing at t', 'time: nothing at T']);
    });
    it('says that expressions are the node\'s business', () => { assert.equal(m.preview(frame, { rows: '.data | first', topic: 'x' }).exact, false); });
    it('mends a frame that was cut off', () => {
        const text = JSON.stringify(frame);
        assert.deepEqual(m.mend(text), frame);
        assert.deepEqual(m.mend(text.slice(0, -20)), { ch: 'trades', data: [frame.data[0]] });
        assert.equal(m.mend('no json'), undefined);
        for (let i = 0; i < text.length; i++) m.mend(text.slice(0, i));
    });
    it('finds the fields of a row', () => { assert.deepEqual(m.leaves({ a: 1, b: { c: 'x' } }).map(l => l.path), ['a', 'b.c']); });
});

describe('metrics', () => {
    const text = '# HELP x y\nx_bucket{le="0.001",a="1"} 5\nx_bucket{le="0.01",a="1"} 99\nx_bucket{le="+Inf",a="1"} 100\ny{l="a\\"b\\nc"} 3\nz 4';
    it('are read with their labels', () => {
        const samples = m.parseMetrics(text);
        assert.equal(samples.find(s => s.name === 'y').labels.l, 'a"b\nc');
        assert.equal(m.valueOf(samples, 'z'), 4);
        assert.deepEqual(m.histogram(samples, 'x'), { count: 100, p50: 10, p99: 10 });
    });
});

describe('the difference of two texts', () => {
    it('keeps what is common', () => {
        const lines = m.diff('a\nb\nc', 'a\nx\nc\nd').map(l => l.kind + l.text);
        assert.deepEqual(lines.filter(l => l[0] === ' '), [' a', ' c']);
        assert.deepEqual([lines.includes('-b'), lines.includes('+x'), lines.at(-1)], [true, true, '+d']);
    });
    it('of a text with itself is nothing', () => { assert.ok(m.diff('a\nb', 'a\nb').every(l => l.kind === ' ')); });
});

describe('sorting', () => {
    const columns = [{ id: 'n', sort: r => r.n }];
    it('puts what is not known last, whichever way', () => {
        const rows = [{ n: 2 }, { n: null }, { n: 1 }];
        assert.deepEqual(m.sorted(rows, columns, { by: 'n', down: false }).map(r => r.n), [1, 2, null]);
        assert.deepEqual(m.sorted(rows, columns, { by: 'n', down: true }).map(r => r.n), [2, 1, null]);
    });
});

describe('a complaint', () => {
    it('finds its line', () => {
        const text = JSON.stringify({ name: 'x', map: { key: 's' }, steps: [{ filter: '.a' }, { map: '.b' }] }, null, 2);
        const line = p => text.split('\n')[m.lineOf(text, p) - 1]?.trim();
        assert.equal(line('/name'), '"name": "x",');
        assert.equal(line('/map/key'), '"key": "s"');
        assert.equal(line('/steps/1/map'), '"map": ".b"');
    });
});
