// Pictures of the dashboard on a live cluster: for the README, and to look at what a change does.
//   ANODE_BIN=… node test/shots.mjs [FOLDER] [--all] [--width 1440] [--scheme dark]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launch, open } from './browser.mjs';
import { root, sleep, startCluster, startPage, until } from './cluster.mjs';
import { furnish, pathOf, screens } from './screens.mjs';

const option = (name, otherwise) => {
    const at = process.argv.indexOf(name);
    return at < 0 ? otherwise : process.argv[at + 1];
};
const folder = process.argv[2] && !process.argv[2].startsWith('--') ? process.argv[2] : join(root, 'docs/images');
const all = process.argv.includes('--all');
const width = Number(option('--width', '1440')), scheme = option('--scheme', 'light');
/// What the README shows.
const chosen = [['overview', 'light'], ['sources', 'dark'], ['cluster', 'dark']];

mkdirSync(folder, { recursive: true });
const [cluster, browser] = await Promise.all([startCluster(process.env.ANODE_BIN ?? join(root, 'build/release/anode')), launch()]);
const site = await startPage(cluster.urls[0]);
try {
    await furnish(cluster);
    const nodes = (await cluster.api('/v1/nodes')).items, self = nodes.find(n => n.self).id;
    const sources = await until('live sources', 60_000, async () => { const list = (await cluster.api('/v1/sources?limit=1000')).items; return list.filter(s => s.state === 'live').length > 90 && list; });
    const facts = { node: self, source: sources.find(s => s.type === 'websocket' && s.state === 'live' && s.owner === self).name };
    await sleep(Number(option('--after', '60')) * 1000);  // so that charts have something to show
    for (const [name, tone] of all ? Object.keys(screens).map(n => [n, scheme]) : chosen) {
        const tab = await open(browser, site.url, { width, height: width < 600 ? 844 : 900, scheme: tone });
        await tab.go(pathOf(screens[name], facts));
        await sleep(5000);
        const file = join(folder, `dashboard-${name.replace(/\W+/g, '-')}${all ? `-${width}-${tone}` : ''}.png`);
        await tab.page.screenshot({ path: file });
        console.log(file);
        await tab.context.close();
    }
} finally {
    await browser.close();
    await site.end();
    await cluster.end();
}
