// SPDX-License-Identifier: Apache-2.0
// Drives Chromium over the pages for t/300-browser.t and prints one line per test, "ok - what" or
// "not ok - what" with "# why" lines before it. Environment: BASE (http://127.0.0.1:port/dashboard), WM_USER,
// WM_PASSWORD, CHROMIUM, PICTURES (a folder for screenshots), UPLOAD (address of add-bundle.json), PARTICIPANT.
'use strict';
const fs = require('fs');
const path = require('path');
const { chromium } = require('playwright-core');
const { several, exclude, switchStudy, switchZone, columns } = require('./forms.js');
const axe = fs.readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const env = process.env;
const person = `/participant?id=${encodeURIComponent(env.PARTICIPANT)}`;
const pages = {
    overview: '/',
    participants: '/participants',
    filtered: '/participants?state=silent&q=p',
    'more-filters': '/participants?silent=12&client=Webmunk%200.31',
    empty: '/participants?q=nobody-has-this-name',
    unassigned: '/unassigned',
    completeness: person,
    'completeness-all': `${person}&days=all`,
    day: `${person}&tab=day`,
    generators: `${person}&tab=generators`,
    uploads: `${person}&tab=uploads`,
    points: `${person}&tab=points`,
    'points-shown': `${person}&tab=points&show=sensitive`,
    alerts: '/alerts',
    'alerts-closed': '/alerts?tab=closed',
    exports: '/exports',
    export: '/exports/1',
    'export-running': '/exports/2',
    'export-sealed': '/exports/5',
    'export-new': '/exports/new?copy=1',
    destinations: '/destinations',
    system: '/system',
    'system-month': '/system?days=30',
    job: '/jobs/1',
    missing: '/nothing-here'
};

function ok(good, what, ...why) {
    if (!good) {
        why.forEach(text => String(text).split('\n').forEach(line => console.log(`# ${line}`)));
    }
    console.log(`${good ? 'ok' : 'not ok'} - ${what}`);
}

// A context whose pages report everything that should not happen.
async function open(browser, options) {
    const context = await browser.newContext({ ignoreHTTPSErrors: false, ...options });
    const troubles = [];
    const host = new URL(env.BASE).host;

    context.on('request', request => {
        const url = new URL(request.url());
        if (!['data:', 'blob:'].includes(url.protocol) && url.host !== host) {
            troubles.push(`request to ${request.url()}`);
        }
    });
    context.on('page', page => {
        page.on('console', message => {
            const expected = /status of 40[134]/.test(message.text());
            if (['error', 'warning'].includes(message.type()) && !expected) {
                troubles.push(`${message.type()}: ${message.text()} at ${message.location().url}`);
            }
        });
        page.on('pageerror', error => troubles.push(`exception: ${error}`));
        page.on('dialog', dialog => {
            troubles.push(`dialog: ${dialog.message()}`);
            dialog.dismiss();
        });
        page.on('requestfailed', request => {
            const why = request.failure() && request.failure().errorText;
            if (why !== 'net::ERR_ABORTED') {
                troubles.push(`failed: ${request.url()} ${why}`);
            }
        });
    });
    context.on('response', response => {
        if (response.status() >= 400 && !/nothing-here/.test(response.url())) {
            troubles.push(`${response.status()} ${response.url()}`);
        }
    });
    const page = await context.newPage();
    return { context, page, troubles };
}

async function signIn(page) {
    await page.goto(`${env.BASE}/`);
    await page.getByLabel('Name').fill(env.WM_USER);
    await page.getByLabel('Password').fill(env.WM_PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForURL(`${env.BASE}/`);
}

async function show(page, name) {
    await page.goto(env.BASE + pages[name], { waitUntil: 'networkidle' });
}

async function picture(page, name) {
    await page.screenshot({ path: path.join(env.PICTURES, `${name}.png`), fullPage: true, animations: 'disabled' });
}

async function violations(page) {
    await page.evaluate(axe); // by the debugger, which no policy of the page concerns
    const found = await page.evaluate(() => window.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
    }));
    return found.violations.flatMap(rule => rule.nodes.map(node => `${rule.id}: ${node.target} ${node.failureSummary}`));
}

// All that a keyboard must reach, in the order of the document.
function interactive() {
    const all = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
    return Array.from(document.querySelectorAll(all)).filter(one =>
        !one.disabled && one.checkVisibility({ visibilityProperty: true })).length;
}

// What has the focus, numbered, and whether one sees it.
function focused() {
    const one = document.activeElement;
    if (!one || one === document.body) {
        return null;
    }
    window.wmSeen = window.wmSeen || new Map();
    if (!window.wmSeen.has(one)) {
        window.wmSeen.set(one, window.wmSeen.size);
    }
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    const outline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
    return {
        number: window.wmSeen.get(one),
        name: one.outerHTML.slice(0, 100),
        visible: (outline || style.boxShadow !== 'none') && box.width > 1 && box.height > 1
    };
}

async function keyboard(page, name) {
    const want = await page.evaluate(interactive);
    const seen = new Set(), unseen = [];
    await page.evaluate(() => { document.activeElement.blur(); window.scrollTo(0, 0); });
    for (let i = 0; i < want + 5; i++) {
        await page.keyboard.press('Tab');
        const one = await page.evaluate(focused);
        if (one && !seen.has(one.number)) {
            seen.add(one.number);
            if (!one.visible) {
                unseen.push(one.name);
            }
        }
    }
    ok(seen.size >= want, `${name}: Tab reaches all ${want} controls`, `only ${seen.size}`);
    ok(!unseen.length, `${name}: the focus is visible`, ...unseen);
}

async function look(browser, scheme, width) {
    const label = `${scheme}, ${width} px`;
    const { context, page, troubles } = await open(browser, { colorScheme: scheme, viewport: { width, height: 900 } });

    await page.goto(`${env.BASE}/sign-in`, { waitUntil: 'networkidle' });
    await picture(page, `signin-${scheme}-${width}`);
    const form = await violations(page);
    ok(!form.length, `sign-in, ${label}: accessible`, ...form);
    await signIn(page);
    for (const name of Object.keys(pages)) {
        await show(page, name);
        await picture(page, `${name}-${scheme}-${width}`);
        const found = await violations(page);
        ok(!found.length, `${name}, ${label}: accessible`, ...found);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        ok(over <= 0, `${name}, ${label}: nothing sticks out to the side`, `${over} px`);
    }
    ok(!troubles.length, `${label}: no error, no violation of the policy, no request to another host`, ...troubles);
    await context.close();
}

async function walk(browser) {
    const { context, page, troubles } = await open(browser, {});

    await signIn(page);
    const [cookie] = (await context.cookies()).filter(one => one.name === '__Host-webmunk');
    ok(cookie && cookie.httpOnly && cookie.secure && cookie.sameSite === 'Lax', 'Chromium keeps the cookie on this machine over plain http');
    ok(await page.getByRole('status').filter({ hasText: 'signed in' }).count() === 1, 'the last sign-in is shown');
    await page.waitForSelector('canvas');
    ok(true, 'the arrivals are drawn');
    const link = page.locator('.sentence a').first();
    const count = (await link.textContent()).replace(/\D/g, '');
    await link.click();
    const listed = (await page.locator('main').textContent()).replace(/(\d)\s(?=\d{3})/g, '$1');
    ok(new RegExp(`\\b${count}\\b`).test(listed), `the first number of the sentence leads to its ${count} participants`);
    await page.getByRole('link', { name: env.PARTICIPANT, exact: true }).first().click();
    ok(await page.getByRole('heading', { level: 1 }).textContent() === env.PARTICIPANT, 'a participant is one click away');
    for (const tab of ['Day', 'Generators', 'Uploads', 'Points']) {
        await page.locator('nav.tabs').getByRole('link', { name: tab, exact: false }).click();
        ok(await page.locator('nav.tabs [aria-current=page]').count() === 1, `... and has the tab ${tab}`);
    }
    await page.goBack();
    ok(/tab=uploads/.test(page.url()), 'the way back is the browser\'s');
    await page.getByRole('button', { name: 'Sign out' }).click();
    ok(/\/sign-in$/.test(page.url()), 'signing out leads to the form');
    await page.goto(`${env.BASE}/participants?state=silent`);
    ok(/\/sign-in\?next=/.test(page.url()), 'a page asks who it is');
    await page.getByLabel('Name').fill(env.WM_USER);
    await page.getByLabel('Password').fill('not the password');
    troubles.length = 0;
    await page.getByRole('button', { name: 'Sign in' }).click();
    ok(await page.getByRole('alert').textContent() === 'Name or password is wrong.', 'a wrong password is said to be that or the name');
    troubles.length = 0;
    await page.getByLabel('Name').fill(env.WM_USER);
    await page.getByLabel('Password').fill(env.WM_PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    ok(/\/participants\?state=silent$/.test(page.url()), 'after the right one comes what was asked for', page.url());
    ok(!troubles.length, 'on the way nothing went wrong', ...troubles);
    await context.close();
}

async function withoutScript(browser) {
    const { context, page, troubles } = await open(browser, { javaScriptEnabled: false });

    await signIn(page);
    await picture(page, 'overview-noscript');
    await page.getByRole('link', { name: 'Participants', exact: true }).click();
    await page.getByLabel('Id or name', { exact: true }).fill(env.PARTICIPANT);
    await page.getByRole('button', { name: 'Show' }).click();
    ok(await page.getByRole('link', { name: env.PARTICIPANT, exact: true }).count() > 0, 'without script: searching works');
    await page.locator('th a').first().click();
    ok(new URL(page.url()).pathname.startsWith(new URL(env.BASE).pathname), 'without script: links of the table work');
    await page.getByRole('button', { name: 'Sign out' }).click();
    ok(/\/sign-in$/.test(page.url()), 'without script: signing out works');
    ok(!troubles.length, 'without script: nothing went wrong', ...troubles);
    await context.close();
}

// What somebody sees of the completeness grid on a telephone before doing anything: the newest day, and whose rows they are.
async function newestFirst(browser) {
    const { context, page } = await open(browser, { javaScriptEnabled: false, viewport: { width: 400, height: 900 } });
    const today = new Date().toISOString().slice(0, 10);
    const within = box => box && box.x >= 0 && box.x + box.width <= 400;

    await signIn(page);
    for (const days of [14, 90]) {
        await page.goto(`${env.BASE}${person}&days=${days}`);
        const grid = page.getByRole('region', { name: 'Grid of completeness' });
        const heads = grid.locator('a'), labels = grid.locator('.labels');
        ok(await heads.count() === days && await heads.last().getAttribute('aria-label') >= today, `${days} days: the grid ends today`);
        const newest = await heads.last().boundingBox(), oldest = await heads.first().boundingBox();
        ok(within(newest), `${days} days, 400 px, without script: the newest day is in view`, JSON.stringify(newest));
        const names = await labels.boundingBox();
        ok(within(names) && names.x + names.width <= newest.x, '... beside the names of the generators', JSON.stringify(names));
        ok(oldest.x < names.x + names.width, '... and the oldest is further to the left', JSON.stringify(oldest));
        await grid.focus();
        for (let i = 0; i < 200 && (await heads.first().boundingBox()).x < 140; i++) {
            await page.keyboard.press('ArrowLeft');
        }
        ok((await heads.first().boundingBox()).x >= 120, '... to which the keyboard leads');
        ok(within(await labels.boundingBox()), '... and the names stay');
        await heads.nth(days - 3).focus();
        await heads.nth(0).focus();
        const box = await heads.first().boundingBox(), side = await labels.boundingBox();
        ok(box.x >= side.x + side.width - 1, '... and cover no day that has the focus', JSON.stringify([box, side]));
    }
    await picture(page, 'completeness-noscript-400');
    await page.goto(`${env.BASE}/participants`);
    const sort = page.getByRole('link', { name: 'Last received', exact: true });
    const place = await sort.boundingBox();
    ok(within(place) && place.width > 40 && place.height > 10, 'the list can be sorted on a narrow page', JSON.stringify(place));
    await sort.click();
    ok(/sort=received/.test(page.url()), '... by a click', page.url());
    await page.goto(`${env.BASE}${person}&days=14`);
    await page.setViewportSize({ width: 1280, height: 900 });
    const first = await page.getByRole('region', { name: 'Grid of completeness' }).locator('a').first().boundingBox();
    const side = await page.locator('.labels').boundingBox();
    ok(first.x - side.x - side.width < 30, 'on a wide page the grid stands at the left, beside its names', JSON.stringify([first, side]));
    await context.close();
}

async function withKeyboard(browser) {
    const { context, page } = await open(browser, { viewport: { width: 1280, height: 900 } });

    await page.goto(`${env.BASE}/`, { waitUntil: 'networkidle' });
    ok(await page.evaluate(() => document.activeElement.name === 'user'), 'keyboard: the name has the focus');
    await page.keyboard.type(env.WM_USER);
    await page.keyboard.press('Tab');
    await page.keyboard.type(env.WM_PASSWORD);
    await page.keyboard.press('Enter');
    await page.waitForURL(`${env.BASE}/`);
    ok(true, 'keyboard: signing in needs no mouse');
    await page.goto(`${env.BASE}/participants`, { waitUntil: 'networkidle' });
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    ok(await page.evaluate(() => document.activeElement.id === 'main'), 'keyboard: the first link skips to the content');
    for (const name of ['overview', 'participants', 'completeness', 'day', 'points']) {
        await show(page, name);
        await keyboard(page, name);
    }
    await context.close();
}

// A new export from its first step to its page, with and without script.
async function ask(browser, javaScriptEnabled) {
    const { context, page, troubles } = await open(browser, { javaScriptEnabled });
    const how = javaScriptEnabled ? 'with script' : 'without script';

    await signIn(page);
    await page.getByRole('link', { name: 'Exports', exact: true }).click();
    await page.getByRole('link', { name: 'New export' }).click();
    await page.getByLabel(/webmunk-extension-scroll-position/).check();
    await page.getByLabel('Purpose', { exact: false }).fill('a look');
    await page.getByRole('button', { name: 'Check' }).click();
    ok(/participants with data/.test(await page.getByRole('status').textContent()), `${how}: a check says what an export would be`);
    ok(await page.getByLabel(/webmunk-extension-scroll-position/).isChecked(), '... and keeps the choices');
    await picture(page, `export-check-${javaScriptEnabled ? 'script' : 'noscript'}`);
    await page.getByRole('button', { name: 'Start the export' }).click();
    ok(/\/exports\/\d+$/.test(page.url()), '... which begins', page.url());
    ok(/Queued/.test(await page.getByRole('status').textContent()), '... and waits its turn');
    await page.getByRole('button', { name: 'Cancel' }).click();
    ok(/Cancelled/.test(await page.getByRole('status').textContent()), '... until it is cancelled');
    ok(!troubles.length, `${how}: nothing went wrong`, ...troubles);
    await context.close();
}

// The progress of an export moves by itself, in small answers that are not sent twice.
async function progress(browser) {
    const { context, page, troubles } = await open(browser, {});
    const seen = [];

    await signIn(page);
    page.on('response', response => { if (/progress$/.test(response.url())) { seen.push(response.status()); } });
    await page.goto(`${env.BASE}/exports/2`);
    await page.evaluate(() => { document.activeElement.blur(); });
    await page.waitForResponse(response => /progress$/.test(response.url()));
    await page.waitForResponse(response => /progress$/.test(response.url()));
    ok(seen.every(status => status === 200 || status === 304), 'the progress is asked for again and again', seen.join(' '));
    ok(await page.locator('#live progress').first().getAttribute('value') === '25', '... and stays while nothing changes');
    ok(!troubles.length, 'meanwhile nothing went wrong', ...troubles);
    await context.close();
}

// The clock of the page is ours here, so that half a minute passes at once.
async function refresh(browser) {
    const { context, page, troubles } = await open(browser, {});

    await page.clock.install();
    await signIn(page);
    await page.waitForLoadState('networkidle');
    const before = await page.locator('.sentence').textContent();
    const bundle = [{ n: 1, 'passive-data-metadata': { source: 'late-comer', generator: 't: t/1', 'generator-id': 't', timestamp: Date.now() / 1000 } }];
    await fetch(env.UPLOAD, { method: 'POST', body: new URLSearchParams({ payload: JSON.stringify(bundle) }) });
    await page.evaluate(() => { document.activeElement.blur(); });
    const answer = page.waitForResponse(response => response.request().headers()['hx-request'] === 'true');
    await page.clock.fastForward(31000);
    await answer;
    await page.waitForFunction(text => document.querySelector('.sentence').textContent !== text, before);
    ok(true, 'an open overview counts what arrives');
    await page.waitForLoadState('networkidle');
    await context.clearCookies();
    const left = page.waitForURL(/\/sign-in/);
    await page.clock.fastForward(31000);
    await left;
    ok(true, 'when the session has ended, it leads to the form');
    ok(!troubles.filter(text => !/^401 |status of 401/.test(text)).length, 'while refreshing nothing went wrong', ...troubles);
    await context.close();
}

(async () => {
    const args = process.getuid() === 0 ? ['--no-sandbox'] : [];
    const browser = await chromium.launch({ executablePath: env.CHROMIUM, args });
    const steps = [walk, withoutScript, newestFirst, withKeyboard, refresh, progress,
        one => ask(one, true), one => ask(one, false)];
    const tools = { open, signIn, picture, violations, ok, env };
    const changes = [several, exclude, switchStudy, switchZone, columns].flatMap(step => [true, false].map(javaScriptEnabled =>
        one => step({ ...tools, browser: one, javaScriptEnabled })));

    for (const scheme of ['light', 'dark']) {
        for (const width of [1280, 400]) {
            steps.push(one => look(one, scheme, width));
        }
    }
    for (const step of [...steps, ...changes]) {
        try {
            await step(browser);
        } catch (error) {
            ok(false, `${step.name || 'look'} reaches its end`, error.stack);
        }
    }
    await browser.close();
    console.log('done');
})();
