// SPDX-License-Identifier: MIT
// Tables of sites, leaks and locks, each with the details of what is chosen.
'use strict';

const SITE_COLUMNS = [
	['peak_bytes', 'Peak', 'bytes', 'Bytes alive when most were'],
	['live_bytes', 'Not freed', 'bytes', 'Bytes alive at the end'],
	['alloc_bytes', 'Allocated', 'bytes', 'All bytes ever allocated here'],
	['alloc_count', 'Count', 'count', 'Allocations: how often'],
	['temporary_count', 'Temp.', 'count', 'Freed before the thread allocated again'],
	['realloc_count', 'Reallocs', 'count', 'Made by realloc out of an older block'],
];

function placeColumns(model, part, nodeOf) {
	const mains = new Map();
	const main = (row) => {
		const node = nodeOf(row);

		if (!mains.has(node)) mains.set(node, model.mainFrame(part(row), node));
		return mains.get(node);
	};

	const callers = new Map();
	const chain = (row) => {
		const node = nodeOf(row);

		if (!callers.has(node)) callers.set(node, callersOf(model, part(row), node, main(row)));
		return callers.get(node);
	};

	return [
		{
			key: 'function',
			label: 'Function',
			value: (row) => model.nameOfFrame(main(row)),
			text: (row, name) => listName(name),
		},
		{
			key: 'place',
			label: 'Where',
			value: (row) =>
				[baseName(model.placeOfFrame(main(row))), chain(row)].filter(Boolean).join('  '),
			hint: (row) =>
				`${model.placeOfFrame(main(row)) || model.moduleOfFrame(main(row))}\n${chain(row)}`,
		},
	];
}

// "< caller < its caller" of the frame MAIN, as in the text report.
function callersOf(model, part, node, main) {
	const frames = model.stack(part, node);

	return frames
		.slice(frames.indexOf(main) + 1, frames.indexOf(main) + 5)
		.map((frame) => `< ${fitName(model.nameOfFrame(frame), 40)}`)
		.join(' ');
}

function sitesView(app, parent) {
	if (app.model.isDiff) return diffSitesView(app, parent);
	const { model } = app;
	const { sites } = model.report;
	const split = splitView(parent, 'Choose a site to see its stack and all its numbers.');
	const all = Array.from(sites.node, (unused, i) => i);
	const wanted = () => {
		const found = app.pattern ? model.stacksMatching(app.pattern, 0) : null;

		return found ? all.filter((i) => found[sites.node[i]]) : all;
	};
	const count = element('span', { class: 'found' });
	const table = new Table(split.list, {
		label: 'Allocation sites',
		rows: wanted(),
		sort: 'peak_bytes',
		columns: [
			...placeColumns(
				model,
				() => 0,
				(i) => sites.node[i],
			),
			...SITE_COLUMNS.map(([key, label, unit, title]) => ({
				key,
				label,
				unit,
				title,
				value: (i) => sites[key][i],
				share: key === 'peak_bytes' || key === 'alloc_bytes',
				width: '6.2rem',
			})),
		],
		onSelect: (i) => split.show(siteDetails(app, 0, i)),
		empty: () => (app.pattern ? 'No stack matches.' : 'Nothing was allocated.'),
	});
	const say2 = () => {
		count.textContent = `${formatCount(table.rows.length)} of ${plural(all.length, 'site')}`;
	};

	parent.prepend(element('div', { class: 'bar-line' }, element('h2', {}, 'Allocation sites'), count));
	say2();
	app.onSearch = () => {
		table.setRows(wanted());
		say2();
	};
	if (app.site !== null) {
		table.choose(table.rows.findIndex((i) => sites.id[i] === app.site));
		app.site = null;
	}
	return () => table.remove();
}

function leaksView(app, parent) {
	const { model } = app;
	const part = model.parts.length - 1;
	const { report } = model;
	const { leaks, leak_scan: scan } = report;
	const classes = ['all', ...model.leakWords.filter((word, i) => word && leaks.class.includes(i))];
	const totals = element(
		'div',
		{ class: 'tiles small' },
		...model.texts.leaks
			.filter(Boolean)
			.filter(
				(row) =>
					report.leak_totals[row.word] &&
					(scan.ran ? row.word !== 'unfreed' : row.word === 'unfreed'),
			)
			.map((row) =>
				tile({
					label: row.text[0].toUpperCase() + row.text.slice(1),
					value: report.leak_totals[row.word].bytes,
					unit: 'bytes',
					key: row.word,
					tone:
						row.word === 'definite' && report.leak_totals[row.word].bytes > 0
							? 'leaks'
							: '',
					note:
						report.leak_totals[row.word].count === null
							? ''
							: plural(report.leak_totals[row.word].count, 'block'),
				}),
			),
	);

	if (!scan.ran)
		parent.append(
			element(
				'p',
				{ class: 'notice' },
				`No verdict: ${scan.why_not || 'nobody looked for leaks'}. What follows was not freed.`,
			),
		);
	parent.append(growthNotice(app), totals);
	const split = splitView(parent, 'Choose a leak to see where its blocks were allocated.');
	const all = Array.from(leaks.node, (unused, i) => i);
	const wanted = () => {
		const found = app.pattern ? model.stacksMatching(app.pattern, part) : null;
		const chosen = model.leakWords.indexOf(app.leakClass);

		return all.filter((i) => (!found || found[leaks.node[i]]) && (chosen < 0 || leaks.class[i] === chosen));
	};
	const table = new Table(split.list, {
		label: 'Leaks',
		rows: wanted(),
		sort: 'bytes',
		columns: [
			{
				key: 'class',
				label: 'Verdict',
				value: (i) => model.texts.leaks[leaks.class[i]].text,
				width: '9rem',
				cell: (i) =>
					element(
						'span',
						{ class: `verdict ${model.leakWords[leaks.class[i]]}` },
						model.texts.leaks[leaks.class[i]].text,
					),
			},
			...placeColumns(
				model,
				() => part,
				(i) => leaks.node[i],
			),
			{
				key: 'bytes',
				label: 'Bytes',
				unit: 'bytes',
				value: (i) => leaks.bytes[i],
				share: true,
				width: '8rem',
			},
			{ key: 'count', label: 'Blocks', unit: 'count', value: (i) => leaks.count[i], width: '7rem' },
			{
				key: 'indirect_bytes',
				label: 'Behind them',
				unit: 'bytes',
				title: 'Bytes of blocks that only these lead to',
				value: (i) => leaks.indirect_bytes[i],
				width: '7.5rem',
			},
		],
		empty: () => (app.pattern ? 'No stack matches.' : 'No block was left.'),
		onSelect: (i) => split.show(leakDetails(app, part, i)),
	});

	if (classes.length > 2)
		parent.insertBefore(
			element(
				'div',
				{ class: 'bar-line' },
				toggle(
					'Verdict',
					app.leakClass,
					classes.map((word) => [
						word,
						word === 'all'
							? 'All'
							: model.texts.leaks[model.leakWords.indexOf(word)].text,
					]),
					(word) => {
						app.leakClass = word;
						table.setRows(wanted());
					},
				),
			),
			totals.nextSibling,
		);
	app.onSearch = () => table.setRows(wanted());
	if (app.leak !== null) {
		table.choose(table.rows.indexOf(app.leak));
		app.leak = null;
	}
	return () => table.remove();
}

function leakDetails(app, part, i) {
	const { model } = app;
	const report = model.parts[part];
	const { leaks, sites } = report;
	const word = model.leakWords[leaks.class[i]];
	const main = model.mainFrame(part, leaks.node[i]);
	const owner = leaks.owner[i] ? sites.id.indexOf(leaks.owner[i]) : -1;

	return element(
		'div',
		{ class: 'details' },
		element('p', {}, element('span', { class: `verdict ${word}` }, model.texts.leaks[leaks.class[i]].text)),
		element('h2', {}, richName(model.nameOfFrame(main))),
		element('p', { class: 'where' }, model.placeOfFrame(main) || model.moduleOfFrame(main)),
		facts([
			fact('bytes', leaks.bytes[i], 'bytes', 'bytes'),
			fact('blocks', leaks.count[i], 'count', 'count'),
			leaks.indirect_count[i] > 0 &&
				fact(
					'blocks only these lead to',
					leaks.indirect_count[i],
					'count',
					'indirect_count',
					formatBytes(leaks.indirect_bytes[i]),
				),
			leaks.cycle_count[i] > 0 && fact('on a cycle', leaks.cycle_count[i], 'count', 'cycle_count'),
		]),
		owner >= 0 ? section('Lost with', stackRow(app, part, sites.node[owner], 'owner', '')) : '',
		section(
			'Allocated at',
			stackActions(app, part, leaks.node[i], word === 'unfreed' ? 'live' : word),
			stackList(model, part, leaks.node[i]),
		),
	);
}

function locksView(app, parent) {
	if (app.model.isDiff) return diffLocksView(app, parent);
	const { model } = app;
	const { report } = model;

	if (report.process.mode === 'sample') {
		parent.append(
			emptyState(
				'Locks are not recorded when sampling',
				'Run the program without MEMPROF_SAMPLE to see them.',
			),
		);
		return () => {};
	}
	if (report.locks.length === 0) {
		parent.append(emptyState('Nobody waited', 'No lock was contended, and no thread waited for another.'));
		return () => {};
	}
	const split = splitView(parent, 'Choose a lock to see who waited for it and because of whom.');
	const wanted = () => {
		const found = app.pattern ? model.stacksMatching(app.pattern, 0) : null;

		return report.locks.filter(
			(lock) =>
				!found ||
				app.pattern.test(lockName(lock)) ||
				lock.waiters.some((w) => found[w.node]) ||
				(lock.culprits || []).some((c) => found[c.node]),
		);
	};
	const table = new Table(split.list, {
		label: 'Locks',
		rows: wanted(),
		sort: 'wait_ns',
		columns: [
			{ key: 'name', label: 'Lock', value: lockName, text: (lock, name) => listName(name) },
			{
				key: 'kind',
				label: 'Kind',
				title: 'Waiting for work is what condition variables, semaphores and joins are for',
				width: '7.5rem',
				value: (lock) =>
					(lock.primitive || lock.kind) +
					(lock.category === 'coordination' ? ', for work' : ''),
			},
			{
				key: 'wait_ns',
				label: 'Waited',
				unit: 'ns',
				value: (lock) => lock.wait_ns,
				share: true,
				width: '6rem',
			},
			{
				key: 'contentions',
				label: 'Waits',
				unit: 'count',
				value: (lock) => lock.contentions,
				width: '5.2rem',
			},
			{
				key: 'acquisitions',
				label: 'Taken',
				unit: 'count',
				title: 'How often it was had',
				value: (lock) => lock.acquisitions,
				width: '6rem',
			},
			{
				key: 'wait_max_ns',
				label: 'Longest',
				unit: 'ns',
				value: (lock) => lock.wait_max_ns,
				width: '5.8rem',
			},
		],
		empty: 'No lock matches.',
		onSelect: (lock) => split.show(lockDetails(app, 0, lock)),
	});

	parent.prepend(
		...(report.lock_order && report.lock_order.cycles.length
			? [
					element(
						'p',
						{ class: 'notice' },
						plural(report.lock_order.cycles.length, 'order'),
						' of taking locks can deadlock: ',
						element('code', {}, 'memprof-analyze --locks'),
						' tells them.',
					),
				]
			: []),
	);
	app.onSearch = () => table.setRows(wanted());
	table.choose(
		Math.max(
			0,
			table.rows.findIndex((lock) => lock.id === app.lock),
		),
	);
	app.lock = null;
	return () => table.remove();
}
