// SPDX-License-Identifier: MIT
// Two runs compared: totals, sites and locks.
'use strict';

function diffOverview(app, parent) {
	const { model } = app;
	const [old, now] = model.parts;
	const waited = (report) =>
		report.process.mode === 'sample'
			? null // not recorded
			: report.locks
					.filter((lock) => lock.category === 'contention')
					.reduce((sum, lock) => sum + lock.wait_ns, 0);
	const rows = [
		['Peak', 'bytes', (r) => r.totals.peak_bytes],
		['Allocated', 'bytes', (r) => r.totals.alloc_bytes],
		['Allocations', 'count', (r) => r.totals.alloc_count],
		['Temporary allocations', 'count', (r) => r.totals.temporary_count],
		['Not freed', 'bytes', (r) => r.totals.live_bytes],
		['Blocks not freed', 'count', (r) => r.totals.live_count],
		['Definitely lost', 'bytes', (r) => r.leak_totals.definite.bytes],
		['Waited for locks', 'ns', waited],
		['Run time', 'ns', (r) => r.process.duration_ns],
	];

	parent.append(
		...notices(app),
		element(
			'section',
			{ class: 'card' },
			element('h2', {}, 'From one run to the other'),
			element(
				'table',
				{ class: 'plain wide', id: 'diff-totals' },
				element(
					'thead',
					{},
					element(
						'tr',
						{},
						...['', 'Before', 'After', 'Change', ''].map((text) =>
							element('th', { class: 'number', scope: 'col' }, text),
						),
					),
				),
				element(
					'tbody',
					{},
					...rows.map(([label, unit, value]) => {
						const a = value(old),
							b = value(now);
						const known = a !== null && b !== null;
						const direction = known ? changeClass(b - a) : '';

						return element(
							'tr',
							{},
							element('th', { scope: 'row' }, label),
							element(
								'td',
								{ class: 'number', 'data-value': a },
								formatValue(a, unit),
							),
							element(
								'td',
								{ class: 'number', 'data-value': b },
								formatValue(b, unit),
							),
							element(
								'td',
								{
									class: `number change ${direction}`,
								},
								known ? formatChange(b - a, unit) : '',
							),
							element(
								'td',
								{ class: 'number' },
								known && a > 0 ? formatPercentChange(a, b) : '',
							),
						);
					}),
				),
			),
		),
	);
	const charts = [
		[old, 'Before'],
		[now, 'After'],
	].map(([report, title]) => {
		const card = element('section', { class: 'card' }, element('h2', {}, `${title}: over time`));

		parent.append(card);
		if (ticksOf(report).length > 1) return new Timeline(card, report, () => {});
		card.append(emptyState('No timeline', ''));
		return null;
	});
	return () => charts.forEach((chart) => chart && chart.remove());
}

// Sites of both runs by the key of their stack: the same functions, whatever the lines and addresses.
function diffSites(model) {
	const rows = new Map();

	model.parts.forEach((report, part) =>
		report.sites.key.forEach((key, i) => {
			if (!rows.has(key)) rows.set(key, { key, sums: [{}, {}] });
			const row = rows.get(key);

			row.part = part;
			row.site = i;
			for (const [column] of SITE_COLUMNS)
				row.sums[part][column] = (row.sums[part][column] || 0) + report.sites[column][i];
		}),
	);
	return [...rows.values()];
}

function changeColumns(old, now, unit, valueOf) {
	return [
		{ key: 'old', label: 'Before', unit, value: (row) => valueOf(row, old), width: '8rem' },
		{ key: 'now', label: 'After', unit, value: (row) => valueOf(row, now), width: '8rem' },
		{
			key: 'change',
			label: 'Change',
			unit,
			value: (row) => valueOf(row, now) - valueOf(row, old),
			text: (row, v) => formatChange(v, unit),
			share: true,
			width: '8rem',
		},
		{
			key: 'moved',
			label: 'Moved',
			unit,
			title: 'The change, whatever its direction',
			value: (row) => Math.abs(valueOf(row, now) - valueOf(row, old)),
			width: '7rem',
		},
	];
}

function changeClass(change) {
	return change > 0 ? 'more' : change < 0 ? 'less' : '';
}

function diffSitesView(app, parent) {
	const { model } = app;
	const rows = diffSites(model);
	const split = element('div');
	let table = null;
	const fill = () => {
		const metric = METRIC[app.metric].column ? METRIC[app.metric] : METRIC.peak;
		const value = (row, part) => row.sums[part][metric.column] || 0;
		const found = app.pattern && model.parts.map((unused, part) => model.stacksMatching(app.pattern, part));
		const view = (split.replaceChildren(), splitView(split, 'Choose a site to see its stack.'));

		if (table) table.remove();
		table = new Table(view.list, {
			label: 'Sites of both runs',
			sort: 'moved',
			rows: rows.filter(
				(row) => !found || found[row.part][model.parts[row.part].sites.node[row.site]],
			),
			columns: [
				...placeColumns(
					model,
					(row) => row.part,
					(row) => model.parts[row.part].sites.node[row.site],
				),
				...changeColumns(0, 1, metric.unit, value),
			],
			rowClass: (row) => changeClass(value(row, 1) - value(row, 0)),
			onSelect: (row) => view.show(siteDetails(app, row.part, row.site)),
		});
	};

	parent.append(
		element(
			'div',
			{ class: 'bar-line' },
			metricChooser(app, (metric) => metric.column),
		),
		split,
	);
	fill();
	app.onMetric = app.onSearch = fill;
	return () => table.remove();
}

function diffLocksView(app, parent) {
	const { model } = app;
	const rows = new Map();

	model.parts.forEach((report, part) =>
		report.locks.forEach((lock) => {
			const key = `${lock.kind} ${lock.name || lock.class}`;

			if (!rows.has(key)) rows.set(key, { sums: [{}, {}] });
			const row = rows.get(key);
			row.lock = lock;
			row.part = part;
			row.sums[part].wait_ns = (row.sums[part].wait_ns || 0) + lock.wait_ns;
		}),
	);
	const value = (row, part) => row.sums[part].wait_ns || 0;
	const view = splitView(parent, 'Choose a lock to see who waited for it.');
	const table = new Table(view.list, {
		label: 'Locks of both runs',
		sort: 'moved',
		rows: [...rows.values()],
		columns: [
			{ key: 'name', label: 'Lock', value: (row) => lockName(row.lock) },
			{
				key: 'kind',
				label: 'Kind',
				value: (row) => row.lock.primitive || row.lock.kind,
				width: '7rem',
			},
			...changeColumns(0, 1, 'ns', value),
		],
		rowClass: (row) => changeClass(value(row, 1) - value(row, 0)),
		empty: 'Nobody waited in either run.',
		onSelect: (row) => view.show(lockDetails(app, row.part, row.lock)),
	});
	return () => table.remove();
}
