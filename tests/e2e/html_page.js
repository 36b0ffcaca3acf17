// SPDX-License-Identifier: MIT
// html_page.js TEST PAGE [FILE...]: opens an HTML report in Chromium, does what TEST says, and prints what is wrong.
// Exit status 0: nothing is, 1: something is, 77: there is no browser, or not the npm package playwright-core.
'use strict';
const fs = require('fs');
const path = require('path');
const { execFileSync } = require('child_process');

function skip(why) {
	console.log(why);
	process.exit(77);
}

function findBrowser() {
	const names = ['chromium', 'chromium-browser', 'google-chrome'];

	for (const directory of (process.env.PATH || '').split(':')) {
		for (const name of names) {
			if (fs.existsSync(path.join(directory, name))) return path.join(directory, name);
		}
	}
	return skip('chromium is not installed');
}

function loadPlaywright() {
	try {
		const root = execFileSync('npm', ['root', '-g'], { encoding: 'utf8' }).trim();

		return require(path.join(root, 'playwright-core'));
	} catch (error) {
		return skip('the npm package playwright-core is not installed');
	}
}

let failures = 0;

function fail(text) {
	console.log(text);
	failures++;
}

function is(what, got, want) {
	if (JSON.stringify(got) !== JSON.stringify(want))
		fail(`${what} is ${JSON.stringify(got)}, not ${JSON.stringify(want)}`.slice(0, 600));
}

function isTrue(what, condition) {
	if (!condition) fail(`not so: ${what}`);
}

const PATIENCE_MS = 120000; // a busy machine is no failure

// Opens a page that must say nothing on the console and ask for nothing.
async function open(browser, file, options) {
	const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, ...options });
	const name = path.basename(file);

	page.setDefaultTimeout(PATIENCE_MS);
	page.on('console', (message) => {
		if (message.type() === 'error' || message.type() === 'warning')
			fail(`${name}: console: ${message.text()}`);
	});
	page.on('pageerror', (error) => fail(`${name}: ${error.stack || error}`));
	page.on('request', (request) => {
		if (request.url() !== `file://${file}`) fail(`${name}: asks for ${request.url().slice(0, 200)}`);
	});
	await page.goto(`file://${file}`);
	await page.waitForSelector('html[data-ready]');
	return page;
}

const tab = (page, name) => page.click(`#tab-${name}`);

// Two pictures later; what the page does for the next one, as after scrolling, is done.
const pictures = (page) =>
	page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));

// The page's own clock: a search that waits for more keys, and a zoom, are over, however slow the machine is.
async function settle(page) {
	await page.evaluate(() => new Promise((done) => setTimeout(done, 350)));
	await pictures(page);
}

// data-value of the cells of a column, in the order of the rows that are drawn.
const column = (page, table, key) =>
	page.$$eval(`[aria-label="${table}"] tbody td[data-key="${key}"]`, (cells) =>
		cells.map((c) => Number(c.dataset.value)),
	);

async function chooseMetric(page, id) {
	await page.selectOption('#metric', id);
	await settle(page);
}

// The root of the flame graph, as drawn.
const wholeOf = (page) =>
	page.evaluate(() => {
		const graph = document.querySelector('.flame-place canvas');

		return graph ? Number(document.querySelector('.flame-place').dataset.whole) : 0;
	});

const sum = (list, value) => list.reduce((total, item) => total + value(item), 0);
const positive = (value) => Math.max(0, value);

// What folded stacks of each metric add up to, by the JSON report.
function metricSums(report) {
	const contended = report.locks.filter((lock) => lock.category === 'contention');
	const leaks = (name) =>
		sum(
			report.leaks.filter((leak) => leak.class === name),
			(leak) => leak.bytes,
		);

	return {
		peak: sum(report.sites, (site) => positive(site.peak_bytes)),
		live: sum(report.sites, (site) => positive(site.live_bytes)),
		bytes: sum(report.sites, (site) => site.alloc_bytes),
		count: sum(report.sites, (site) => site.alloc_count),
		temporary: sum(report.sites, (site) => site.temporary_count),
		realloc: sum(report.sites, (site) => site.realloc_count),
		definite: leaks('definite'),
		indirect: leaks('indirect'),
		possible: leaks('possible'),
		reachable: leaks('reachable'),
		wait: sum(contended, (lock) => sum(lock.waiters, (waiter) => waiter.wait_ns)),
		coordination: sum(
			report.locks.filter((lock) => lock.category === 'coordination'),
			(lock) => sum(lock.waiters, (waiter) => waiter.wait_ns),
		),
	};
}

async function checkOverview(page, report) {
	const tiles = await page.$$eval('.tiles .tile', (list) =>
		Object.fromEntries(
			list.map((tile) => [
				tile.dataset.key,
				tile.dataset.value === undefined ? null : Number(tile.dataset.value),
			]),
		),
	);
	const { totals } = report;

	for (const key of ['peak_bytes', 'alloc_bytes', 'temporary_count']) is(`tile ${key}`, tiles[key], totals[key]);
	if (report.leak_scan.ran) is('tile definite_bytes', tiles.definite_bytes, report.leak_totals.definite.bytes);
	else is('tile live_bytes', tiles.live_bytes, totals.live_bytes);
	if (report.process.mode !== 'sample')
		is(
			'tile wait_ns',
			tiles.wait_ns,
			sum(
				report.locks.filter((lock) => lock.category === 'contention'),
				(lock) => lock.wait_ns,
			),
		);
	is(
		'threads',
		await column(page, 'Threads', 'alloc_bytes'),
		report.threads
			.map((thread) => thread.alloc_bytes)
			.sort((a, b) => b - a)
			.slice(0, 20),
	);
}

// Every site, by scrolling through the table; and the stack behind the first.
async function checkSites(page, report) {
	const keys = ['peak_bytes', 'live_bytes', 'alloc_bytes', 'alloc_count', 'temporary_count', 'realloc_count'];
	const rows = new Map();

	await tab(page, 'sites');
	for (let scrolled = -1; ;) {
		const seen = await page.$$eval(
			'[aria-label="Allocation sites"] tbody tr[aria-rowindex]',
			(list, names) =>
				list.map((row) => [
					row.getAttribute('aria-rowindex'),
					names.map((name) =>
						Number(row.querySelector(`td[data-key="${name}"]`).dataset.value),
					),
				]),
			keys,
		);

		for (const [index, values] of seen) rows.set(index, values);
		const at = await page.$eval('[aria-label="Allocation sites"].grid-box', (box) => {
			box.scrollTop += box.clientHeight - 100;
			return box.scrollTop;
		});
		if (at === scrolled) break;
		scrolled = at;
		await pictures(page);
	}
	const text = (list) => list.map((values) => values.join(' ')).sort();
	is('sites', text([...rows.values()]), text(report.sites.map((site) => keys.map((key) => site[key]))));
	if (report.sites.length === 0) return;
	await page.$eval('[aria-label="Allocation sites"].grid-box', (box) => {
		box.scrollTop = 0;
	});
	await settle(page);
	await page.click('[aria-label="Allocation sites"] tbody tr[aria-rowindex="1"]');
	const most = report.sites.reduce((best, site) => (site.peak_bytes > best.peak_bytes ? site : best));
	if (report.sites.filter((site) => site.peak_bytes === most.peak_bytes).length > 1) return;
	const frames = await page.$$eval('.split-details .stack li .name', (list) =>
		list.map((item) => item.textContent),
	);
	const names = most.stack.map(
		(frame) =>
			frame.function ||
			(frame.module ? `${path.basename(frame.module)}+${frame.offset}` : frame.address),
	);
	is(
		'stack of the first site',
		frames.filter((name) => !name.startsWith('[')),
		names,
	);
}

async function checkFlame(page, report) {
	const wanted = metricSums(report);

	await tab(page, 'flame');
	for (const [metric, value] of Object.entries(wanted)) {
		await page.selectOption('#metric', metric);
		is(`flame graph of ${metric}`, await wholeOf(page), value);
	}
}

async function checkLocks(page, report) {
	await tab(page, 'locks');
	if (report.locks.length === 0 || report.process.mode === 'sample') {
		isTrue('no locks are said to be there', await page.$('.view-locks .empty'));
		return;
	}
	is(
		'waits of locks',
		await column(page, 'Locks', 'wait_ns'),
		report.locks
			.map((lock) => lock.wait_ns)
			.sort((a, b) => b - a)
			.slice(0, 30),
	);
	const [lock] = report.locks.slice().sort((a, b) => b.wait_ns - a.wait_ns);
	const cells = await page.$$eval('.matrix td', (list) =>
		list.reduce((total, cell) => total + Number(cell.dataset.value), 0),
	);
	is(
		'sum of the matrix',
		cells,
		sum(lock.matrix || [], (cell) => cell.wait_ns),
	);
}

// Lifetimes of all sites, as the page's own function has them; and the table of one, as drawn.
async function checkLifetimes(page, report) {
	const list = await page.evaluate(() => {
		const { sites } = window.memprof.model.report;

		return sites.id.map((id, i) => [id, siteLifetimes(sites, i)]);
	});
	const byId = new Map(list);
	const reallocs = await page.evaluate(() => {
		const { sites } = window.memprof.model.report;

		return sites.id.map((id, i) => [id, siteReallocs(sites, i)]);
	});

	is(
		'reallocs of all sites',
		Object.fromEntries(reallocs),
		Object.fromEntries(report.sites.map((site) => [site.id, site.reallocs])),
	);

	for (const site of report.sites) is(`lifetimes of site ${site.id}`, byId.get(site.id), site.lifetimes);
	const most = report.sites
		.filter((site) => site.lifetimes)
		.sort((a, b) => b.lifetimes.classes.length - a.lifetimes.classes.length)[0];
	if (!most) return;
	await page.evaluate((id) => window.memprof.showSite(id), most.id);
	is(
		'lifetimes drawn',
		await page.$$eval('.split-details .lifetimes td', (cells) => cells.map((c) => Number(c.dataset.value))),
		most.lifetimes.classes.map((row) => row.count),
	);
	const text = await page.textContent('.split-details');
	isTrue(
		'lifetimes are said to be estimates',
		text.includes(`Estimated from ${most.lifetimes.observed.toLocaleString('en-US')} block`),
	);
}

// The matrix of those who free what others allocate: all bytes, unless it has more rows or columns than are drawn.
async function checkFreePairs(page, report) {
	const pairs = report.free_pairs || [];

	await tab(page, 'overview');
	const cells = await page.$$eval('.free-pairs td', (list) => list.map((cell) => Number(cell.dataset.value)));
	is('cells of free pairs', cells.filter((value) => value > 0).length, pairs.length);
	is(
		'bytes of free pairs',
		cells.reduce((sum, value) => sum + value, 0),
		pairs.reduce((sum, pair) => sum + pair.bytes, 0),
	);
}

async function checkGrowth(page, report) {
	const { growth } = report;

	await tab(page, 'growth');
	if (!growth.judged) {
		const text = await page.textContent('.view-growth .empty');

		isTrue(
			`it is said why growth was not judged: ${text}`,
			/not judged/.test(text) &&
				(text.includes(`${growth.points} point`) || /timeline was off/.test(text)),
		);
		return;
	}
	if (growth.sites.length === 0) {
		isTrue('nothing grew', /Nothing grew/.test(await page.textContent('.view-growth .empty')));
		return;
	}
	for (const key of ['bytes_per_s', 'bytes_per_s_low', 'score', 'live_bytes'])
		is(
			`${key} of what grows`,
			await column(page, 'Growing sites', key),
			growth.sites.map((site) => site[key]),
		);
	const [first] = growth.sites;
	const details = await page.$$eval('.details.growth dd', (list) =>
		Object.fromEntries(list.map((item) => [item.dataset.key, Number(item.dataset.value)])),
	);
	for (const [key, value] of Object.entries(details)) is(`${key} of the fastest`, value, first[key]);
	is('facts of the fastest', Object.keys(details).length, 6);
	is('its function', await page.textContent('.split-details .stack li .name'), first.stack[0].function);
}

async function checkMarks(page, report) {
	const points = report.marks.flatMap((mark) => mark.points).sort((a, b) => a.time_ns - b.time_ns);

	await tab(page, 'overview');
	for (const key of ['time_ns', 'live_bytes', 'live_count', 'alloc_count', 'alloc_bytes', 'free_count']) {
		const cells = await column(page, 'Marks', key);

		is(
			`${key} of marks`,
			cells,
			points.slice(0, cells.length).map((point) => point[key]),
		);
		isTrue('marks are shown', cells.length >= Math.min(10, points.length));
	}
}

// PAGE JSON [PAGE JSON...]: the numbers on the page are those of the JSON report.
async function numbers(browser, files) {
	for (let i = 0; i < files.length; i += 2) {
		const report = JSON.parse(fs.readFileSync(files[i + 1], 'utf8'));
		const before = failures;
		const page = await open(browser, files[i]);

		await checkOverview(page, report);
		await checkSites(page, report);
		await checkFlame(page, report);
		await checkLocks(page, report);
		await checkLifetimes(page, report);
		await checkGrowth(page, report);
		await checkMarks(page, report);
		await tab(page, 'leaks');
		is(
			'leaks',
			await column(page, 'Leaks', 'bytes'),
			report.leaks
				.map((leak) => leak.bytes)
				.sort((a, b) => b - a)
				.slice(0, 20)
				.slice(0, report.leaks.length),
		);
		await checkFreePairs(page, report);
		await tab(page, 'missing');
		for (const [reason, count] of Object.entries(report.losses))
			is(
				reason,
				await page.$eval(`[data-key="${reason}"] td`, (cell) => Number(cell.dataset.value)),
				count,
			);
		await tab(page, 'tree');
		await tab(page, 'histograms');
		is(
			'sizes',
			await page.$$eval('.sizes td', (cells) => cells.map((cell) => Number(cell.dataset.value))),
			(report.totals.sizes || []).flatMap((row) => [row.count, row.bytes]),
		);
		is(
			'lifetimes',
			await page.$$eval('.lifetimes td', (cells) => cells.map((cell) => Number(cell.dataset.value))),
			report.totals.lifetimes ? report.totals.lifetimes.classes.map((row) => row.count) : [],
		);
		await page.close();
		if (failures > before) fail(`all this on ${files[i]}`);
	}
}

// What a person does, on a page about the target program churn.
async function works(browser, [file, json]) {
	const report = JSON.parse(fs.readFileSync(json, 'utf8'));
	const page = await open(browser, file);

	await worksTimeline(page, report);
	await worksTable(page, report);
	await worksFlame(page, report);
	await worksTree(page, report);
	await worksLooks(page, browser, file);
}

async function worksTimeline(page, report) {
	const over = await (await page.$('.timeline .u-over')).boundingBox();
	// The picture ends with the last point, and the process some time later.
	const end = report.timeline[report.timeline.length - 1].time_ns;

	await page.mouse.move(over.x + over.width * 0.25, over.y + 20);
	await page.mouse.down();
	await page.mouse.move(over.x + over.width * 0.6, over.y + 20, { steps: 5 });
	await page.mouse.up();
	isTrue(
		'a brush is said to be on',
		/Sites, stacks, leaks and locks/.test(await page.textContent('.brush-note')),
	);
	const range = await page.evaluate(() => window.memprof.brush);
	isTrue(
		'the brush has the range that was drawn',
		// The picture begins with the first point, which may come late in a run of a few milliseconds.
		range.from > 0.1 * end && range.to < end && range.from < range.to,
	);
	// The numbers of the time between: from the last point before it to the first behind.
	const ticks = report.timeline;
	const first = ticks.filter((tick) => tick.time_ns <= range.from).pop() || { alloc_bytes: 0, lock_wait_ns: 0 };
	const last = ticks.find((tick) => tick.time_ns >= range.to) || ticks[ticks.length - 1];
	const tile = (key) => page.$eval(`.tile[data-key="${key}"]`, (node) => Number(node.dataset.value));
	is('allocated in the range', await tile('alloc_bytes'), last.alloc_bytes - first.alloc_bytes);
	is('waited in the range', await tile('lock_wait_ns'), last.lock_wait_ns - first.lock_wait_ns);
	const alive = report.threads.filter(
		(thread) =>
			(thread.start_ns || 0) <= range.to && (thread.end_ns === null || thread.end_ns >= range.from),
	);
	is('threads alive then', (await column(page, 'Threads', 'alloc_bytes')).length, Math.min(alive.length, 15));
	await page.click('#brush-clear');
	is('allocated without a brush', await tile('alloc_bytes'), report.totals.alloc_bytes);
	// The same with keys. At the end a range stays as wide as it is.
	await page.focus('.timeline');
	await page.keyboard.press('Shift+ArrowRight');
	isTrue('keys brush, too', await page.evaluate(() => window.memprof.brush !== null));
	await page.keyboard.press('Shift+ArrowRight');
	const width = () => page.evaluate(() => window.memprof.brush.to - window.memprof.brush.from);
	const drawn = await width();
	for (let i = 0; i < 45; i++) await page.keyboard.press('ArrowRight');
	isTrue('a range moves as it is', Math.abs((await width()) - drawn) < 1000);
	await page.keyboard.press('Escape');
	isTrue('Escape ends the brush', await page.evaluate(() => window.memprof.brush === null));
}

async function worksTable(page, report) {
	await tab(page, 'sites');
	const sorted = (key, down) =>
		report.sites
			.map((site) => site[key])
			.sort((a, b) => (down ? b - a : a - b))
			.slice(0, 10);
	const head = (key) => `[aria-label="Allocation sites"] th[data-key="${key}"]`;

	for (const key of ['alloc_count', 'temporary_count', 'alloc_bytes']) {
		await page.click(`${head(key)} button`);
		is(`sorted by ${key}`, (await column(page, 'Allocation sites', key)).slice(0, 10), sorted(key, true));
		await page.click(`${head(key)} button`);
		is(
			`sorted by ${key}, upwards`,
			(await column(page, 'Allocation sites', key)).slice(0, 10),
			sorted(key, false),
		);
		is('aria-sort', await page.getAttribute(head(key), 'aria-sort'), 'ascending');
	}
	// What is chosen stays chosen, also the first of all rows.
	const chosen = () =>
		page.$eval('[aria-label="Allocation sites"]', () => document.querySelectorAll('tr.selected').length);
	await page.evaluate(() => window.memprof.showSite(window.memprof.model.report.sites.id[0]));
	await page.click(`${head('alloc_count')} button`);
	is('rows chosen after sorting', await chosen(), 1);
	// A name is found although it is a regular expression of something else.
	is(
		'found as it stands, and as an expression',
		await page.evaluate(() =>
			[
				['f(char*)', 'f(char*)'],
				['operator++', 'x operator++(int)'],
				['^ma.n$', 'main'],
				['^ma.n$', 'domain'],
				['a.b', 'axb'],
			].map(([text, name]) => searchPattern(text).test(name)),
		),
		[true, true, true, false, false],
	);
	// Search: only stacks that have the name.
	const [name] = report.sites
		.flatMap((site) => site.stack)
		.map((frame) => frame.function)
		.filter((text) => text && !/main|start|clone/.test(text));
	await page.keyboard.press('/');
	await page.keyboard.type(name);
	await settle(page);
	const found = report.sites.filter((site) =>
		site.stack.some((frame) =>
			[frame.function, frame.file, frame.module].some((text) =>
				(text || '').toLowerCase().includes(name.toLowerCase()),
			),
		),
	);
	is(
		`sites with ${name}`,
		await page.textContent('.found'),
		`${found.length} of ${report.sites.length} sites`.replace(/^1 of 1 sites$/, '1 of 1 site'),
	);
	await page.fill('#search', 'no such function anywhere');
	await settle(page);
	is(
		'an empty table says so',
		await page.textContent('[aria-label="Allocation sites"] td.none'),
		'No stack matches.',
	);
	await page.fill('#search', '');
	await settle(page);
	// Keys choose rows.
	await page.focus('[aria-label="Allocation sites"].grid-box');
	await page.keyboard.press('ArrowDown');
	is('chosen row', await page.getAttribute('[aria-label="Allocation sites"] tr.selected', 'aria-rowindex'), '1');
	isTrue('its stack is shown', await page.$('.split-details .stack li'));
}

async function worksFlame(page, report) {
	await tab(page, 'flame');
	await chooseMetric(page, 'count');
	const canvas = await (await page.$('.flame-place canvas')).boundingBox();
	const window_ = () => page.evaluate(() => window.memprof.graph.window);
	const crumbs = () => page.$$eval('.crumbs .link', (list) => list.map((item) => item.textContent));

	is('zoom at first', await window_(), { from: 0, to: 1 });
	// The widest child of the innermost frame that branches, or the deepest one.
	const target = await page.evaluate(() => {
		const { graph } = window.memprof;
		const node =
			graph.drawn
				.filter((f) => f.right - f.left < graph.width - 2)
				.sort((a, b) => b.right - b.left - (a.right - a.left))[0] ||
			graph.drawn[graph.drawn.length - 1];

		return {
			x: (node.left + node.right) / 2,
			y: node.y + 10,
			share: graph.share(node.node),
			name: graph.label(node.node),
		};
	});
	await page.mouse.move(canvas.x + target.x, canvas.y + target.y);
	isTrue('the tooltip names the frame', (await page.textContent('#tooltip')).includes(target.name));
	await page.mouse.click(canvas.x + target.x, canvas.y + target.y);
	await settle(page);
	const zoomed = await window_();
	isTrue('a click zooms to the frame', Math.abs(zoomed.to - zoomed.from - target.share) < 1e-9);
	is('crumbs lead there', (await crumbs()).pop(), target.name.slice(0, 40));
	await page.click('#reset-zoom');
	await settle(page);
	is('zoom is reset', await window_(), { from: 0, to: 1 });
	// Keys.
	await page.evaluate(() => window.memprof.graph.select(0));
	await page.focus('.flame-place canvas');
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('ArrowDown');
	await page.keyboard.press('Enter');
	await settle(page);
	is('crumbs after two steps inward', (await crumbs()).length, 3);
	isTrue('a reader hears the frame', (await page.textContent('#status')).length > 3);
	await page.keyboard.press('Escape');
	await settle(page);
	is('Escape zooms out', await window_(), { from: 0, to: 1 });
	// Search: what share of it is in frames that match.
	const whole = metricSums(report).count;
	const inMain = sum(
		report.sites.filter((site) => site.stack.some((frame) => frame.function === 'main')),
		(site) => site.alloc_count,
	);
	await page.fill('#search', '^main$');
	await settle(page);
	isTrue(
		'the search says how much matches',
		(await page.textContent('.found')).startsWith(
			`${inMain.toLocaleString('en-US')}, ${((100 * inMain) / whole).toFixed(1)} %`,
		),
	);
	await page.fill('#search', '');
	await settle(page);
	// Inverted: the same whole, and the outermost frames are those that allocate.
	await page.click('[data-choice="inverted"]');
	await settle(page);
	is('the whole inverted', await wholeOf(page), whole);
	const first = await page.evaluate(() => {
		const { graph } = window.memprof;

		return graph.children(0).map((node) => graph.model.nameOfFrame(graph.tree.frame[node]));
	});
	const inner = new Set(report.sites.filter((site) => site.stack.length).map((site) => site.stack[0].function));
	isTrue(
		'innermost functions come first',
		first.every((name) => inner.has(name) || /^\[|\+0x/.test(name)),
	);
	await page.click('[data-choice="flame"]');
	await page.click('[data-choice="lines"]');
	await settle(page);
	is('the whole by lines', await wholeOf(page), whole);
	await page.click('[data-choice="functions"]');
	await page.click('[data-choice="plain"]');
	await page.click('[data-choice="icicle"]');
}

async function worksTree(page, report) {
	await tab(page, 'tree');
	await chooseMetric(page, 'count');
	const whole = metricSums(report).count;
	const first = () =>
		page.$$eval('.tree-box tbody tr[aria-level="1"] td.number[data-value]', (cells) =>
			cells
				.filter((c, i) => i % 2 === 0)
				.reduce((total, cell) => total + Number(cell.dataset.value), 0),
		);

	is('top-down, first level', await first(), whole);
	await page.click('[data-choice="bottom"]');
	is('bottom-up, first level', await first(), whole);
	await page.focus('.tree-box');
	const rows = () => page.$$eval('.tree-box tbody tr[data-node]', (list) => list.length);
	const closed = await rows();
	await page.keyboard.press('ArrowRight');
	isTrue('an arrow key opens a row', (await rows()) > closed);
	await page.keyboard.press('ArrowLeft');
	is('and closes it', await rows(), closed);
	// Around main: all that is below it.
	await page.click('[data-choice="around"]');
	await page.fill('#search', '^main$');
	await settle(page);
	await page.click('[aria-label="Functions"] tbody tr[aria-rowindex="1"]');
	const inMain = sum(
		report.sites.filter((site) => site.stack.some((frame) => frame.function === 'main')),
		(site) => site.alloc_count,
	);
	is(
		'total of main',
		await page.$eval('.around-self dd[data-key="total"]', (cell) => Number(cell.dataset.value)),
		inMain,
	);
	is(
		'callers of main',
		sum(await column(page, 'Callers', 'total'), (value) => value),
		inMain,
	);
	const own = await page.$eval('.around-self dd[data-key="self"]', (cell) => Number(cell.dataset.value));
	const callees = await column(page, 'Callees', 'total');
	is('what main calls, and it itself', sum(callees, (value) => value) + own, inMain);

	await page.fill('#search', '');
	await settle(page);
}

async function worksLooks(page, browser, file) {
	const background = (where) => where.evaluate(() => getComputedStyle(document.body).backgroundColor);
	const brightness = (color) => sum(color.match(/\d+/g).slice(0, 3), Number);
	const light = await background(page);

	await page.click('#theme');
	await page.click('#theme');
	const dark = await background(page);
	isTrue(`dark is dark: ${light}, ${dark}`, brightness(light) > 600 && brightness(dark) < 150);
	const asSystem = await open(browser, file, { colorScheme: 'dark' });
	is('colours of a dark system', await background(asSystem), dark);
	await asSystem.close();
	for (const [key, id] of [
		['1', 'overview'],
		['4', 'sites'],
		['9', 'missing'],
	]) {
		await page.keyboard.press(key);
		is(`key ${key}`, await page.getAttribute(`#tab-${id}`, 'aria-selected'), 'true');
	}
	// In a viewer that allows scripts and nothing else, as those of CI systems.
	const frame = await browser.newPage();
	const errors = [];
	frame.on('pageerror', (error) => errors.push(String(error)));
	await frame.setContent('<iframe sandbox="allow-scripts" style="width: 1200px; height: 800px"></iframe>');
	await frame.evaluate(
		(html) => {
			document.querySelector('iframe').srcdoc = html;
		},
		fs.readFileSync(file, 'utf8'),
	);
	await frame.frameLocator('iframe').locator('.tile').first().waitFor({ timeout: PATIENCE_MS });
	is('errors in a sandbox', errors, []);
	await frame.close();
	const without = await browser.newPage({ javaScriptEnabled: false });
	await without.goto(`file://${file}`);
	isTrue(
		'without scripts there are the totals',
		/allocated in .* at the peak/.test(await without.textContent('body')),
	);
	await without.close();
}

// PAGE DIFF-JSON: the comparison on the page is that of memprof-analyze diff.
async function diff(browser, [file, json, oldJson, newJson]) {
	const report = JSON.parse(fs.readFileSync(json, 'utf8'));
	const [old, now] = [oldJson, newJson].map((name) => JSON.parse(fs.readFileSync(name, 'utf8')));
	const page = await open(browser, file);

	const totals = await page.$$eval('#diff-totals tbody tr', (rows) =>
		Object.fromEntries(
			rows.map((row) => [
				row.querySelector('th').textContent,
				[...row.querySelectorAll('td[data-value]')].map((cell) => Number(cell.dataset.value)),
			]),
		),
	);
	is('peak', totals.Peak, [old.totals.peak_bytes, now.totals.peak_bytes]);
	is('allocations', totals.Allocations, [old.totals.alloc_count, now.totals.alloc_count]);
	await tab(page, 'sites');
	await chooseMetric(page, 'bytes');
	const rows = await page.evaluate(() =>
		diffSites(window.memprof.model)
			.map((row) => row.sums.map((side) => side.alloc_bytes || 0))
			.filter(([a, b]) => a !== b),
	);
	const wanted = report.sites
		.map((site) => site.changes.alloc_bytes)
		.filter((value) => value && value.old !== value.new)
		.map((value) => [value.old, value.new]);
	const text = (list) => list.map((pair) => pair.join(' ')).sort();
	is('sites that changed', text(rows), text(wanted));
	await tab(page, 'flame');
	await chooseMetric(page, 'bytes');
	is('whole of the flame graph', await wholeOf(page), now.totals.alloc_bytes);
	for (const name of ['tree', 'leaks', 'growth', 'locks', 'histograms', 'missing', 'overview'])
		await tab(page, name);
	await settle(page);
}

// How long a page takes until it can be used, and what a user waits for on it; the best of three.
async function speed(browser, [file, limit]) {
	const best = { first: Infinity, ready: Infinity };
	const busy = require('os').loadavg()[0] > require('os').cpus().length;

	for (let i = 0; i < 3; i++) {
		const page = await open(browser, file);
		const times = await page.evaluate(
			() =>
				new Promise((resolve) =>
					requestAnimationFrame(() =>
						setTimeout(() => {
							const paints =
								performance.getEntriesByName('first-contentful-paint');

							resolve({
								first: paints[0].startTime,
								ready: window.memprof.readyMs,
							});
						}),
					),
				),
		);

		best.first = Math.min(best.first, times.first);
		best.ready = Math.min(best.ready, times.ready);
		if (i === 2) await speedOfViews(page, best);
		await page.close();
	}
	const text = Object.entries(best).map(([name, ms]) => `${name} ${Math.round(ms)} ms`);
	console.log(
		`page of ${fs.statSync(file).size} bytes: ${text.join(', ')}; bound of the first paint: ${limit} ms`,
	);
	if (busy) console.log('this machine is too busy to judge times');
	else if (best.first > limit) fail(`first paint after ${best.first} ms`);
}

async function speedOfViews(page, best) {
	const timed = (action, argument) =>
		page.evaluate(
			([name, value]) => {
				const start = performance.now();

				window.memprof[name](value);
				return performance.now() - start;
			},
			[action, argument],
		);

	best.flame = await timed('openTab', 'flame');
	await settle(page);
	best.repaint = await page.evaluate(() => {
		const start = performance.now();

		for (let i = 0; i < 10; i++) window.memprof.graph.paint();
		return (performance.now() - start) / 10;
	});
	best.metric = await timed('setMetric', 'bytes');
	best.search = await timed('setSearch', 'spread');
	best.tree = await timed('openTab', 'tree');
	best.sites = await timed('openTab', 'sites');
}

// PAGE PREFIX: pictures for the README.
async function shots(browser, [file, prefix]) {
	for (const scheme of ['light', 'dark']) {
		const page = await open(browser, file, { colorScheme: scheme, viewport: { width: 1280, height: 800 } });
		const view = scheme === 'light' ? 'flame' : 'overview';

		await tab(page, view);
		await settle(page);
		await page.screenshot({ path: `${prefix}-${view}.png` });
		await page.close();
	}
}

const tests = { numbers, works, diff, speed, shots };

(async () => {
	const { chromium } = loadPlaywright();
	const browser = await chromium.launch({
		executablePath: findBrowser(),
		args: ['--no-sandbox', '--disable-gpu'],
		timeout: PATIENCE_MS,
	});

	try {
		await tests[process.argv[2]](browser, process.argv.slice(3));
	} catch (error) {
		fail(error.stack || String(error));
	}
	await browser.close();
	process.exit(failures > 0 ? 1 : 0);
})();
