// SPDX-License-Identifier: MIT
// The first view: totals, the timeline with its brush, the most of everything, threads.
'use strict';

function tile({ label, value, unit, note, key, tone, error }) {
	return element(
		'div',
		{ class: `tile ${tone || ''}`, 'data-key': key, 'data-value': value },
		element('div', { class: 'tile-label' }, label),
		element(
			'div',
			{ class: 'tile-value' },
			formatValue(value, unit),
			error ? element('small', {}, ` ± ${formatValue(error, unit)}`) : '',
		),
		element('div', { class: 'tile-note' }, note || ''),
	);
}

function atTime(ns) {
	return ns === null ? '' : `, at ${formatDuration(ns).replace(/ /g, '\u00a0')}`;
}

function tilesOf(report, range) {
	const t = report.totals;
	const wait = report.locks
		.filter((lock) => lock.category === 'contention')
		.reduce((sum, lock) => sum + lock.wait_ns, 0);
	const definite = report.leak_totals.definite.bytes;
	const rss = report.timeline.reduce((most, tick) => Math.max(most, tick.rss_bytes || 0), 0) || null;

	if (range) {
		const sums = sumsBetween(report, range.from, range.to);
		const seconds = Math.max(1, sums.to - sums.from) / 1e9;

		return [
			{
				label: 'Most alive',
				value: sums.live_most,
				unit: 'bytes',
				key: 'live_most',
				tone: 'memory',
				note: `${formatShare(sums.live_most, t.peak_bytes)} of the peak`,
			},
			{
				label: 'Allocated',
				value: sums.alloc_bytes,
				unit: 'bytes',
				key: 'alloc_bytes',
				tone: 'memory',
				note: `at ${formatRate(sums.alloc_count / seconds)}`,
			},
			{
				label: 'Live bytes changed by',
				value: sums.live_change,
				unit: 'bytes',
				key: 'live_change',
				tone: 'memory',
				note: plural(sums.free_count, 'free'),
			},
			{
				label: 'Allocations',
				value: sums.alloc_count,
				unit: 'count',
				key: 'alloc_count',
				tone: 'memory',
				note: `${formatShare(sums.alloc_count, t.alloc_count)} of all`,
			},
			{
				label: 'Waited for locks',
				value: sums.lock_wait_ns,
				unit: 'ns',
				key: 'lock_wait_ns',
				tone: 'locks',
				note: 'in all threads',
			},
			{
				label: 'Most resident',
				value: sums.rss_most,
				unit: 'bytes',
				key: 'rss_most',
				note: sums.rss_most === null ? 'not looked at in that time' : 'of what was looked at',
			},
		];
	}
	return [
		{
			label: 'Peak',
			value: t.peak_bytes,
			unit: 'bytes',
			key: 'peak_bytes',
			tone: 'memory',
			error: t.peak_bytes_stderr,
			note: plural(t.peak_count, 'block') + atTime(t.peak_time_ns),
		},
		{
			label: 'Allocated',
			value: t.alloc_bytes,
			unit: 'bytes',
			key: 'alloc_bytes',
			tone: 'memory',
			error: t.alloc_bytes_stderr,
			note: plural(t.alloc_count, 'allocation'),
		},
		definite === null
			? {
					label: 'Not freed',
					value: t.live_bytes,
					unit: 'bytes',
					key: 'live_bytes',
					tone: 'leaks',
					error: t.live_bytes_stderr,
					note: `${plural(t.live_count, 'block')}, no verdict`,
				}
			: {
					label: 'Definitely lost',
					value: definite,
					unit: 'bytes',
					key: 'definite_bytes',
					tone: definite > 0 ? 'leaks' : '',
					note: `of ${formatBytes(t.live_bytes)} not freed`,
				},
		{
			label: 'Temporary',
			value: t.temporary_count,
			unit: 'count',
			key: 'temporary_count',
			tone: 'memory',
			error: t.temporary_count_stderr,
			note: `${formatShare(t.temporary_count, t.alloc_count) || '0 %'} of allocations`,
		},
		{
			label: 'Waited for locks',
			value: report.process.mode === 'sample' ? null : wait,
			unit: 'ns',
			key: 'wait_ns',
			tone: wait > 0 ? 'locks' : '',
			note:
				report.process.mode === 'sample'
					? 'not recorded when sampling'
					: wait > 0
						? plural(
								report.locks.filter(
									(lock) => lock.category === 'contention',
								).length,
								'lock',
							)
						: 'nobody waited',
		},
		{ label: 'Most resident', value: rss, unit: 'bytes', key: 'rss_bytes', note: 'of the whole process' },
	];
}

function topList(app, title, rows, link, none) {
	return element(
		'section',
		{ class: 'card' },
		element(
			'h2',
			{},
			title,
			link ? element('button', { type: 'button', class: 'link', onclick: link }, 'all') : '',
		),
		rows.length ? element('ol', { class: 'top' }, ...rows) : element('p', { class: 'none' }, none),
	);
}

function topItem({ name, where, value, share, tone, note, onclick }) {
	return element(
		'li',
		{},
		element(
			'button',
			{ type: 'button', onclick },
			element('span', {
				class: `fill ${tone}`,
				style: widthOf(share),
				'aria-hidden': 'true',
			}),
			element('span', { class: 'top-name', title: name }, listName(name)),
			element('span', { class: 'top-value' }, value),
			element('span', { class: 'top-where', title: where }, where),
			element('span', { class: 'top-note' }, note || ''),
		),
	);
}

function topSites(app, column, whole) {
	const { model } = app;
	const part = model.parts.length - 1;
	const { sites } = model.report;

	return sites[column]
		.map((value, i) => i)
		.filter((i) => sites[column][i] > 0)
		.sort((a, b) => sites[column][b] - sites[column][a])
		.slice(0, 5)
		.map((i) => {
			const main = model.mainFrame(part, sites.node[i]);

			return topItem({
				name: model.nameOfFrame(main),
				where: model.placeOfFrame(main) || model.moduleOfFrame(main),
				value: formatBytes(sites[column][i]),
				share: sites[column][i] / whole,
				tone: 'memory',
				note: formatShare(sites[column][i], whole),
				onclick: () => app.showSite(sites.id[i]),
			});
		});
}

function topLeaks(app) {
	const { model } = app;
	const part = model.parts.length - 1;
	const { leaks, leak_totals: totals } = model.report;
	const whole = Math.max(
		1,
		...['definite', 'possible', 'unfreed'].map((word) => (totals[word] && totals[word].bytes) || 0),
	);

	return leaks.bytes
		.map((value, i) => i)
		.filter((i) => ['definite', 'possible', 'unfreed'].includes(model.leakWords[leaks.class[i]]))
		.slice(0, 5)
		.map((i) => {
			const main = model.mainFrame(part, leaks.node[i]);

			return topItem({
				name: model.nameOfFrame(main),
				where: model.placeOfFrame(main) || model.moduleOfFrame(main),
				value: formatBytes(leaks.bytes[i]),
				share: Math.min(1, leaks.bytes[i] / whole),
				tone: 'leaks',
				note:
					model.texts.leaks[leaks.class[i]].text +
					(leaks.indirect_bytes[i] > 0
						? `, ${formatBytes(leaks.indirect_bytes[i])} behind them`
						: ''),
				onclick: () => app.showLeak(i),
			});
		});
}

function topGrowing(app) {
	const { model } = app;
	const part = model.parts.length - 1;
	const { sites } = model.report.growth;

	return sites.slice(0, 5).map((row) => {
		const main = model.mainFrame(part, row.node);

		return topItem({
			name: model.nameOfFrame(main),
			where: model.placeOfFrame(main) || model.moduleOfFrame(main),
			value: formatPerHour(row.bytes_per_s, 'bytes'),
			share: row.bytes_per_s / Math.max(1, sites[0].bytes_per_s),
			tone: 'leaks',
			note: `score ${row.score.toFixed(2)}`,
			onclick: () => app.showGrowing(row.site),
		});
	});
}

function topLocks(app) {
	const locks = app.model.report.locks.filter((lock) => lock.category === 'contention' && lock.wait_ns > 0);
	const whole = locks.reduce((sum, lock) => sum + lock.wait_ns, 0);

	return locks.slice(0, 5).map((lock) =>
		topItem({
			name: lockName(lock),
			where: lock.advice.length ? lock.advice[0].text : lock.kind,
			value: formatDuration(lock.wait_ns),
			share: lock.wait_ns / whole,
			tone: 'locks',
			note: formatShare(lock.wait_ns, whole),
			onclick: () => app.showLock(lock.id),
		}),
	);
}

function strideText(marks) {
	return marks
		.filter((mark) => mark.stride > 1)
		.map((mark) => `one in ${formatCount(mark.stride)} of “${fitName(mark.text, 40)}”`)
		.join(', ');
}

function overviewView(app, parent) {
	const { model } = app;
	const { report } = model;
	const tiles = element('div', { class: 'tiles' });
	const note = element('p', { class: 'brush-note' });
	const threads = element('div', { class: 'card' });
	const marks = markPoints(report);
	const tables = [];
	let timeline = null,
		table = null;
	const fill = () => {
		tiles.replaceChildren(...tilesOf(report, app.brush).map(tile));
		note.replaceChildren(...brushNote(app, () => timeline.brush(null)));
		if (table) table.remove();
		threads.replaceChildren(element('h2', {}, app.brush ? 'Threads alive then' : 'Threads'));
		table = threadTable(app, threads);
	};

	parent.append(...notices(app), tiles);
	if (ticksOf(report).length > 1) {
		const card = element('section', { class: 'card' }, element('h2', {}, 'Over time'));

		parent.append(card);
		card.append(note);
		timeline = new Timeline(card, report, (range) => {
			app.brush = range;
			fill();
		});
		if (app.brush) timeline.brush(app.brush);
	} else {
		parent.append(
			element(
				'section',
				{ class: 'card' },
				element('h2', {}, 'Over time'),
				emptyState(
					'No timeline',
					'The program ended before a second point was taken, or the timeline was off.',
				),
			),
		);
	}
	fill();
	if (marks.length > 0) {
		const card = element('section', { class: 'card' }, element('h2', {}, 'Marks of the program'));

		parent.append(card);
		tables.push(marksTable(card, marks));
		if (report.marks.some((mark) => mark.stride > 1))
			card.append(
				element(
					'p',
					{ class: 'legend' },
					'Of texts that came very often only some are kept: ',
					strideText(report.marks),
				),
			);
	}
	parent.append(
		element(
			'div',
			{ class: 'cards' },
			topList(
				app,
				'Most memory at the peak',
				topSites(app, 'peak_bytes', report.totals.peak_bytes),
				() => app.openTab('sites'),
				'Nothing was allocated.',
			),
			topList(
				app,
				report.leak_scan.ran ? 'Leaks' : 'Not freed (no verdict)',
				topLeaks(app),
				() => app.openTab('leaks'),
				report.leak_scan.ran ? 'No block was lost.' : 'All blocks were freed.',
			),
			topList(
				app,
				'Growing all the time',
				topGrowing(app),
				() => app.openTab('growth'),
				report.growth.judged
					? 'Nothing did.'
					: 'Not judged: the run was too short, or had no timeline.',
			),
			topList(
				app,
				'Locks waited for longest',
				topLocks(app),
				() => app.openTab('locks'),
				report.process.mode === 'sample'
					? 'Not recorded when sampling.'
					: 'Nobody waited for a lock.',
			),
		),
		threads,
		freePairsCard(report),
	);
	return () => {
		if (timeline) timeline.remove();
		for (const each of [table, ...tables]) each.remove();
	};
}

function brushNote(app, clear) {
	if (!app.brush) return ['Draw over a part of the timeline to see the numbers of that time.'];
	const sums = sumsBetween(app.model.report, app.brush.from, app.brush.to);
	return [
		element('strong', {}, `${formatDuration(sums.from)} to ${formatDuration(sums.to)}: `),
		'numbers above and threads below are of this time, rounded to points of the timeline. Sites, stacks, ' +
			'leaks and locks stay those of the whole run: a dump keeps no time with a stack. ',
		element('button', { type: 'button', class: 'link', id: 'brush-clear', onclick: clear }, 'Whole run'),
	];
}

function notices(app) {
	const { report } = app.model;
	const list = [];
	const lost = Object.entries(report.losses).filter(
		([name, count]) => count > 0 && !/\(info\)/.test(app.model.texts.losses[name] || ''),
	);
	const link = (text) =>
		element('button', { type: 'button', class: 'link', onclick: () => app.openTab('missing') }, text);

	if (report.partial)
		list.push(
			element(
				'p',
				{ class: 'notice' },
				'This dump is incomplete: the program still runs, or the file is damaged. ',
				link('What is missing'),
			),
		);
	if (report.process.mode === 'sample')
		list.push(
			element(
				'p',
				{ class: 'notice quiet' },
				`Sampled, one in ${formatBytes(report.process.sample_bytes)} on average: ` +
					'numbers of the heap are estimates without bias, ± is one standard error.',
			),
		);
	if (lost.length > 0)
		list.push(element('p', { class: 'notice' }, 'Something was not recorded. ', link('What and why')));
	if (report.filter)
		list.push(
			element(
				'p',
				{ class: 'notice quiet' },
				`Only stacks that match ${report.filter}; totals are of the whole run.`,
			),
		);
	return list;
}

function threadTable(app, parent) {
	const range = app.brush;
	const rows = app.model.report.threads.filter(
		(thread) =>
			!range ||
			((thread.start_ns || 0) <= range.to && (thread.end_ns === null || thread.end_ns >= range.from)),
	);

	return new Table(parent, {
		label: 'Threads',
		rows,
		sort: 'alloc_bytes',
		columns: [
			{
				key: 'name',
				label: 'Thread',
				value: (t) =>
					t.threads > 1 ? `${t.name || '?'} (${t.threads} threads)` : t.name || '?',
			},
			{
				key: 'tid',
				label: 'Id',
				unit: 'count',
				value: (t) => t.tid,
				text: (t, v) => (v === null ? '' : String(v)),
				width: '5.5rem',
			},
			{ key: 'start_ns', label: 'Started', unit: 'ns', value: (t) => t.start_ns, width: '6.5rem' },
			{
				key: 'end_ns',
				label: 'Ended',
				unit: 'ns',
				value: (t) => t.end_ns,
				text: (t, v) => (v === null ? 'at the end' : formatDuration(v)),
				width: '6.5rem',
			},
			{
				key: 'alloc_count',
				label: 'Allocations',
				unit: 'count',
				value: (t) => t.alloc_count,
				share: true,
				width: '9rem',
			},
			{
				key: 'alloc_bytes',
				label: 'Bytes',
				unit: 'bytes',
				value: (t) => t.alloc_bytes,
				share: true,
				width: '8rem',
			},
			{ key: 'free_count', label: 'Frees', unit: 'count', value: (t) => t.free_count, width: '8rem' },
			{
				key: 'temporary_count',
				label: 'Temporary',
				unit: 'count',
				value: (t) => t.temporary_count,
				width: '8rem',
			},
			{
				key: 'lock_acquisitions',
				label: 'Locks taken',
				unit: 'count',
				value: (t) => t.lock_acquisitions,
				width: '8rem',
			},
			{
				key: 'lock_wait_ns',
				label: 'Waited',
				unit: 'ns',
				value: (t) => t.lock_wait_ns,
				share: true,
				width: '8rem',
			},
		],
	});
}
