// SPDX-License-Identifier: MIT
// The flame graph with its choices, and the frame that is chosen in it.
'use strict';

function flameView(app, parent) {
	const { model } = app;
	const place = element('div', { class: 'flame-place' });
	const crumbs = element('div', { class: 'crumbs', 'aria-label': 'Zoomed into' });
	const found = element('span', { class: 'found' });
	const chosen = element('div', { class: 'chosen' });
	let graph = null;
	const fill = () => {
		const metric = METRIC[app.metric];
		const why = model.whyNot(metric);

		if (graph) graph.remove();
		graph = null;
		place.replaceChildren();
		place.dataset.whole = 0;
		crumbs.replaceChildren();
		chosen.replaceChildren();
		found.textContent = '';
		if (why) {
			place.append(emptyState(`No “${metric.label}”`, why));
			return;
		}
		const totals = model.totals(metric, app.inverted, app.lines ? 'line' : 'function');
		graph = new FlameGraph(place, model, {
			onSelect: (node) => chosen.replaceChildren(chosenFrame(app, totals, node, metric)),
			onZoom: (node) =>
				crumbs.replaceChildren(...crumbsTo(model, totals.tree, node, (to) => graph.zoom(to))),
		});
		graph.rootsDown = app.rootsDown;
		app.graph = graph;
		graph.show(totals, metric.unit);
		place.dataset.whole = totals.total[0];
		crumbs.replaceChildren(...crumbsTo(model, totals.tree, 0, () => {}));
		search();
		if (app.flameTarget) showTarget(totals.tree);
	};
	const showTarget = (tree) => {
		const { part, node } = app.flameTarget;
		const at = tree.placeOf ? tree.placeOf[part][node] : 0;

		app.flameTarget = null;
		if (at && graph.share(at) > 0) {
			graph.select(at);
			graph.zoom(at);
			graph.box.scrollTop = Math.max(0, graph.depth[at] * ROW - graph.height / 2);
		}
	};
	const search = () => {
		if (!graph) return;
		const sum = graph.search(app.pattern);
		found.textContent = app.pattern
			? `${formatValue(sum, METRIC[app.metric].unit)}, ` +
				`${formatShare(sum, graph.totals.total[0]) || '0 %'} in what matches “${app.query}”`
			: '';
	};

	parent.append(
		element(
			'div',
			{ class: 'bar-line' },
			metricChooser(app),
			toggle(
				'Direction',
				app.rootsDown ? 'flame' : 'icicle',
				[
					['icicle', 'Icicle', 'Callers on top'],
					['flame', 'Flame', 'Callers at the bottom'],
				],
				(choice) => {
					app.rootsDown = choice === 'flame';
					fill();
				},
			),
			toggle(
				'Order of calls',
				app.inverted ? 'inverted' : 'plain',
				[
					['plain', 'From main', 'Outermost function first'],
					[
						'inverted',
						'Inverted',
						'The function that allocated or waited first, then its callers',
					],
				],
				(choice) => {
					app.inverted = choice === 'inverted';
					fill();
				},
			),
			toggle(
				'Detail',
				app.lines ? 'lines' : 'functions',
				[
					['functions', 'Functions', 'A function is one frame'],
					['lines', 'Lines', 'Each line of a function is a frame'],
				],
				(choice) => {
					app.lines = choice === 'lines';
					fill();
				},
			),
			element(
				'button',
				{
					type: 'button',
					class: 'quiet',
					id: 'reset-zoom',
					onclick: () => graph && graph.zoom(0),
				},
				'Reset zoom',
			),
			found,
		),
		crumbs,
		element('section', { class: 'card flush' }, place),
		chosen,
		model.isDiff
			? element(
					'p',
					{ class: 'legend' },
					'Red grew, blue shrank. A frame is as wide as the larger of both runs.',
				)
			: element(
					'p',
					{ class: 'legend' },
					element('span', { class: 'swatch own' }),
					'the program itself ',
					element('span', { class: 'swatch libc' }),
					'C library ',
					element('span', { class: 'swatch lib' }),
					'other objects, a colour each',
					element(
						'span',
						{ class: 'keys' },
						'click or Enter: zoom in, Esc: out, arrows: walk, Ctrl+wheel: magnify',
					),
				),
	);
	fill();
	app.onMetric = fill;
	app.onSearch = search;
	app.onTheme = () => graph && graph.repaint();
	return () => graph && graph.remove();
}

function crumbsTo(model, tree, node, zoom) {
	const chain = [];

	for (let at = node; at; at = tree.parent[at]) chain.unshift(at);
	const shown = chain.length > 6 ? [chain[0], -1, ...chain.slice(-4)] : chain;
	return [
		element('button', { type: 'button', class: 'link', onclick: () => zoom(0) }, 'all'),
		...shown.flatMap((at) => [
			element('span', { class: 'sep', 'aria-hidden': 'true' }, '›'),
			at < 0
				? element('span', { class: 'muted' }, '…')
				: element(
						'button',
						{
							type: 'button',
							class: 'link',
							title: model.nameOfFrame(tree.frame[at]),
							onclick: () => zoom(at),
						},
						fitName(model.nameOfFrame(tree.frame[at]), 40),
					),
		]),
	];
}

function chosenFrame(app, totals, node, metric) {
	const { model } = app;
	const { tree } = totals;
	const frame = tree.frame[node];

	if (node === 0) return '';
	return element(
		'div',
		{ class: 'card' },
		element('h2', {}, richName(model.nameOfFrame(frame))),
		element(
			'p',
			{ class: 'where' },
			[model.placeOfFrame(frame), model.moduleOfFrame(frame)].filter(Boolean).join(' · '),
		),
		facts(
			model.isDiff
				? [
						fact('before', totals.oldTotal[node], metric.unit, 'old'),
						fact('after', totals.total[node], metric.unit, 'total'),
						[
							'change',
							formatChange(
								totals.total[node] - totals.oldTotal[node],
								metric.unit,
							),
						],
					]
				: [
						fact(
							'in it and what it calls',
							totals.total[node],
							metric.unit,
							'total',
							formatShare(totals.total[node], totals.total[0]),
						),
						fact(
							'in itself',
							totals.self[node],
							metric.unit,
							'self',
							formatShare(totals.self[node], totals.total[0]),
						),
					],
		),
		element(
			'p',
			{ class: 'actions' },
			element(
				'button',
				{
					type: 'button',
					class: 'quiet',
					onclick: () => app.showFunction(model.frameFunction[frame]),
				},
				'Callers and callees',
			),
			element(
				'button',
				{
					type: 'button',
					class: 'quiet',
					onclick: () => app.setSearch(model.nameOfFrame(frame)),
				},
				'Search for it',
			),
		),
	);
}
