// SPDX-License-Identifier: MIT
// What is told of one thing when it is chosen: a stack, a site, a lock.
'use strict';

// NAME with what stands in brackets dimmed, and places where it may be broken.
function richName(name) {
	const node = element('span', { class: 'name' });
	let depth = 0;
	let run = '';
	const flush = () => {
		if (run) node.append(depth > 0 ? element('span', { class: 'dim' }, run) : run);
		run = '';
	};

	if (!/[(<]/.test(name) || /^\[/.test(name)) {
		node.append(name);
		return node;
	}
	for (let i = 0; i < name.length; i++) {
		const c = name[i];

		if ((c === '<' || c === '(') && !/operator[<(]?$/.test(name.slice(Math.max(0, i - 10), i))) {
			if (depth === 0) flush();
			depth++;
			run += c;
		} else if ((c === '>' || c === ')') && depth > 0 && name[i - 1] !== '-') {
			run += c;
			if (depth === 1) flush();
			depth--;
		} else {
			run += c;
		}
		if (c === ',' || (c === ':' && name[i - 1] === ':')) {
			flush();
			node.append(element('wbr'));
		}
	}
	flush();
	return node;
}

function frameItem(model, frame, main) {
	const place = model.placeOfFrame(frame);

	return element(
		'li',
		{ class: frame === main ? 'main' : '' },
		richName(model.nameOfFrame(frame)),
		element(
			'span',
			{ class: 'where' },
			place ? element('span', { class: 'place', title: place }, place) : '',
			element('span', { class: 'module' }, model.moduleOfFrame(frame)),
			model.frameInlined[frame] ? element('span', { class: 'tag' }, 'inlined') : '',
		),
	);
}

function stackList(model, part, node) {
	const frames = model.stack(part, node);
	const main = model.mainFrame(part, node);

	if (frames.length === 0) return element('p', { class: 'muted' }, 'No stack is known.');
	return element('ol', { class: 'stack' }, ...frames.map((frame) => frameItem(model, frame, main)));
}

function stackText(model, part, node) {
	return model
		.stack(part, node)
		.map((frame) =>
			[model.nameOfFrame(frame), model.placeOfFrame(frame), `(${model.moduleOfFrame(frame)})`]
				.filter((text) => text && text !== '()')
				.join('  '),
		)
		.join('\n');
}

function copyButton(text) {
	return element(
		'button',
		{
			type: 'button',
			class: 'quiet',
			onclick: async (event) => {
				const button = event.target;
				let copied = true;

				try {
					await navigator.clipboard.writeText(text());
				} catch (error) {
					const area = element('textarea', {}, text());

					document.body.append(area);
					area.select();
					copied = document.execCommand('copy');
					area.remove();
				}
				button.textContent = copied ? 'Copied' : 'Not allowed here';
				setTimeout(() => {
					button.textContent = 'Copy stack';
				}, 1500);
			},
		},
		'Copy stack',
	);
}

// [[label, text, key, value]...]: key and value are for tests; what is null or false is left out.
function facts(rows) {
	return element(
		'dl',
		{ class: 'facts' },
		...rows
			.filter(Boolean)
			.flatMap(([label, text, key, value]) => [
				element('dt', {}, label),
				element('dd', { 'data-key': key, 'data-value': value }, text),
			]),
	);
}

function fact(label, value, unit, key, note) {
	return [label, formatValue(value, unit) + (note ? `  ${note}` : ''), key, value];
}

function siteError(sites, key, i, unit) {
	const error = sites[`${key}_stderr`];

	return error ? `± ${formatValue(error[i], unit)}` : '';
}

// SIZES: [{ from, to, count, bytes }], smallest first.
function sizeTable(sizes) {
	const most = (key) => sizes.reduce((largest, row) => Math.max(largest, row[key]), 1);
	const bar = (key, row, text) =>
		element(
			'td',
			{ class: 'histogram', 'data-value': row[key] },
			element('span', {
				class: `histogram-bar ${key}`,
				style: widthOf((0.6 * row[key]) / most(key)),
			}),
			text,
		);

	return element(
		'table',
		{ class: 'plain wide sizes' },
		element(
			'thead',
			{},
			element(
				'tr',
				{},
				...['bytes each', 'allocations', 'bytes'].map((text) =>
					element('th', { scope: 'col' }, text),
				),
			),
		),
		element(
			'tbody',
			{},
			...sizes.map((row) =>
				element(
					'tr',
					{},
					element(
						'th',
						{ scope: 'row' },
						row.from === row.to ? `${row.from}` : `${row.from}–${row.to}`,
					),
					bar('count', row, formatCount(row.count)),
					bar('bytes', row, formatBytes(row.bytes)),
				),
			),
		),
	);
}

// The sizes of one site: four numbers for each class.
function siteSizes(sites, i) {
	const list = sites.sizes ? sites.sizes[i] : [];
	const rows = [];

	for (let at = 0; at < list.length; at += 4)
		rows.push({ from: list[at], to: list[at + 1], count: list[at + 2], bytes: list[at + 3] });
	return rows;
}

// LIFETIMES: { observed, mean_ns, freed_elsewhere_count, classes: [{ from_ns, to_ns, count }] }, shortest first. All
// are estimates: the preload observes one allocation in some hundreds.
function lifetimeTable(lifetimes) {
	const most = lifetimes.classes.reduce((largest, row) => Math.max(largest, row.count), 1);
	const name = ({ from_ns: from, to_ns: to }) =>
		to === null
			? `${formatDuration(from)} or longer`
			: `${formatDuration(from)} to ${formatDuration(to + 1)}`;
	const elsewhere = lifetimes.freed_elsewhere_count;

	return [
		element(
			'table',
			{ class: 'plain wide lifetimes' },
			element(
				'tbody',
				{},
				...lifetimes.classes.map((row) =>
					element(
						'tr',
						{},
						element('th', { scope: 'row' }, name(row)),
						element(
							'td',
							{ class: 'histogram', 'data-value': row.count },
							element('span', {
								class: 'histogram-bar',
								style: widthOf((0.5 * row.count) / most),
							}),
							`about ${formatCount(row.count)}`,
						),
					),
				),
			),
		),
		element(
			'p',
			{ class: 'legend' },
			`Estimated from ${plural(lifetimes.observed, 'block')}, taken at random; they lived ` +
				`${formatDuration(lifetimes.mean_ns)} on average` +
				(elsewhere > 0
					? `, and another thread than theirs freed about ${formatCount(elsewhere)}. `
					: '. ') +
				'Blocks not freed are not among them.',
		),
	];
}

// The lifetimes of one site: three numbers, and three for each class. null: none of its blocks was observed.
function siteLifetimes(sites, i) {
	const [observed, mean, elsewhere, ...list] = sites.lifetimes[i];
	const classes = [];

	if (observed === undefined) return null;
	for (let at = 0; at < list.length; at += 3)
		classes.push({ from_ns: list[at], to_ns: list[at + 1], count: list[at + 2] });
	return { observed, mean_ns: mean, freed_elsewhere_count: elsewhere, classes };
}

// What reallocs at one site did; null: there were none, or it is not known.
function siteReallocs(sites, i) {
	const [steps, blocks, first, moves, copied, grown, shrinks, shrunk, unknown] = sites.reallocs[i];

	if (steps === undefined) return null;
	return {
		steps,
		blocks,
		first_bytes: first,
		moves,
		copied_bytes: copied,
		grown_bytes: grown,
		shrinks,
		shrunk_bytes: shrunk,
		unknown,
	};
}

function reallocFacts(sum) {
	const grew = sum.steps - sum.shrinks - sum.unknown;

	return facts([
		fact('reallocs', sum.steps, 'count', 'reallocs.steps'),
		fact('of blocks not resized before', sum.blocks, 'count', 'reallocs.blocks'),
		fact('moved', sum.moves, 'count', 'reallocs.moves', formatShare(sum.moves, sum.steps)),
		fact('copied', sum.copied_bytes, 'bytes', 'reallocs.copied_bytes'),
		fact(
			'grown by',
			sum.grown_bytes,
			'bytes',
			'reallocs.grown_bytes',
			grew > 0 ? `${formatBytes(sum.grown_bytes / grew)} each time` : '',
		),
		sum.shrinks > 0 ? fact('made smaller', sum.shrinks, 'count', 'reallocs.shrinks') : null,
		sum.unknown > 0 ? fact('of unknown blocks', sum.unknown, 'count', 'reallocs.unknown') : null,
	]);
}

// Of row I of the sites of PART.
function siteDetails(app, part, i) {
	const { model } = app;
	const report = model.parts[part];
	const { sites } = report;
	const node = sites.node[i];
	const main = model.mainFrame(part, node);
	const verdicts = [];
	const lifetimes = siteLifetimes(sites, i);
	const reallocs = siteReallocs(sites, i);

	report.leaks.site.forEach((site, leak) => {
		if (site === sites.id[i])
			verdicts.push([
				model.texts.leaks[report.leaks.class[leak]].text,
				formatBytes(report.leaks.bytes[leak]),
				plural(report.leaks.count[leak], 'block'),
			]);
	});
	return element(
		'div',
		{ class: 'details' },
		element('h2', {}, richName(model.nameOfFrame(main))),
		element('p', { class: 'where' }, model.placeOfFrame(main) || model.moduleOfFrame(main)),
		verdicts.length
			? element(
					'ul',
					{ class: 'verdicts' },
					...verdicts.map(([text, bytes, blocks]) =>
						element(
							'li',
							{ class: `verdict ${text.split(' ')[0]}` },
							element('strong', {}, bytes),
							` ${text}, ${blocks}`,
						),
					),
				)
			: '',
		facts([
			fact(
				'live at the peak',
				sites.peak_bytes[i],
				'bytes',
				'peak_bytes',
				siteError(sites, 'peak_bytes', i, 'bytes'),
			),
			fact('blocks then', sites.peak_count[i], 'count', 'peak_count'),
			fact(
				'not freed',
				sites.live_bytes[i],
				'bytes',
				'live_bytes',
				siteError(sites, 'live_bytes', i, 'bytes'),
			),
			fact('blocks not freed', sites.live_count[i], 'count', 'live_count'),
			fact(
				'allocated',
				sites.alloc_bytes[i],
				'bytes',
				'alloc_bytes',
				siteError(sites, 'alloc_bytes', i, 'bytes'),
			),
			fact(
				'allocations',
				sites.alloc_count[i],
				'count',
				'alloc_count',
				siteError(sites, 'alloc_count', i, 'count'),
			),
			[
				'mean size',
				sites.alloc_count[i] > 0
					? formatBytes(Math.round(sites.alloc_bytes[i] / sites.alloc_count[i]))
					: '–',
			],
			fact(
				'temporary',
				sites.temporary_count[i],
				'count',
				'temporary_count',
				formatShare(sites.temporary_count[i], sites.alloc_count[i]),
			),
			fact('reallocations', sites.realloc_count[i], 'count', 'realloc_count'),
			sites.freed_elsewhere_count[i] > 0 &&
				fact(
					'freed by another thread',
					sites.freed_elsewhere_count[i],
					'count',
					'freed_elsewhere_count',
					formatBytes(sites.freed_elsewhere_bytes[i]),
				),
		]),
		siteSizes(sites, i).length > 1 ? section('Sizes', sizeTable(siteSizes(sites, i))) : '',
		lifetimes ? section('Lifetimes', ...lifetimeTable(lifetimes)) : '',
		reallocs ? section('Grown by realloc', reallocFacts(reallocs)) : '',
		stackActions(app, part, node, null),
		stackList(model, part, node),
	);
}

function stackActions(app, part, node, metric) {
	return element(
		'p',
		{ class: 'actions' },
		element(
			'button',
			{ type: 'button', class: 'quiet', onclick: () => app.showInFlame(part, node, metric) },
			'Show in flame graph',
		),
		copyButton(() => stackText(app.model, part, node)),
	);
}

// A stack behind its main function: ROW is { node, ... }; LEAD stands in front.
function stackRow(app, part, node, lead, note) {
	const { model } = app;
	const main = model.mainFrame(part, node);
	const details = element(
		'details',
		{ class: 'stack-row' },
		element(
			'summary',
			{},
			element('span', { class: 'lead' }, lead),
			node
				? richName(listName(model.nameOfFrame(main)))
				: element('span', { class: 'muted' }, 'unknown who'),
			element('span', { class: 'place' }, node ? model.placeOfFrame(main) : ''),
			note ? element('span', { class: 'note' }, note) : '',
		),
	);

	details.addEventListener('toggle', () => {
		if (details.open && details.childElementCount === 1) details.append(stackList(model, part, node));
	});
	return details;
}

const TIMES = [
	['wait', 'waits'],
	['wait_shared', 'waits of readers'],
	['hold', 'holds'],
	['hold_shared', 'holds of readers'],
	['reacquire', 'getting the mutex back'],
];

function percentileTable(lock) {
	const rows = TIMES.filter(([key]) => lock.percentiles[key]);

	if (rows.length === 0) return '';
	return element(
		'table',
		{ class: 'plain' },
		element(
			'thead',
			{},
			element(
				'tr',
				{},
				...['', 'measured', 'half under', '90 % under', '99 % under'].map((text) =>
					element('th', { scope: 'col', class: 'number' }, text),
				),
			),
		),
		element(
			'tbody',
			{},
			...rows.map(([key, label]) => {
				const times = lock.percentiles[key];

				return element(
					'tr',
					{},
					element('th', { scope: 'row' }, label),
					element('td', { class: 'number' }, formatCount(times.count)),
					...['p50', 'p90', 'p99'].map((p) =>
						element('td', { class: 'number' }, formatDuration(times[p])),
					),
				);
			}),
		),
	);
}

const MATRIX_MOST = 12;

// By the root: else everything but the darkest cell looks empty.
function heatOf(share) {
	return `--heat: ${(Math.sqrt(share) * 100).toFixed(1)}%`;
}

// ROWS and COLUMNS are names, VALUE(row, column) the number of a cell: the darker, the larger. FORMAT makes it text.
function heatTable({ name, corner, rows, columns, value, format }) {
	const cells = rows.map((unusedRow, r) => columns.map((unusedColumn, c) => value(r, c)));
	const most = cells.flat().reduce((largest, cell) => Math.max(largest, cell), 1);

	return element(
		'table',
		{ class: `matrix ${name}` },
		element(
			'thead',
			{},
			element(
				'tr',
				{},
				element('th', { class: 'corner' }, corner),
				...columns.map((text) =>
					element(
						'th',
						{ scope: 'col', title: text },
						element('span', {}, fitName(text, 26)),
					),
				),
			),
		),
		element(
			'tbody',
			{},
			...rows.map((text, r) =>
				element(
					'tr',
					{},
					element('th', { scope: 'row', title: text }, fitName(text, 34)),
					...cells[r].map((cell) =>
						element(
							'td',
							{
								'data-value': cell,
								style: heatOf(cell / most),
								class: cell ? 'hot' : '',
							},
							cell ? format(cell) : '·',
						),
					),
				),
			),
		),
	);
}

// Rows wait, columns made them.
function matrixTable(app, part, lock) {
	const { model } = app;

	if (!lock.matrix) return emptyState('Not recorded', 'This dump does not tell who held the lock.');
	if (lock.matrix.length === 0) return emptyState('Nobody to blame', 'No wait could be charged to a holder.');
	const waiters = lock.waiters.map((unused, i) => i).slice(0, MATRIX_MOST);
	const culprits = lock.culprits.map((unused, i) => i).slice(0, MATRIX_MOST);
	const cells = new Map();
	for (const cell of lock.matrix) {
		const key = `${cell.waiter} ${cell.culprit}`;

		cells.set(key, (cells.get(key) || 0) + cell.wait_ns);
	}
	const name = (node, known) =>
		known === false || !node ? 'unknown' : model.nameOfFrame(model.mainFrame(part, node));
	return element(
		'div',
		{ class: 'scroll-x' },
		heatTable({
			name: 'waits',
			corner: 'waited ↓   because of →',
			rows: waiters.map((w) => name(lock.waiters[w].node)),
			columns: culprits.map((c) => name(lock.culprits[c].node, lock.culprits[c].known)),
			value: (w, c) => cells.get(`${waiters[w]} ${culprits[c]}`) || 0,
			format: formatDuration,
		}),
		lock.waiters.length > MATRIX_MOST || lock.culprits.length > MATRIX_MOST
			? element(
					'p',
					{ class: 'muted' },
					`The longest ${MATRIX_MOST} of ${lock.waiters.length} waiters and ` +
						`${lock.culprits.length} culprits.`,
				)
			: '',
	);
}

function partyName(party) {
	if (!party) return 'other threads';
	if (party.threads === null) return 'threads that ended';
	const name = party.name || '?';

	return party.tid === null ? `${name} and ${party.threads - 1} before it` : `${name} (${party.tid})`;
}

// Who freed what another thread had allocated: rows allocate, columns free; those with most bytes first.
function freePairsCard(report) {
	const pairs = report.free_pairs || [];

	if (pairs.length === 0) return '';
	const estimates = report.process.mode === 'sample' ? ' (estimates)' : '';
	const allocated = [...new Set(pairs.map((pair) => partyName(pair.allocated_by)))];
	const freed = [...new Set(pairs.map((pair) => partyName(pair.freed_by)))];
	const rows = allocated.slice(0, MATRIX_MOST);
	const columns = freed.slice(0, MATRIX_MOST);
	const cells = new Map();
	for (const pair of pairs) {
		const key = `${partyName(pair.allocated_by)}\n${partyName(pair.freed_by)}`;

		cells.set(key, (cells.get(key) || 0) + pair.bytes);
	}
	const shared = pairs
		.flatMap((pair) => [pair.allocated_by, pair.freed_by])
		.some((party) => party && party.threads !== 1);
	return element(
		'section',
		{ class: 'card' },
		element('h2', {}, 'Freed by another thread'),
		element(
			'div',
			{ class: 'scroll-x' },
			heatTable({
				name: 'free-pairs',
				corner: 'allocated ↓   freed →',
				rows,
				columns,
				value: (r, c) => cells.get(`${rows[r]}\n${columns[c]}`) || 0,
				format: formatBytes,
			}),
		),
		element(
			'p',
			{ class: 'legend' },
			`${formatBytes(report.totals.freed_elsewhere_bytes)} in ` +
				`${plural(report.totals.freed_elsewhere_count, 'block')}${estimates} were freed by ` +
				'another thread than the one that allocated them.' +
				(rows.length < allocated.length || columns.length < freed.length
					? ` The ${MATRIX_MOST} with most of ${allocated.length} that allocate and of ` +
						`${freed.length} that free.`
					: '') +
				(shared
					? ' Where several share a place, what they freed of each other is not counted.'
					: ''),
		),
	);
}

function section(title, ...children) {
	const shown = children.filter(Boolean);

	return shown.length ? element('section', {}, element('h3', {}, title), ...shown) : '';
}

const LIST_MOST = 25;

function blameRows(app, part, rows, metric, whole) {
	return rows
		.slice(0, LIST_MOST)
		.map((row) =>
			stackRow(
				app,
				part,
				row.node,
				`${formatDuration(row.wait_ns)}  ${formatShare(row.wait_ns, whole)}`,
				metric === 'culprit' && row.approx_ns > 0
					? `${formatShare(row.approx_ns, row.wait_ns)} of it about`
					: `${formatCount(row.count)}×`,
			),
		)
		.concat(
			rows.length > LIST_MOST
				? [element('p', { class: 'muted' }, `and ${rows.length - LIST_MOST} more`)]
				: [],
		);
}

function pairText({ waiter, culprit }) {
	const name = (tid) => (tid === null ? 'several threads' : `thread ${tid}`);

	return `${name(waiter)} waited for ${name(culprit)}`;
}

function lockDetails(app, part, lock) {
	const { model } = app;
	const { holds } = lock;

	return element(
		'div',
		{ class: 'details' },
		element('h2', {}, lockName(lock)),
		element(
			'p',
			{ class: 'where' },
			[
				lock.primitive || lock.kind,
				model.texts.bonds[lock.bond],
				lock.instances > 1 ? plural(lock.instances, 'lock') : `at ${lock.address}`,
			]
				.filter(Boolean)
				.join(' · '),
		),
		lock.advice.length
			? element('ul', { class: 'advice' }, ...lock.advice.map((a) => element('li', {}, a.text)))
			: '',
		facts([
			fact('waited in all', lock.wait_ns, 'ns', 'wait_ns'),
			fact('longest wait', lock.wait_max_ns, 'ns', 'wait_max_ns'),
			fact(
				'waits',
				lock.contentions,
				'count',
				'contentions',
				lock.acquisitions ? formatShare(lock.contentions, lock.acquisitions) : '',
			),
			fact('acquisitions', lock.acquisitions, 'count', 'acquisitions'),
			fact(
				'handing over',
				lock.handoff_ns,
				'ns',
				'handoff_ns',
				formatShare(lock.handoff_ns || 0, lock.wait_ns),
			),
			fact('most waiting at once', lock.waiters_max, 'count', 'waiters_max'),
			lock.trylock_failures > 0 &&
				fact('failed trylock', lock.trylock_failures, 'count', 'trylock_failures'),
			lock.timeouts > 0 && fact('timeouts', lock.timeouts, 'count', 'timeouts'),
			holds && fact('longest hold', holds.max_ns, 'ns', 'holds.max_ns'),
			holds &&
				fact(
					'allocations while held',
					holds.alloc_count,
					'count',
					'holds.alloc_count',
					holds.alloc_bytes ? formatBytes(holds.alloc_bytes) : '',
				),
		]),
		percentileTable(lock),
		section('Who waited because of whom', matrixTable(app, part, lock)),
		section(
			'Culprits: had the lock meanwhile',
			...(lock.culprits
				? blameRows(app, part, lock.culprits, 'culprit', lock.wait_ns)
				: [element('p', { class: 'muted' }, 'Not recorded in this dump.')]),
		),
		section('Waiters', ...blameRows(app, part, lock.waiters, 'wait', lock.wait_ns)),
		lock.pairs && lock.pairs.length
			? section(
					'Threads',
					element(
						'table',
						{ class: 'plain' },
						element(
							'tbody',
							{},
							...lock.pairs
								.slice(0, LIST_MOST)
								.map((pair) =>
									element(
										'tr',
										{},
										element('td', {}, pairText(pair)),
										element(
											'td',
											{ class: 'number' },
											formatDuration(pair.wait_ns),
										),
										element(
											'td',
											{ class: 'number' },
											`${formatCount(pair.count)}×`,
										),
									),
								),
						),
					),
				)
			: '',
	);
}

function lockName(lock) {
	return lock.name || `${lock.kind} at ${lock.address}`;
}
