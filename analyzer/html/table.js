// SPDX-License-Identifier: MIT
// Tables with any number of rows, of which only those in view exist; and the small things that views are made of.
'use strict';

// element('a', { href: '#' }, 'text', child...)
function element(tag, attributes, ...children) {
	const node = document.createElement(tag);

	for (const [name, value] of Object.entries(attributes || {})) {
		if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
		else if (value === true) node.setAttribute(name, '');
		else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
	}
	node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
	return node;
}

function widthOf(share) {
	return `width: ${(100 * share).toFixed(2)}%`;
}

function say(text) {
	document.getElementById('status').textContent = text;
}

function showTooltip(event, { name, place, module, rows }) {
	const tip = document.getElementById('tooltip');

	tip.replaceChildren(
		element('div', { class: 'tip-name' }, name),
		place || module
			? element('div', { class: 'tip-place' }, [place, module].filter(Boolean).join('  ·  '))
			: null,
		element(
			'dl',
			{},
			...rows.flatMap(([key, value]) => [element('dt', {}, key), element('dd', {}, value)]),
		),
	);
	for (const empty of [...tip.childNodes].filter((node) => node.nodeType === 3)) empty.remove();
	tip.hidden = false;
	const width = tip.offsetWidth,
		height = tip.offsetHeight;
	tip.style.left = `${Math.max(8, Math.min(event.clientX + 14, innerWidth - width - 12))}px`;
	tip.style.top = `${
		event.clientY + 18 + height > innerHeight
			? Math.max(8, event.clientY - height - 12)
			: event.clientY + 18
	}px`;
}

function hideTooltip() {
	document.getElementById('tooltip').hidden = true;
}

function emptyState(title, text) {
	return element('div', { class: 'empty' }, element('h3', {}, title), text ? element('p', {}, text) : null);
}

const TABLE_ROW = 28; // pixels, as in report.css

// Numbers of the first row to draw and of the one behind the last, by how far BOX is scrolled.
function rowsInView(box, count) {
	const visible = Math.ceil((box.clientHeight || 400) / TABLE_ROW) + 4;
	const first = Math.max(0, Math.min(Math.floor(box.scrollTop / TABLE_ROW) - 2, count - visible));

	return { first, last: Math.min(count, first + visible) };
}

// VIEW draws only the rows in view: paint() when its box is scrolled or resized; key() has its keys.
function drawOnDemand(view) {
	view.box.addEventListener('scroll', () => view.paint());
	view.box.addEventListener('keydown', (event) => view.key(event));
	view.observer = new ResizeObserver(() => view.paint());
	view.observer.observe(view.box);
}

// COLUMNS: { key, label, title, unit ('bytes', 'count', 'ns'; none: text), value(row), text(row, value), cell(row),
// width, share: a bar of the value's share of the largest one }. Rows are whatever value() takes. Sorted by SORT at
// first, downwards if not UP.
class Table {
	constructor(parent, { columns, rows, sort, up, label, onSelect, rowClass, empty }) {
		this.columns = columns;
		this.rows = rows;
		this.onSelect = onSelect;
		this.rowClass = rowClass;
		this.sort = { key: sort, down: !up };
		this.selected = -1;
		this.empty = typeof empty === 'function' ? empty : () => empty || 'Nothing here.';
		this.table = element('table', { class: 'grid', 'aria-label': label });
		this.head = element('thead');
		this.body = element('tbody');
		const group = element('colgroup');
		for (const column of columns)
			group.append(element('col', { style: column.width ? `width: ${column.width}` : '' }));
		this.table.append(group, this.head, this.body);
		this.box = element('div', { class: 'grid-box', tabindex: 0, role: 'region', 'aria-label': label });
		this.box.append(this.table);
		parent.append(this.box);
		drawOnDemand(this);
		this.paintHead();
		this.order();
	}

	setRows(rows) {
		this.rows = rows;
		this.selected = -1;
		this.order();
	}

	column(key) {
		return this.columns.find((column) => column.key === key);
	}

	order() {
		const column = this.column(this.sort.key) || this.columns[0];
		const sign = this.sort.down ? -1 : 1;
		const values = new Map(this.rows.map((row) => [row, column.value(row)]));
		const chosen = this.selected >= 0 ? this.rows[this.selected] : null; // may be the number 0

		this.rows = [...this.rows].sort((a, b) => {
			const x = values.get(a),
				y = values.get(b);

			if (x === y) return 0;
			// What is unknown comes last, whatever the direction.
			if (x === null || x === undefined || y === null || y === undefined)
				return x === null || x === undefined ? 1 : -1;
			return (x < y ? -1 : 1) * sign;
		});
		this.most = new Map(
			this.columns
				.filter((c) => c.share)
				.map((c) => [
					c.key,
					this.rows.reduce((most, row) => Math.max(most, Math.abs(c.value(row) || 0)), 0),
				]),
		);
		this.selected = chosen !== null ? this.rows.indexOf(chosen) : -1;
		this.painted = null;
		this.paint();
	}

	sortBy(key) {
		const column = this.column(key);

		this.sort = { key, down: this.sort.key === key ? !this.sort.down : Boolean(column.unit) };
		this.paintHead();
		this.order();
		say(`Sorted by ${column.label}, ${this.sort.down ? 'largest first' : 'smallest first'}`);
	}

	paintHead() {
		this.head.replaceChildren(
			element(
				'tr',
				{},
				...this.columns.map((column) => {
					const active = column.key === this.sort.key;

					return element(
						'th',
						{
							scope: 'col',
							class: column.unit ? 'number' : '',
							'data-key': column.key,
							'aria-sort': active
								? this.sort.down
									? 'descending'
									: 'ascending'
								: 'none',
						},
						element(
							'button',
							{
								type: 'button',
								title: column.title,
								onclick: () => this.sortBy(column.key),
							},
							column.label,
							element(
								'span',
								{ class: 'arrow', 'aria-hidden': 'true' },
								active ? (this.sort.down ? '▾' : '▴') : '',
							),
						),
					);
				}),
			),
		);
	}

	paint() {
		const { first, last } = rowsInView(this.box, this.rows.length);

		if (
			this.painted &&
			this.painted.first === first &&
			this.painted.last === last &&
			this.painted.selected === this.selected
		)
			return;
		this.painted = { first, last, selected: this.selected };
		const spacer = (count) =>
			element(
				'tr',
				{ class: 'spacer', 'aria-hidden': 'true', style: `height: ${count * TABLE_ROW}px` },
				element('td', { colspan: this.columns.length }),
			);
		const parts = [spacer(first)];
		for (let i = first; i < last; i++) parts.push(this.row(i));
		parts.push(spacer(this.rows.length - last));
		if (this.rows.length === 0)
			parts.splice(
				0,
				2,
				element(
					'tr',
					{},
					element('td', { colspan: this.columns.length, class: 'none' }, this.empty()),
				),
			);
		this.body.replaceChildren(...parts);
	}

	row(index) {
		const row = this.rows[index];
		const classes = [index === this.selected ? 'selected' : '', this.rowClass ? this.rowClass(row) : ''];

		return element(
			'tr',
			{
				class: classes.join(' ').trim(),
				'aria-rowindex': index + 1,
				'aria-selected': this.onSelect ? String(index === this.selected) : null,
				onclick: () => this.choose(index),
			},
			...this.columns.map((column) => this.cell(column, row)),
		);
	}

	cell(column, row) {
		const value = column.value(row);
		const cell = element('td', {
			class: column.unit ? 'number' : 'text',
			'data-key': column.key,
			'data-value': column.unit ? value : null,
		});

		if (column.share && this.most.get(column.key) > 0) {
			const part = Math.abs(value || 0) / this.most.get(column.key);

			cell.append(
				element('span', {
					class: 'bar',
					'aria-hidden': 'true',
					style: widthOf(part),
				}),
			);
		}
		if (column.cell) cell.append(column.cell(row));
		else
			cell.append(
				element(
					'span',
					{ class: 'cell' },
					column.text
						? column.text(row, value)
						: column.unit
							? formatValue(value, column.unit)
							: value || '',
				),
			);
		if (!column.unit && !column.cell) cell.title = column.hint ? column.hint(row) : value || '';
		if (value === null && column.unit) cell.classList.add('unknown');
		return cell;
	}

	choose(index) {
		if (!this.onSelect || index < 0 || index >= this.rows.length) return;
		this.selected = index;
		const top = index * TABLE_ROW;
		const head = this.head.offsetHeight;
		if (top < this.box.scrollTop) this.box.scrollTop = top;
		else if (top + TABLE_ROW > this.box.scrollTop + this.box.clientHeight - head)
			this.box.scrollTop = top + TABLE_ROW - this.box.clientHeight + head;
		this.paint();
		this.onSelect(this.rows[index]);
	}

	key(event) {
		const page = Math.max(1, Math.floor(this.box.clientHeight / TABLE_ROW) - 2);
		const moves = {
			ArrowDown: 1,
			ArrowUp: -1,
			PageDown: page,
			PageUp: -page,
			Home: -this.rows.length,
			End: this.rows.length,
		};

		if (!(event.key in moves) || event.target.closest('button') || !this.onSelect) return;
		event.preventDefault();
		this.choose(Math.max(0, Math.min(this.rows.length - 1, this.selected + moves[event.key])));
	}

	remove() {
		this.observer.disconnect();
	}
}
