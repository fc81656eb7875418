// The dashboard in a browser, on three live nodes. ANODE_BIN names the program.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, open } from './browser.mjs';
import { root, sleep, startCluster, startGuarded, startPage, until } from './cluster.mjs';
import { furnish, pathOf, screens } from './screens.mjs';

const bin = process.env.ANODE_BIN ?? root + '/build/release/anode';
let cluster, site, browser, facts;

before(async () => {
    [cluster, browser] = await Promise.all([startCluster(bin), launch()]);
    site = await startPage(cluster.urls[0]);
    await furnish(cluster);
    const nodes = (await cluster.api('/v1/nodes')).items;
    const sources = await until('a hundred live sources', 60_000, async () => { const all = (await cluster.api('/v1/sources?limit=1000')).items; return all.filter(s => s.state === 'live').length > 90 && all; });
    facts = { node: nodes.find(n => n.self).id, source: sources.find(s => s.type === 'websocket' && s.state === 'live' && s.owner === nodes.find(n => n.self).id).name, sources: sources.length };
}, { timeout: 180_000 });
after(async () => { await browser?.close(); await site?.end(); await cluster?.end(); }, { timeout: 60_000 });

const text = page => page.evaluate(() => document.body.innerText);

describe('every screen', () => {
    for (const scheme of ['light', 'dark'])
        it(`is accessible, asks nobody else and breaks no policy (${scheme})`, { timeout: 240_000 }, async () => {
            const tab = await open(browser, site.url, { scheme });
            const wrong = [];
            for (const [name, path] of Object.entries(screens)) {
                await tab.go(pathOf(path, facts)).catch(error => wrong.push(`${name}: ${error.message.split('\n')[0]}`));
                await sleep(250);
                for (const line of await tab.axe()) wrong.push(`${name}: ${line}`);
                for (const line of await tab.violations()) wrong.push(`${name}: policy: ${line}`);
                for (const line of tab.faults.splice(0)) wrong.push(`${name}: ${line}`);
            }
            await tab.context.close();
            assert.deepEqual(wrong, []);
        });

    for (const width of [390, 1024])
        it(`fits a window of ${width} pixels`, { timeout: 120_000 }, async () => {
            const tab = await open(browser, site.url, { width, height: 844 });
            const wrong = [];
            for (const [name, path] of Object.entries(screens)) {
                await tab.go(pathOf(path, facts)).catch(error => wrong.push(`${name}: ${error.message.split('\n')[0]}`));
                const over = await tab.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
                if (over > 0) wrong.push(`${name}: ${over} pixels too wide`);
            }
            await tab.context.close();
            assert.deepEqual(wrong, []);
        });
});

describe('the overview', () => {
    it('says in one sentence how it is, and why', async () => {
        const tab = await open(browser, site.url);
        await tab.go('/');
        await until('the sentence', 20_000, async () => /(All is well|Well, but|Not well)/.test(await tab.page.locator('.health p').innerText()));
        await until('figures', 20_000, async () => /Messages in\s+\d/.test(await text(tab.page)));
        await until('a chart', 20_000, async () => await tab.page.locator('.chart canvas').count() > 0);
        await tab.context.close();
    });
    it('goes on counting without the page being asked', async () => {
        const tab = await open(browser, site.url);
        await tab.go('/ui/overview');
        const chart = tab.page.locator('.chart[role=img]').first();
        await until('a chart', 20_000, async () => chart.isVisible());
        const first = await chart.getAttribute('aria-label');
        await until('another figure', 15_000, async () => await chart.getAttribute('aria-label') !== first);
        await tab.context.close();
    });
});

describe('the table of sources', () => {
    it('shows all, but draws only what is seen', async () => {
        const tab = await open(browser, site.url);
        await tab.go('/ui/sources');
        const table = tab.page.getByRole('table', { name: 'Sources' });
        await until('all rows', 20_000, async () => Number(await table.getAttribute('aria-rowcount')) === facts.sources + 1);
        assert.ok(await table.locator('tbody tr').count() < 60);
        await tab.page.locator('.virtual').evaluate(el => { el.scrollTop = el.scrollHeight; });
        await until('the last row', 5_000, async () => await table.locator(`tr[aria-rowindex="${facts.sources + 1}"]`).count() === 1);
        await tab.context.close();
    });
    it('keeps what was chosen in the address', async () => {
        const tab = await open(browser, site.url);
        await tab.go('/ui/sources');
        await tab.page.getByLabel('Find sources').fill('north-trades');
        await tab.page.getByRole('button', { name: 'Rate' }).click();
        assert.match(tab.page.url(), /q=north-trades/);
        assert.match(tab.page.url(), /sort=-rate/);
        await tab.page.reload();
        await until('the same rows', 20_000, async () => { const rows = await tab.page.locator('tbody tr th').allInnerTexts(); return rows.length > 0 && rows.every(r => r.includes('north-trades')); });
        await tab.context.close();
    });
    it('tells of one that fails, with the reason', async () => {
        const tab = await open(browser, site.url);
        await tab.go('/ui/sources/failing');
        await until('a reason', 30_000, async () => /backoff|failed|404/.test(await tab.page.locator('main').innerText()));
        await tab.context.close();
    });
});

describe('keys', () => {
    it('reach everything: search, results, dialogs, and back to where one was', async () => {
        const tab = await open(browser, site.url);
        const { page } = tab;
        await tab.go('/ui/overview');
        await page.keyboard.press('/');
        await page.getByRole('combobox', { name: 'Search' }).waitFor();
        await page.keyboard.type('storage');
        await page.keyboard.press('Enter');
        await page.getByRole('heading', { level: 1, name: 'Storage' }).waitFor();
        await page.keyboard.press('/');
        await page.getByRole('combobox', { name: 'Search' }).waitFor();
        await page.keyboard.press('Escape');
        await until('the search is closed', 3000, async () => await page.locator('dialog[open]').count() === 0);

        await tab.go('/ui/cluster');
        const drain = page.getByRole('button', { name: 'Drain' }).first();
        await drain.focus();
        await page.keyboard.press('Enter');
        await page.getByRole('dialog').waitFor();
        await page.keyboard.press('Escape');
        await until('focus', 3000, () => drain.evaluate(el => el === document.activeElement));
        await tab.context.close();
    });
    it('begin with a way past the menu', async () => {
        const tab = await open(browser, site.url);
        await tab.go('/ui/gaps');
        await tab.page.evaluate(() => document.activeElement?.blur());
        await tab.page.keyboard.press('Tab');
        assert.match(await tab.page.evaluate(() => document.activeElement.textContent), /Skip to the content/);
        await tab.page.keyboard.press('Enter');
        assert.equal(await tab.page.evaluate(() => document.activeElement.id), 'main');
        await tab.context.close();
    });
    it('see rows stay under the focus while figures change', async () => {
        const tab = await open(browser, site.url);
        await tab.go('/ui/sources');
        const link = tab.page.locator('tbody tr th a').nth(3);
        await link.waitFor();
        await link.focus();
        const name = await link.innerText();
        await sleep(3000);
        assert.equal(await tab.page.evaluate(() => document.activeElement.textContent), name);
        await tab.context.close();
    });
});

describe('the wizard', () => {
    it('makes a source of a URL: look, map, test, create', { timeout: 120_000 }, async () => {
        const tab = await open(browser, site.url);
        const { page } = tab;
        await tab.go('/ui/add-source');
        await page.getByLabel('URL of the feed').fill(cluster.simulator + '/quakes/feed.geojson');
        await page.getByLabel('Look for').selectOption('5');
        await page.getByRole('button', { name: 'Look at it' }).click();
        await page.getByRole('button', { name: 'Go on with the proposal' }).click({ timeout: 60_000 });
        await page.getByLabel('Name').fill('quakes-by-hand');
        await page.getByLabel('Topic', { exact: false }).first().fill('test.quakes.{.id}');
        await page.getByLabel('Id', { exact: false }).first().fill('id');
        await until('a preview', 5000, async () => /test\.quakes\.\w+/.test(await page.locator('.message').first().innerText()));
        await page.getByRole('button', { name: 'Check and go on' }).click();
        await page.getByRole('button', { name: 'Test now' }).click();
        await page.getByText('it works').waitFor({ timeout: 45_000 });
        await page.getByRole('button', { name: 'Go on', exact: true }).click();
        await page.getByRole('button', { name: 'Review' }).click();
        await page.getByRole('button', { name: 'Create quakes-by-hand' }).click();
        await page.getByRole('heading', { level: 1, name: /quakes-by-hand/ }).waitFor({ timeout: 20_000 });
        await until('it lives', 30_000, async () => (await cluster.api('/v1/sources/quakes-by-hand')).state === 'live');
        assert.deepEqual(tab.faults, []);
        await tab.context.close();
    });
    it('shows what the node refuses, beside the member it means', async () => {
        const tab = await open(browser, site.url);
        const { page } = tab;
        await tab.go('/ui/add-source');
        await page.getByRole('button', { name: 'Write a definition instead' }).click();
        await page.getByLabel('Name').fill('Bad Name!');
        await page.getByRole('button', { name: 'Check and go on' }).click();
        await page.locator('.complaints').waitFor();
        assert.match(await page.locator('.complaints').innerText(), /\/name/);
        await tab.context.close();
    });
});

describe('the live tail', () => {
    it('shows messages as they come, and stops when told', async () => {
        const tab = await open(browser, site.url);
        const { page } = tab;
        await tab.go('/ui/tail?topics=demo.crypto.*.trade');
        await until('lines', 20_000, async () => await page.locator('.tape .line').count() > 5);
        await page.getByRole('button', { name: 'Pause' }).click();
        await sleep(300);
        const before_ = await page.locator('.tape .line').count();
        await sleep(1500);
        assert.equal(await page.locator('.tape .line').count(), before_);
        await tab.context.close();
    });
    it('says why a filter is refused', async () => {
        const tab = await open(browser, site.url);
        await tab.go('/ui/tail?topics=demo.>&filter=' + encodeURIComponent('this is ( no filter'));
        await tab.page.getByRole('alert').waitFor({ timeout: 10_000 });
        await tab.context.close();
    });
});

describe('hostile words', () => {
    const evil = ['<img src=x onerror="window.__hit=1">', '"><script>window.__hit=1</script>', '\'"><svg/onload=window.__hit=1>', 'javascript:window.__hit=1', '{{constructor.constructor("window.__hit=1")()}}', '\u202Eevil\u202C', '<a href="javascript:window.__hit=1">x</a>', '</textarea><script>window.__hit=1</script>'];
    it('are shown as words, wherever they stand', { timeout: 120_000 }, async () => {
        await cluster.api('/v1/sources', 'POST', { name: 'hostile', type: 'rest', url: cluster.simulator + '/nothing?' + encodeURIComponent(evil[0]), topic: 'test.hostile', poll: { every: '2s' }, labels: { provider: evil[0], note: evil[1] }, weakness: evil.join(' ') });
        await cluster.api('/v1/pipelines', 'POST', { name: 'hostile', description: evil[2], input: 'test.hostile.>', output: 'test.out', steps: [{ map: JSON.stringify(evil[1]) }] });
        await cluster.api('/v1/tokens', 'POST', { name: evil[0], roles: ['S'], topics: ['a.>'] }).catch(() => {});
        for (const word of evil) await cluster.api('/v1/topics/test.hostile.words/messages', 'POST', { word, [word]: word });
        const tab = await open(browser, site.url);
        const hits = [];
        for (const path of ['/ui/sources?q=hostile', '/ui/sources/hostile', '/ui/sources/hostile?tab=definition', '/ui/sources/hostile?tab=errors', '/ui/sources/hostile?tab=history', '/ui/add-source?copy=hostile', '/ui/pipelines', '/ui/pipelines/hostile',
            '/ui/topics/test.hostile.words', '/ui/topics/test.hostile.words?tab=fields', '/ui/topics/test.hostile.words?tab=history', '/ui/tail?topics=test.hostile.>&from=-15m', '/ui/tail?topics=test.hostile.>&from=-15m&as=pretty', '/ui/tail?topics=test.hostile.>&from=-15m&as=diff&columns=' + encodeURIComponent('.word,' + evil[0]),
            '/ui/access', '/ui/events', '/ui/events?show=audit', '/ui/sources/' + encodeURIComponent(evil[0]), '/ui/topics/' + encodeURIComponent(evil[1]), '/ui/nodes/' + encodeURIComponent(evil[2]), '/ui/topics?q=' + encodeURIComponent(evil[0]), '/ui/sources?q=' + encodeURIComponent(evil[0]) + '&state=' + encodeURIComponent(evil[1]), '/ui/tail?topics=' + encodeURIComponent(evil[0])]) {
            await tab.go(path).catch(error => hits.push(`${path}: ${error.message.split('\n')[0]}`));
            await sleep(200);
            if (await tab.page.evaluate(() => window.__hit || document.querySelector('main img, main script, main svg[onload], main a[href^="javascript:"]')?.outerHTML)) hits.push(path);
            for (const v of await tab.violations()) hits.push(`${path}: ${v}`);
        }
        await tab.context.close();
        assert.deepEqual([...hits, ...tab.faults], []);
    });
});

describe('how it is served', () => {
    it('as one page with files that may be kept for ever, compressed, under a strict policy', async t => {
        if (site.url !== cluster.urls[0]) return t.skip('this program was built without the dashboard');
        const page = await fetch(site.url + '/ui/sources', { headers: { 'Accept-Encoding': 'br' } });
        assert.match(page.headers.get('content-security-policy'), /^default-src 'none'; script-src 'self'/);
        assert.equal(page.headers.get('content-encoding'), 'br');
        assert.equal((await fetch(site.url + '/', { headers: { 'If-None-Match': page.headers.get('etag'), 'Accept-Encoding': 'br' } })).status, 304);
        const script = /src="(\/ui\/a\/main-[^"]+)"/.exec(await page.text())[1];
        const file = await fetch(site.url + script, { headers: { 'Accept-Encoding': 'gzip' } });
        assert.equal(file.headers.get('cache-control'), 'public, max-age=31536000, immutable');
        assert.equal(file.headers.get('content-encoding'), 'gzip');
        assert.equal((await fetch(site.url + '/ui/a/none.js')).status, 404);
    });
});

describe('a node that asks who one is', () => {
    it('lets in whoever has a token, shows a newcomer what to do, and makes tokens of its own', { timeout: 120_000 }, async () => {
        const guarded = await startGuarded(bin), at = await startPage(guarded.url);
        try {
            const tab = await open(browser, at.url);
            const { page } = tab;
            await page.goto(at.url + '/ui/storage');
            const secret = page.getByLabel('Token', { exact: false }).last();
            await secret.waitFor({ timeout: 20_000 });
            assert.deepEqual(await tab.axe(), []);
            await secret.fill('an_0123456789_' + 'x'.repeat(43));
            await page.getByRole('button', { name: 'Sign in' }).click();
            await page.getByText('does not know this token').waitFor();
            await secret.fill(guarded.token);
            await page.getByRole('button', { name: 'Sign in' }).click();
            await page.getByRole('heading', { level: 1, name: 'Storage' }).waitFor({ timeout: 20_000 });
            await tab.go('/ui/overview');
            await page.getByRole('heading', { level: 1, name: 'Welcome' }).waitFor({ timeout: 20_000 });
            assert.deepEqual(await tab.axe(), []);

            await tab.go('/ui/access');
            await page.getByRole('button', { name: 'New token' }).click();
            await page.getByRole('dialog').getByLabel('Name').fill('a reader');
            await page.getByRole('button', { name: 'Create' }).click();
            await page.getByText('shown this once').waitFor({ timeout: 20_000 });
            assert.match(await page.locator('.banner pre').first().innerText(), /^an_\w{10}_/);
            assert.deepEqual(tab.faults, []);
            await tab.context.close();
        } finally { await at.end(); await guarded.end(); }
    });
});

// Last: what is killed stays so.
describe('a node that is killed', () => {
    it('is told of within seconds, and the rest goes on', { timeout: 120_000 }, async t => {
        if (!cluster.lastPid) return t.skip('the cluster is not ours');
        const tab = await open(browser, site.url);
        await tab.go('/ui/cluster');
        await until('three nodes', 20_000, async () => await tab.page.locator('svg.topology .node').count() === 3);
        process.kill(cluster.lastPid, 'SIGKILL');
        await until('the sentence', 30_000, async () => /n3 (is|are) (dead|suspected)|nothing is heard of n3/.test(await tab.page.locator('.health p').innerText()));
        await until('its state in the table', 30_000, async () => /dead/.test(await tab.page.getByRole('table', { name: 'Nodes' }).innerText()));
        await tab.go('/ui/sources');
        await until('its sources at the others', 45_000, async () => { const all = (await cluster.api('/v1/sources?limit=1000')).items; return all.every(s => s.owner_name !== 'n3'); });
        for (const path of ['/ui/overview', '/ui/mesh', '/ui/storage', '/ui/listeners']) await tab.go(path);
        assert.deepEqual(await tab.axe(), []);
        assert.deepEqual(tab.faults, []);
        await tab.context.close();
    });
});

describe('a node that ends', () => {
    it('hands its page over to another, and the view goes on there', { timeout: 90_000 }, async t => {
        if (!cluster.lastPid || site.url !== cluster.urls[0]) return t.skip('the page is not the node\'s own');
        const tab = await open(browser, cluster.urls[1]);
        await tab.go('/ui/sources?q=north');
        await until('the connection', 20_000, async () => await tab.page.locator('tbody tr').count() > 3);
        process.kill(cluster.pid(2), 'SIGTERM');
        await until('the same view elsewhere', 60_000, () => tab.page.url() === cluster.urls[0] + '/ui/sources?q=north');
        await until('its rows', 20_000, async () => await tab.page.locator('tbody tr').count() > 3);
        await tab.context.close();
    });
});
