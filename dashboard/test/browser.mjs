// Debian's Chromium, watched: whatever it complains about is a fault.
import { chromium } from 'playwright-core';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const launch = () => chromium.launch({
    executablePath: process.env.ANODE_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/// A page whose errors, policy violations and requests to elsewhere are written down.
export async function open(browser, base, { width = 1440, height = 900, scheme = 'light' } = {}) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, reducedMotion: 'reduce' });
    const page = await context.newPage();
    const faults = [];
    page.on('pageerror', error => faults.push('error: ' + (error.stack ?? error)));
    page.on('console', message => { if (/Content Security Policy|Refused to|Uncaught/.test(message.text())) faults.push('console: ' + message.text()); });
    page.on('dialog', dialog => { faults.push('dialog: ' + dialog.message()); void dialog.dismiss(); });
    page.on('request', request => { const url = request.url(); if (/^https?:/.test(url) && new URL(url).origin !== new URL(base).origin) faults.push('request to elsewhere: ' + url); });
    await page.addInitScript(() => { document.addEventListener('securitypolicyviolation', e => { (window.__violations ??= []).push(`${e.violatedDirective} ${e.blockedURI}`); }); });
    return {
        page, faults, context,
        /// Goes there as a link of the page does; the first time the page is loaded.
        async go(path) {
            if (page.url().startsWith(base))
                await page.evaluate(to => { history.pushState(null, '', to); dispatchEvent(new PopStateEvent('popstate')); }, path);
            else await page.goto(base + path);
            await page.waitForSelector('main h1, main .empty h3', { timeout: 30_000 });
            await page.waitForFunction(() => !document.querySelector('main [aria-busy]'), null, { timeout: 15_000 }).catch(() => {});
        },
        async violations() { return page.evaluate(() => window.__violations ?? []); },
        /// What axe-core finds wrong, one line each.
        async axe() {
            await page.evaluate(axeSource);
            const found = await page.evaluate(async () => (await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })).violations
                .map(v => `${v.id}: ${v.nodes.slice(0, 3).map(n => `${n.target.join(' ')} – ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ''}`).join(' | ')}`));
            return found;
        },
    };
}
