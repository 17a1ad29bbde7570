// SPDX-License-Identifier: Apache-2.0
// Forms of pages that change something, with and without script, for run.js: each takes its tools.
'use strict';

// Several alerts are selected and acknowledged; with script a box selects all, and nothing reloads under a selection.
async function several({ browser, javaScriptEnabled, open, signIn, picture, ok, env }) {
    const { context, page, troubles } = await open(browser, { javaScriptEnabled });
    const how = javaScriptEnabled ? 'with script' : 'without script';
    const picks = page.locator('tbody .pick'), all = page.getByLabel('Select all shown');

    if (javaScriptEnabled) {
        await page.clock.install();
    }
    await signIn(page);
    await page.goto(`${env.BASE}/alerts`);
    const before = await picks.count();
    ok(before > 3, `${how}: alerts have boxes`, String(before));
    ok(await all.count() === (javaScriptEnabled ? 1 : 0), '... and one for all, where there is script');
    if (javaScriptEnabled) {
        await all.check();
        ok(await page.locator('tbody .pick:checked').count() === before, '... which selects all');
        await picks.first().uncheck();
        ok(!await all.isChecked(), '... and is empty when one is not');
        await page.evaluate(() => { document.activeElement.blur(); });
        await page.clock.fastForward(61000);
        ok(await page.locator('tbody .pick:checked').count() === before - 1, '... and the page does not reload under a selection');
        await all.check();
        await all.uncheck();
    }
    await picks.nth(0).check();
    await picks.nth(1).check();
    await picture(page, `alerts-several-${javaScriptEnabled ? 'script' : 'noscript'}`);
    await page.getByRole('button', { name: 'Acknowledge selected' }).click();
    ok(await picks.count() === before - 2, `${how}: what was selected is acknowledged`);
    ok(!troubles.length, `${how}: nothing went wrong`, ...troubles);
    await context.close();
}

// A participant is left out of exports and taken back.
async function exclude({ browser, javaScriptEnabled, open, signIn, picture, ok, env }) {
    const { context, page, troubles } = await open(browser, { javaScriptEnabled, viewport: { width: 400, height: 900 } });
    const facts = page.locator('.person .facts');

    await signIn(page);
    await page.goto(`${env.BASE}/participant?id=${encodeURIComponent(env.PARTICIPANT)}`);
    await page.getByText('Exclude from exports').click();
    await picture(page, 'exclude-400');
    await page.getByRole('button', { name: 'Exclude' }).click();
    ok(/included/.test(await facts.textContent()), 'without a reason nobody is excluded');
    await page.getByLabel('Why, for the access log').fill('a phone of the lab');
    await page.getByRole('button', { name: 'Exclude' }).click();
    await page.waitForURL(/id-number=/);
    ok(/excluded since/.test(await facts.textContent()), 'with one they are');
    await picture(page, 'excluded-400');
    await page.getByText('Include in exports').click();
    await page.getByLabel('Why, for the access log').fill('took part');
    await page.getByRole('button', { name: 'Include' }).click();
    await page.getByText('Exclude from exports').waitFor();
    ok(/included/.test(await facts.textContent()), '... and included again');
    ok(!troubles.length, 'on the way nothing went wrong', ...troubles);
    await context.close();
}

// Another study is chosen at the top of the page, and the pages stay in it.
async function switchStudy({ browser, javaScriptEnabled, open, signIn, picture, ok, env }) {
    const { context, page, troubles } = await open(browser, { javaScriptEnabled, colorScheme: javaScriptEnabled ? 'dark' : 'light',
        viewport: { width: javaScriptEnabled ? 1280 : 400, height: 900 } });
    const choice = page.locator('details.study');

    await signIn(page);
    await page.goto(`${env.BASE}/participants?state=silent`);
    await choice.locator('summary').click();
    await picture(page, `study-${javaScriptEnabled ? 1280 : 400}`);
    const box = await choice.locator('ul').boundingBox();
    ok(box.x >= 0 && box.x + box.width <= page.viewportSize().width, 'the studies are in view', JSON.stringify(box));
    await choice.getByRole('link', { name: 'Pilot', exact: true }).click();
    ok(/participants\?study=pilot$/.test(page.url()), 'another study is one choice away', page.url());
    ok(/Nobody is here/.test(await page.locator('main').textContent()), '... with its own participants');
    await page.getByRole('link', { name: 'Overview', exact: true }).click();
    ok(/study=pilot/.test(page.url()) && /Pilot/.test(await choice.locator('summary').textContent()), '... and the pages stay in it', page.url());
    ok(!troubles.length, 'on the way nothing went wrong', ...troubles);
    await context.close();
}

// Another time zone is chosen beside it, by the keyboard: the browser's own where there is script, else by name.
async function switchZone({ browser, javaScriptEnabled, open, signIn, picture, violations, ok, env }) {
    const { context, page, troubles } = await open(browser, { javaScriptEnabled, colorScheme: javaScriptEnabled ? 'light' : 'dark',
        viewport: { width: javaScriptEnabled ? 1280 : 400, height: 900 }, timezoneId: 'Europe/Vienna' });
    const choice = page.locator('details.zone'), foot = page.locator('footer');
    const how = javaScriptEnabled ? 'with script' : 'without script';

    await signIn(page);
    await page.goto(`${env.BASE}/participants?state=silent`);
    await choice.locator('summary').focus();
    await page.keyboard.press('Enter');
    await picture(page, `zone-${javaScriptEnabled ? 1280 : 400}`);
    for (const width of [500, 700, 960, javaScriptEnabled ? 1280 : 400]) {
        await page.setViewportSize({ width, height: 900 });
        const box = await choice.locator('div').boundingBox();
        ok(box.x >= 0 && box.x + box.width <= width && box.height > 100, `${how}, ${width} px: the time zones are in view`, JSON.stringify(box));
    }
    if (javaScriptEnabled) {
        const found = await violations(page);
        ok(!found.length, '... for those who do not see, too', ...found);
        await choice.getByRole('link', { name: 'Europe/Vienna this browser’s', exact: true }).press('Enter');
        await page.waitForURL(/\?state=silent&zone=Europe%2FVienna$/);
        ok(/times in Europe\/Vienna, chosen here/.test(await foot.textContent()), '... of which one is the browser\'s', await foot.textContent());
        await choice.locator('summary').click();
        ok(await choice.getByRole('link', { name: 'Vienna' }).count() === 1, '... and stands there once when it is chosen');
        await picture(page, 'zone-chosen-1280');
    } else {
        ok(await choice.getByRole('link', { name: 'Vienna' }).count() === 0, '... but the browser\'s');
        await choice.getByLabel('Another time zone').fill('asia/kolkata');
        await page.keyboard.press('Enter');
        await page.waitForURL(/\?state=silent&zone=asia%2Fkolkata$/);
        ok(/times in Asia\/Kolkata, chosen here/.test(await foot.textContent()), '... and any is found by its name', await foot.textContent());
        await page.getByRole('link', { name: 'Overview', exact: true }).click();
        ok(/zone=Asia%2FKolkata$/.test(page.url()), '... which the pages keep', page.url());
        await choice.locator('summary').click();
    }
    await choice.getByRole('link', { name: 'America/Chicago the study’s', exact: true }).click();
    ok(!/zone=/.test(page.url()) && /the study’s time zone/.test(await foot.textContent()), '... and the way back is the study\'s', page.url());
    ok(!troubles.length, `${how}: nothing went wrong`, ...troubles);
    await context.close();
}

// Columns are chosen, in the table and in the cards of a narrow page, kept, and given back.
async function columns({ browser, javaScriptEnabled, open, signIn, picture, violations, ok, env }) {
    const how = javaScriptEnabled ? 'script' : 'noscript';
    const { context, page, troubles } = await open(browser, { javaScriptEnabled, colorScheme: javaScriptEnabled ? 'dark' : 'light',
        viewport: { width: 1280, height: 900 } });
    const heads = page.locator('thead th'), chooser = page.locator('.chooser');
    const cell = name => page.locator(`tbody tr:first-child [data-label="${name}"]`);

    await signIn(page);
    await page.goto(`${env.BASE}/participants?q=p&limit=25`);
    const before = await heads.count();
    await chooser.locator('summary').click();
    await page.getByLabel('Name', { exact: true }).uncheck();
    await page.getByLabel('Points, 7 days', { exact: true }).uncheck();
    await picture(page, `columns-1280-${how}`);
    await page.setViewportSize({ width: 400, height: 900 });
    await picture(page, `columns-400-${how}`);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    ok(over <= 0, `${how}: the boxes of columns stay in view`, `${over} px`);
    if (javaScriptEnabled) {
        const found = await violations(page);
        ok(!found.length, '... and are accessible', ...found);
    }
    ok(await cell('Enrolled').isHidden() && await cell('Points, 7 days').isVisible(), 'cards have what matters most');
    await page.getByRole('button', { name: 'Save' }).click();
    ok(/\/participants\?q=p&limit=25$/.test(page.url()), 'saving leads back', page.url());
    ok(await heads.count() === before - 2, '... to a table without those columns');
    ok(await cell('Enrolled').isVisible() && await cell('Points, 7 days').count() === 0, '... and to cards with the same');
    await picture(page, `columns-chosen-400-${how}`);
    await page.setViewportSize({ width: 1280, height: 900 });
    await picture(page, `columns-chosen-1280-${how}`);
    await chooser.locator('summary').click();
    await page.getByRole('button', { name: 'Default columns' }).click();
    ok(await heads.count() === before, 'the default comes back');
    ok(!troubles.length, 'on the way nothing went wrong', ...troubles);
    await context.close();
}

module.exports = { several, exclude, switchStudy, switchZone, columns };
