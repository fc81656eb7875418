// Every screen, by the address that shows it. `:source` and the like are filled from the cluster.
export const screens = {
    overview: '/ui/overview',
    cluster: '/ui/cluster',
    'round trips': '/ui/cluster?view=matrix',
    node: '/ui/nodes/:node',
    'node config': '/ui/nodes/:node?tab=config',
    'node peers': '/ui/nodes/:node?tab=peers',
    sources: '/ui/sources',
    'sources in trouble': '/ui/sources?state=trouble&sort=-since',
    source: '/ui/sources/:source',
    'source items': '/ui/sources/:source?tab=items',
    'source errors': '/ui/sources/failing?tab=errors',
    'source messages': '/ui/sources/:source?tab=messages',
    'source frames': '/ui/sources/:source?tab=frames',
    'source definition': '/ui/sources/:source?tab=definition',
    'source history': '/ui/sources/:source?tab=history',
    'add source': '/ui/add-source',
    topics: '/ui/topics?open=demo,demo.crypto',
    'topics by prefix': '/ui/topics?q=demo.c',
    topic: '/ui/topics/demo.crypto.BTCUSD.trade',
    'topic fields': '/ui/topics/demo.crypto.BTCUSD.trade?tab=fields',
    tail: '/ui/tail?topics=demo.crypto.*.trade',
    'tail by columns': '/ui/tail?topics=demo.crypto.*.trade&columns=.p,.q',
    listeners: '/ui/listeners',
    pipelines: '/ui/pipelines',
    pipeline: '/ui/pipelines/big-trades',
    'new pipeline': '/ui/pipelines/+',
    storage: '/ui/storage',
    mesh: '/ui/mesh',
    gossip: '/ui/mesh?tab=gossip',
    keys: '/ui/mesh?tab=keys',
    gaps: '/ui/gaps',
    events: '/ui/events',
    alerts: '/ui/events?show=alerts',
    audit: '/ui/events?show=audit',
    access: '/ui/access',
    'no such source': '/ui/sources/none',
    'no such page': '/ui/nowhere',
};
export const pathOf = (path, { node, source }) => path.replace(':node', node).replace(':source', source);

/// What the tests and pictures want to see beside the demo's feeds: one that fails, one that waits, a pipeline, hostile words.
export async function furnish(cluster) {
    const tolerate = async work => { try { await work; } catch (error) { if (!/ 409 /.test(error.message)) throw error; } };
    await tolerate(cluster.api('/v1/sources', 'POST', { name: 'failing', type: 'rest', url: cluster.simulator + '/nothing-here', topic: 'demo.failing', poll: { every: '1s' } }));
    await tolerate(cluster.api('/v1/pipelines', 'POST', { name: 'big-trades', description: 'Trades that are worth a look', input: 'demo.crypto.*.trade', output: 'alerts.big.{tokens[2]}', steps: [{ filter: '(.data.q // "0" | tonumber) > 0.01' }, { map: '.data + {venue: .tokens[1]}' }, { limit: '10/s' }] }));
}
