// SPDX-License-Identifier: MIT
// Sites whose live memory grew as long as the program ran: slow leaks, also in a program that has not ended.
'use strict';

const S_PER_HOUR = 3600;
const GROWTH_POINTS_MIN = 6; // after the first quarter of the run, as in growth_view.c

// Slopes are small numbers per second, and what people remember is the memory after a day.
function formatPerHour(perSecond, unit) {
	return `${formatValue(Math.round(perSecond * S_PER_HOUR), unit)}/h`;
}

function whyNotJudged(report) {
	const { points } = report.growth;

	if (report.options.MEMPROF_TIMELINE_MS === '0')
		return 'Live memory of sites was never looked at: the timeline was off (MEMPROF_TIMELINE_MS=0).';
	return (
		`Live memory of sites is known at ${plural(points, 'point')} in time after the first quarter of the ` +
		`run; ${GROWTH_POINTS_MIN} are needed to tell growth from chance. The program ran too short a time, ` +
		'or MEMPROF_TIMELINE_MS was too long for it.'
	);
}

function perHour(key, label, title, share) {
	return {
		key,
		label,
		unit: 'bytes',
		title,
		value: (row) => row[key],
		text: (row, v) => formatPerHour(v, 'bytes'),
		share,
		width: '7.5rem',
	};
}

function growthColumns(model, part) {
	return [
		...placeColumns(
			model,
			() => part,
			(row) => row.node,
		),
		perHour('bytes_per_s', 'Grew by', 'Median of the slopes between all pairs of points', true),
		perHour(
			'bytes_per_s_low',
			'At least',
			'The lower end of the interval that holds the slope in 95 % of cases',
			false,
		),
		{
			key: 'score',
			label: 'Score',
			unit: 'count',
			title: 'Pairs of points where it grew less those where it shrank, as a share of all; up to 1',
			value: (row) => row.score,
			text: (row, v) => v.toFixed(2),
			width: '4.5rem',
		},
		{
			key: 'live_bytes',
			label: 'In the end',
			unit: 'bytes',
			title: 'Bytes alive at the last point',
			value: (row) => row.live_bytes,
			width: '6.5rem',
		},
	];
}

function slope(label, row, key) {
	return [label, `${formatBytes(row[key])}/s  ${formatPerHour(row[key], 'bytes')}`, key, row[key]];
}

function growthDetails(app, part, row) {
	const { growth, sites } = app.model.parts[part];
	const site = sites.id.indexOf(row.site);

	return element(
		'div',
		{},
		element(
			'div',
			{ class: 'details growth' },
			element('h3', {}, 'Growth'),
			facts([
				slope('grew by', row, 'bytes_per_s'),
				slope('at least, in 95 % of cases', row, 'bytes_per_s_low'),
				['blocks', formatPerHour(row.blocks_per_s, 'count'), 'blocks_per_s', row.blocks_per_s],
				['score', row.score.toFixed(2), 'score', row.score],
				fact(
					'added',
					row.grown_bytes,
					'bytes',
					'grown_bytes',
					`in ${formatDuration(growth.to_ns - growth.from_ns)}`,
				),
				fact(
					'alive at the last point',
					row.live_bytes,
					'bytes',
					'live_bytes',
					`in ${plural(row.live_count, 'block')}`,
				),
			]),
		),
		site >= 0
			? siteDetails(app, part, site)
			: element(
					'div',
					{ class: 'details' },
					stackActions(app, part, row.node, null),
					stackList(app.model, part, row.node),
				),
	);
}

function growthView(app, parent) {
	const { model } = app;
	const part = model.parts.length - 1;
	const { growth } = model.report;

	if (!growth.judged) {
		parent.append(emptyState('Growth was not judged', whyNotJudged(model.report)));
		return () => {};
	}
	parent.append(
		element(
			'p',
			{ class: 'growth-note' },
			`Live memory of the largest sites at ${plural(growth.points, 'point')} in time, from ` +
				`${formatDuration(growth.from_ns)} to ${formatDuration(growth.to_ns)} after the start` +
				`${model.isDiff ? ' of the newer run' : ''}. The first quarter, when caches fill, ` +
				'is left out. Listed are sites that grew all the time, in bytes and in blocks.' +
				(model.parts[part].process.mode === 'sample'
					? ' All numbers are estimates from a sample.'
					: ''),
		),
	);
	if (growth.sites.length === 0) {
		parent.append(
			emptyState(
				'Nothing grew all the time',
				model.report.filter ? `Of the stacks that match ${model.report.filter}.` : '',
			),
		);
		return () => {};
	}
	const split = splitView(parent, 'Choose a site to see its slope and its stack.');
	const wanted = () => {
		const found = app.pattern ? model.stacksMatching(app.pattern, part) : null;

		return growth.sites.filter((row) => !found || found[row.node]);
	};
	const table = new Table(split.list, {
		label: 'Growing sites',
		rows: wanted(),
		sort: 'bytes_per_s',
		columns: growthColumns(model, part),
		empty: 'No stack matches.',
		onSelect: (row) => split.show(growthDetails(app, part, row)),
	});

	app.onSearch = () => table.setRows(wanted());
	table.choose(
		Math.max(
			0,
			table.rows.findIndex((row) => row.site === app.growing),
		),
	);
	app.growing = null;
	return () => table.remove();
}

// For the overview, and above leaks; '' where nothing is known to grow.
function growthNotice(app) {
	const { growth } = app.model.report;
	const count = growth.sites.length;

	if (count === 0) return '';
	return element(
		'p',
		{ class: 'notice growth-notice' },
		`${plural(count, 'site')} grew all the time, fastest by ` +
			`${formatPerHour(growth.sites[0].bytes_per_s, 'bytes')}` +
			`${app.model.report.process.mode === 'sample' ? ' (estimated from a sample)' : ''}. `,
		element('button', { type: 'button', class: 'link', onclick: () => app.openTab('growth') }, 'Growth'),
	);
}
