// SPDX-License-Identifier: MIT
// Histograms, what was not recorded, and the circumstances of the run.
'use strict';

function histogramsView(app, parent) {
	const { totals } = app.model.report;
	const card = (title, ...children) =>
		parent.append(element('section', { class: 'card' }, element('h2', {}, title), ...children));

	if (totals.sizes)
		card(
			'Sizes of allocations',
			sizeTable(totals.sizes),
			element('p', { class: 'legend' }, 'Those of one site are in its details.'),
		);
	else
		card(
			'Sizes of allocations',
			emptyState(
				'Not recorded',
				'This dump has no histogram of sizes. Mean sizes are in the table of sites.',
			),
		);
	if (totals.lifetimes)
		card(
			'Lifetimes of blocks',
			...lifetimeTable(totals.lifetimes),
			element('p', { class: 'legend' }, 'Those of one site are in its details.'),
		);
	else
		card(
			'Lifetimes of blocks',
			emptyState(
				'Not recorded',
				'No block was observed from its allocation to its free in this dump.',
			),
		);
	return () => {};
}

function missingView(app, parent) {
	const { model } = app;
	const { report } = model;
	const { process, coverage } = report;
	const losses = Object.entries(report.losses).filter(([, count]) => count > 0);
	const marks = Object.entries(report.stacks);
	const markText = Object.fromEntries(
		Object.entries(model.texts.marks).map(([name, text]) => [name.toLowerCase(), text]),
	);
	const list = (rows) =>
		element(
			'table',
			{ class: 'plain wide' },
			element(
				'tbody',
				{},
				...rows.map(([count, text, note, key]) =>
					element(
						'tr',
						{ 'data-key': key },
						element(
							'td',
							{ class: 'number', 'data-value': count },
							typeof count === 'number' ? formatCount(count) : count,
						),
						element('td', {}, text),
						element('td', { class: 'muted' }, note || ''),
					),
				),
			),
		);

	parent.append(
		element(
			'section',
			{ class: 'card' },
			element('h2', {}, 'Not recorded'),
			losses.length
				? list(
						losses.map(([name, count]) => [
							count,
							(model.texts.losses[name] || name).replace(/ \(info\)$/, ''),
							/\(info\)/.test(model.texts.losses[name] || '')
								? 'for information'
								: '',
							name,
						]),
					)
				: element('p', { class: 'none' }, 'Nothing is known to be missing.'),
		),
		element(
			'section',
			{ class: 'card' },
			element('h2', {}, 'Stacks that are cut'),
			marks.length
				? list(
						marks.map(([word, count]) => [
							count,
							markText[word] || word,
							formatShare(count, report.totals.alloc_count),
							word,
						]),
					)
				: element('p', { class: 'none' }, 'All stacks are complete.'),
		),
		element(
			'section',
			{ class: 'card' },
			element('h2', {}, 'Memory that did not come through malloc'),
			coverage.anonymous_bytes === null
				? element('p', { class: 'none' }, 'Unknown: the process was not looked at.')
				: facts([
						fact(
							'most resident memory of no file',
							coverage.anonymous_bytes,
							'bytes',
							'anonymous_bytes',
						),
						fact(
							'at least so much of it is in no recorded block',
							coverage.unseen_bytes,
							'bytes',
							'unseen_bytes',
							coverage.notable
								? 'more than allocators usually waste'
								: 'no more than allocators usually waste',
						),
						coverage.allocator && ['allocator in the program', coverage.allocator],
						coverage.runtime && [
							`${coverage.runtime} has pools; to see each block, set`,
							coverage.runtime_option,
						],
					]),
		),
		element(
			'section',
			{ class: 'card' },
			element('h2', {}, 'Search for leaks'),
			report.leak_scan.ran
				? facts([
						['method', report.leak_scan.method],
						['when', report.leak_scan.trigger],
						fact('took', report.leak_scan.duration_ns, 'ns', 'duration_ns'),
						fact(
							'stopped the program for',
							report.leak_scan.pause_ns,
							'ns',
							'pause_ns',
						),
						fact(
							'blocks looked at',
							report.leak_scan.block_count,
							'count',
							'block_count',
						),
						fact(
							'memory not looked at',
							report.leak_scan.skipped_bytes,
							'bytes',
							'skipped_bytes',
						),
					])
				: element(
						'p',
						{ class: 'none' },
						`None: ${report.leak_scan.why_not || 'nobody asked for one'}.`,
					),
		),
		report.warnings.length
			? element(
					'section',
					{ class: 'card' },
					element('h2', {}, 'Names and files'),
					element(
						'ul',
						{ class: 'warnings' },
						...report.warnings.map((text) => element('li', {}, text)),
					),
				)
			: '',
		element(
			'section',
			{ class: 'card' },
			element('h2', {}, 'The run'),
			facts([
				['command', process.argv ? process.argv.join(' ') : process.exe || 'unknown'],
				['in', process.cwd || 'unknown'],
				['host', process.hostname || 'unknown'],
				['started', process.start_time || 'unknown'],
				['process', `${process.pid}, parent ${process.parent_pid}`],
				['written by', process.producer || 'unknown'],
				[
					'mode',
					process.mode === 'sample'
						? `sampled, one in ${formatBytes(process.sample_bytes)}`
						: process.mode,
				],
				process.self_bytes !== null &&
					fact('memprof itself mapped', process.self_bytes, 'bytes', 'self_bytes'),
				['dump', report.dump],
			]),
		),
		element(
			'section',
			{ class: 'card' },
			element('h2', {}, 'Options in force'),
			element(
				'table',
				{ class: 'plain' },
				element(
					'tbody',
					{},
					...Object.entries(report.options).map(([name, value]) =>
						element(
							'tr',
							{},
							element('th', { scope: 'row' }, name),
							element(
								'td',
								{},
								value === '' || value === null
									? element('span', { class: 'muted' }, 'empty')
									: value,
							),
						),
					),
				),
			),
		),
	);
	return () => {};
}
