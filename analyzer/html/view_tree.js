// SPDX-License-Identifier: MIT
// Calls as a tree, top-down or bottom-up, and around one function.
'use strict';

// A tree as a table of the rows that are open.
class CallTree {
	constructor(parent, app, totals, metric, inverted) {
		this.app = app;
		this.model = app.model;
		this.totals = totals;
		this.tree = totals.tree;
		this.metric = metric;
		this.tree.link();
		this.open = new Set();
		this.selected = 0;
		this.inverted = inverted;
		this.whole = totals.total[0];
		this.box = element('div', {
			class: 'grid-box tree-box',
			tabindex: 0,
			role: 'treegrid',
			'aria-label': 'Call tree',
		});
		this.body = element('tbody');
		const columns = this.model.isDiff ? ['Before', 'After', 'Change'] : ['Total', '', 'Self', ''];
		this.table = element(
			'table',
			{ class: 'grid' },
			element(
				'colgroup',
				{},
				element('col'),
				...columns.map((text) => element('col', { style: `width: ${text ? '8rem' : '5rem'}` })),
			),
			element(
				'thead',
				{},
				element(
					'tr',
					{},
					element('th', {}, 'Function'),
					...columns.map((text) => element('th', { class: 'number' }, text)),
				),
			),
			this.body,
		);
		this.columns = columns.length + 1;
		this.box.append(this.table);
		parent.append(this.box);
		drawOnDemand(this);
		this.openHot();
		this.list();
	}

	children(node) {
		const list = [];

		for (let child = this.tree.firstChild[node]; child; child = this.tree.nextSibling[child]) {
			if (this.totals.width[child] > 0) list.push(child);
		}
		const value = this.model.isDiff
			? (n) => Math.abs(this.totals.total[n] - this.totals.oldTotal[n])
			: (n) => this.totals.total[n];
		return list.sort((a, b) => value(b) - value(a) || this.totals.width[b] - this.totals.width[a]);
	}

	// Opens the way that most of it goes.
	openHot() {
		let node = 0;

		for (let steps = 0; steps < 24; steps++) {
			const [first] = this.children(node);

			if (!first || this.totals.width[first] < 0.5 * this.totals.width[node] || this.inverted) break;
			this.open.add(first);
			node = first;
		}
	}

	list() {
		const rows = [];
		const walk = [...this.children(0)].reverse().map((node) => ({ node, depth: 0 }));

		while (walk.length) {
			const row = walk.pop();

			rows.push(row);
			if (!this.open.has(row.node)) continue;
			for (const child of this.children(row.node).reverse())
				walk.push({ node: child, depth: row.depth + 1 });
		}
		this.rows = rows;
		this.paint();
	}

	paint() {
		const { first, last } = rowsInView(this.box, this.rows.length);
		const spacer = (count) =>
			element(
				'tr',
				{ class: 'spacer', style: `height: ${count * TABLE_ROW}px` },
				element('td', { colspan: this.columns }),
			);

		this.body.replaceChildren(
			spacer(first),
			...this.rows.slice(first, last).map((row, i) => this.row(row, first + i)),
			spacer(this.rows.length - last),
		);
	}

	row({ node, depth }, index) {
		const { model, totals, tree, metric } = this;
		const frame = tree.frame[node];
		const hasChildren = this.children(node).length > 0;
		const open = this.open.has(node);
		const name = model.nameOfFrame(frame);
		const line = tree.by === 'line' && model.frameLine[frame] ? `:${model.frameLine[frame]}` : '';
		const found = this.matches && this.matches(frame);
		const cells = model.isDiff
			? [
					[totals.oldTotal[node], metric.unit],
					[totals.total[node], metric.unit],
					[totals.total[node] - totals.oldTotal[node], null],
				]
			: [
					[totals.total[node], metric.unit, true],
					[formatShare(totals.total[node], this.whole)],
					[totals.self[node], metric.unit],
					[totals.self[node] > 0 ? formatShare(totals.self[node], this.whole) : ''],
				];

		return element(
			'tr',
			{
				class: `${index === this.selected ? 'selected' : ''} ${found ? 'found' : ''}`.trim(),
				role: 'row',
				'aria-level': depth + 1,
				'aria-expanded': hasChildren ? String(open) : null,
				'data-node': node,
				onclick: () => this.choose(index),
			},
			element(
				'td',
				{
					class: 'text',
					title: [name, model.placeOfFrame(frame), model.moduleOfFrame(frame)]
						.filter(Boolean)
						.join('\n'),
				},
				element('span', { class: 'indent', style: `width: ${Math.min(depth, 60) * 14}px` }),
				element(
					'button',
					{
						type: 'button',
						class: 'twist',
						tabindex: -1,
						'aria-hidden': 'true',
						disabled: !hasChildren,
						onclick: (event) => {
							event.stopPropagation();
							this.selected = index;
							this.toggle(node);
						},
					},
					hasChildren ? (open ? '▾' : '▸') : '',
				),
				element('span', { class: 'name' }, listName(name) + line),
				element('span', { class: 'module' }, model.moduleOfFrame(frame)),
			),
			...cells.map(([value, unit, bar]) =>
				element(
					'td',
					{ class: 'number', 'data-value': typeof value === 'number' ? value : null },
					bar
						? element('span', {
								class: 'bar',
								style: widthOf(value / this.whole),
							})
						: '',
					element(
						'span',
						{ class: 'cell' },
						unit
							? formatValue(value, unit)
							: unit === null
								? formatChange(value, metric.unit)
								: value,
					),
				),
			),
		);
	}

	toggle(node) {
		if (this.open.has(node)) this.open.delete(node);
		else this.open.add(node);
		this.list();
	}

	choose(index) {
		this.selected = Math.max(0, Math.min(this.rows.length - 1, index));
		const top = this.selected * TABLE_ROW;
		if (top < this.box.scrollTop) this.box.scrollTop = top;
		else if (top + 2 * TABLE_ROW > this.box.scrollTop + this.box.clientHeight)
			this.box.scrollTop = top + 2 * TABLE_ROW - this.box.clientHeight;
		this.paint();
	}

	key(event) {
		const row = this.rows[this.selected];
		const isOpen = row && this.open.has(row.node);

		if (!row) return;
		if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
			this.choose(this.selected + (event.key === 'ArrowDown' ? 1 : -1));
		} else if (event.key === 'ArrowRight') {
			if (isOpen) this.choose(this.selected + 1);
			else if (this.children(row.node).length > 0) this.toggle(row.node);
		} else if (event.key === 'ArrowLeft') {
			if (isOpen) this.toggle(row.node);
			else if (row.depth > 0)
				this.choose(this.rows.findIndex((other) => other.node === this.tree.parent[row.node]));
		} else if (event.key === 'Enter' || event.key === ' ') {
			this.toggle(row.node);
		} else {
			return;
		}
		event.preventDefault();
		const { node } = this.rows[this.selected];
		const value = formatValue(this.totals.total[node], this.metric.unit);
		say(`${this.model.nameOfFrame(this.tree.frame[node])}, ${value}`);
	}

	search(pattern) {
		this.matches = pattern ? this.model.frameMatches(pattern) : null;
		this.paint();
	}

	remove() {
		this.observer.disconnect();
	}
}

function treeView(app, parent) {
	const { model } = app;
	const place = element('div', { class: 'tree-place' });
	let shown = null;
	const fill = () => {
		const metric = METRIC[app.metric];
		const why = model.whyNot(metric);

		if (shown) shown.remove();
		shown = null;
		place.replaceChildren();
		if (why) {
			place.append(emptyState(`No “${metric.label}”`, why));
		} else if (app.treeMode === 'around') {
			shown = aroundView(app, place, metric);
		} else {
			const inverted = app.treeMode === 'bottom';
			shown = new CallTree(
				place,
				app,
				model.totals(metric, inverted, app.lines ? 'line' : 'function'),
				metric,
				inverted,
			);
			shown.search(app.pattern);
		}
	};

	parent.append(
		element(
			'div',
			{ class: 'bar-line' },
			metricChooser(app),
			toggle(
				'Direction',
				app.treeMode,
				[
					['top', 'Top-down', 'From main to what allocated or waited'],
					['bottom', 'Bottom-up', 'From what allocated or waited to its callers'],
					['around', 'Callers and callees', 'Around one function'],
				],
				(mode) => {
					app.treeMode = mode;
					fill();
				},
			),
		),
		place,
	);
	fill();
	app.onMetric = fill;
	app.onSearch = () => shown && shown.search(app.pattern);
	return () => shown && shown.remove();
}

// By function: total (each stack once, also if the function is in it several times) and self.
function functionSums(model, totals) {
	const { tree } = totals;
	const total = new Map(),
		self = new Map();
	const active = new Map();
	const value = model.isDiff ? totals.width : totals.total;
	const add = (map, key, amount) => map.set(key, (map.get(key) || 0) + amount);

	walkTree(
		tree,
		(node) => value[node] > 0,
		(node) => {
			const key = tree.key[node];

			if (!active.get(key)) add(total, key, totals.total[node]);
			active.set(key, (active.get(key) || 0) + 1);
			if (totals.self[node] > 0) add(self, key, totals.self[node]);
		},
		(node) => active.set(tree.key[node], active.get(tree.key[node]) - 1),
	);
	return [...total.keys()].map((key) => ({ key, total: total.get(key), self: self.get(key) || 0 }));
}

// Depth first, without recursion: stacks can be a thousand deep.
function walkTree(tree, wanted, enter, leave) {
	tree.link();
	const path = [];
	let node = tree.firstChild[0];

	for (;;) {
		while (node && !wanted(node)) node = tree.nextSibling[node];
		if (node) {
			enter(node);
			path.push(node);
			node = tree.firstChild[node];
		} else if (path.length) {
			const done = path.pop();

			leave(done);
			node = tree.nextSibling[done];
		} else {
			return;
		}
	}
}

// Who calls function KEY and whom it calls, by the stacks that go through. Of recursion only the outermost counts.
function around(totals, key) {
	const { tree } = totals;
	const callers = new Map(),
		callees = new Map();
	const edges = new Map();
	let inside = 0;
	const add = (map, id, amount) => map.set(id, (map.get(id) || 0) + amount);

	walkTree(
		tree,
		(node) => totals.total[node] > 0,
		(node) => {
			const parent = tree.parent[node];

			if (tree.key[node] === key && inside++ === 0)
				add(callers, parent ? tree.key[parent] : -1, totals.total[node]);
			if (parent && tree.key[parent] === key) {
				if (!edges.get(tree.key[node])) add(callees, tree.key[node], totals.total[node]);
				edges.set(tree.key[node], (edges.get(tree.key[node]) || 0) + 1);
			}
		},
		(node) => {
			const parent = tree.parent[node];

			if (tree.key[node] === key) inside--;
			if (parent && tree.key[parent] === key)
				edges.set(tree.key[node], edges.get(tree.key[node]) - 1);
		},
	);
	const rows = (map) => [...map].map(([id, total]) => ({ key: id, total }));
	return { callers: rows(callers), callees: rows(callees) };
}

function aroundView(app, parent, metric) {
	const { model } = app;
	const totals = model.totals(metric, false, 'function');
	const sums = functionSums(model, totals);
	const split = splitView(parent, 'Choose a function to see who calls it and what it calls.');
	const name = (row) =>
		row.key < 0 ? 'the start of the program or thread' : model.strings[model.functionName[row.key]];
	const columns = (self) =>
		[
			{ key: 'name', label: 'Function', value: name, text: (row) => listName(name(row)), hint: name },
			{
				key: 'total',
				label: 'Total',
				unit: metric.unit,
				value: (row) => row.total,
				share: true,
				width: '8rem',
			},
			self && {
				key: 'self',
				label: 'Self',
				unit: metric.unit,
				value: (row) => row.self,
				width: '8rem',
			},
		].filter(Boolean);
	let tables = [];
	const choose = (key) => {
		const sum = sums.find((row) => row.key === key);
		const { callers, callees } = around(totals, key);
		const frame = model.functionFrame[key];
		const top = element('div'),
			bottom = element('div');

		for (const old of tables) old.remove();
		app.function = key;
		split.show(
			element(
				'div',
				{ class: 'details around' },
				element('h3', {}, 'Called by'),
				top,
				element(
					'div',
					{ class: 'around-self' },
					element('h2', {}, richName(name({ key }))),
					element(
						'p',
						{ class: 'where' },
						[model.placeOfFrame(frame), model.moduleOfFrame(frame)]
							.filter(Boolean)
							.join(' · '),
					),
					facts([
						fact(
							'total',
							sum ? sum.total : 0,
							metric.unit,
							'total',
							formatShare(sum ? sum.total : 0, totals.total[0]),
						),
						fact(
							'self',
							sum ? sum.self : 0,
							metric.unit,
							'self',
							formatShare(sum ? sum.self : 0, totals.total[0]),
						),
					]),
				),
				element('h3', {}, 'Calls'),
				bottom,
			),
		);
		tables = [
			[top, callers, 'Callers'],
			[bottom, callees, 'Callees'],
		].map(
			([place, rows, label]) =>
				new Table(place, {
					label,
					rows,
					sort: 'total',
					columns: columns(false),
					empty: 'Nobody.',
					onSelect: (row) => row.key >= 0 && choose(row.key),
				}),
		);
	};
	const wanted = () => (app.pattern ? sums.filter((row) => app.pattern.test(name(row))) : sums);
	const table = new Table(split.list, {
		label: 'Functions',
		rows: wanted(),
		sort: 'self',
		columns: columns(true),
		onSelect: (row) => choose(row.key),
	});

	if (app.function !== null && sums.some((row) => row.key === app.function)) choose(app.function);
	return {
		search: () => table.setRows(wanted()),
		remove: () => [table, ...tables].forEach((each) => each.remove()),
	};
}
