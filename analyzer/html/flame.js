// SPDX-License-Identifier: MIT
// The flame graph, on a canvas: only frames at least half a pixel wide within the window are visited, so a million
// nodes cost no more than what is seen of them. An SVG with an element for each frame does not get there.
'use strict';

const ROW = 20; // pixels
const FONT = '11.5px ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
const THINNEST = 0.5; // pixels; what is thinner is left out
const ZOOM_MS = 180;

function isDark() {
	return document.documentElement.dataset.theme === 'dark';
}

function hashText(text) {
	let h = 0x811c9dc5;

	for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
	return (h ^ (h >>> 16)) >>> 0;
}

// Hues by object: the program itself is warm, libraries are cool, the kernel of the C library is grey.
const LIBRARY_HUES = [205, 168, 262, 135, 228, 315, 190, 285, 95, 340];

class FlameGraph {
	// PARENT: an element to fill. onSelect(node) is told of the frame that the user points at or chooses.
	constructor(parent, model, { onSelect, onZoom }) {
		this.model = model;
		this.onSelect = onSelect;
		this.onZoom = onZoom;
		this.box = element('div', { class: 'flame-box' });
		this.canvas = element('canvas', {
			tabindex: 0,
			role: 'application',
			'aria-label': 'Flame graph. Arrow keys walk from frame to frame, Enter zooms in, Escape out.',
		});
		this.spacer = element('div', { class: 'flame-spacer' });
		this.box.append(this.canvas, this.spacer);
		parent.append(this.box);
		this.window = { from: 0, to: 1 };
		this.rootsDown = false;
		this.selected = 0;
		this.hovered = -1;
		this.zoomed = 0;
		this.colors = new Map();
		this.matches = null;
		this.box.addEventListener('scroll', () => this.draw());
		this.canvas.addEventListener('mousemove', (event) => this.pointAt(event));
		this.canvas.addEventListener('mouseleave', () => this.pointAt(null));
		this.canvas.addEventListener('click', (event) => this.click(event));
		this.canvas.addEventListener('keydown', (event) => this.key(event));
		this.canvas.addEventListener('focus', () => this.draw());
		this.canvas.addEventListener('blur', () => this.draw());
		this.box.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
		this.observer = new ResizeObserver(() => this.resize());
		this.observer.observe(this.box);
	}

	// TOTALS as from model.totals(); null: nothing to draw.
	show(totals, unit) {
		this.totals = totals;
		this.tree = totals.tree;
		this.unit = unit;
		this.tree.link();
		this.sorted = new Map();
		this.window = { from: 0, to: 1 };
		this.zoomed = this.selected = 0;
		this.hovered = -1;
		this.whole = totals.width[0];
		this.starts = new Map([[0, 0]]);
		this.measureDepths();
		this.rows = this.deepest(0);
		this.resize();
		this.box.scrollTop = this.rootsDown ? this.box.scrollHeight : 0;
		this.draw();
	}

	// PATTERN: null = no search. Returns what share of the whole lies in or below matching frames.
	search(pattern) {
		const { tree, totals } = this;
		const covered = new Uint8Array(tree.count);
		const isMatch = pattern && this.model.frameMatches(pattern);
		let found = 0;

		this.matches = pattern ? new Uint8Array(tree.count) : null;
		for (let node = 1; pattern && node < tree.count; node++) {
			this.matches[node] = isMatch(tree.frame[node]) ? 1 : 0;
			covered[node] = covered[tree.parent[node]] | this.matches[node];
			if (this.matches[node] && !covered[tree.parent[node]]) found += totals.total[node];
		}
		this.draw();
		return found;
	}

	// Children that are wide enough to be seen, the widest first; positions go to this.starts.
	children(node) {
		let list = this.sorted.get(node);

		if (list) return list;
		list = [];
		for (let child = this.tree.firstChild[node]; child; child = this.tree.nextSibling[child]) {
			if (this.totals.width[child] > 0) list.push(child);
		}
		list.sort((a, b) => this.totals.width[b] - this.totals.width[a] || a - b);
		let at = this.starts.get(node);
		for (const child of list) {
			this.starts.set(child, at);
			at += this.totals.width[child] / this.whole;
		}
		this.sorted.set(node, list);
		return list;
	}

	start(node) {
		if (!this.starts.has(node)) {
			const chain = [];

			for (let at = node; at && !this.starts.has(at); at = this.tree.parent[at]) chain.push(at);
			while (chain.length) this.children(this.tree.parent[chain.pop()]);
		}
		return this.starts.get(node);
	}

	share(node) {
		return this.totals.width[node] / this.whole;
	}

	measureDepths() {
		this.depth = new Int32Array(this.tree.count);
		for (let node = 1; node < this.tree.count; node++)
			this.depth[node] = this.depth[this.tree.parent[node]] + 1;
	}

	// Rows that anything needs that is visible when TOP is as wide as the graph.
	deepest(top) {
		const { depth, tree, totals } = this;
		const thinnest = (THINNEST / 2000) * totals.width[top];
		const inside = new Uint8Array(tree.count);
		let rows = depth[top] + 1;

		inside[top] = 1;
		for (let node = top + 1; node < tree.count; node++) {
			inside[node] = inside[tree.parent[node]];
			if (inside[node] && totals.width[node] > thinnest) rows = Math.max(rows, depth[node] + 1);
		}
		return rows;
	}

	// What was too thin to need rows may have them when TOP is wide. There are never fewer again: nothing jumps.
	makeRows(top) {
		const more = this.deepest(top) - this.rows;

		if (more <= 0) return;
		this.rows += more;
		this.resize();
		if (this.rootsDown) this.box.scrollTop += more * ROW;
	}

	resize() {
		if (!this.totals) return;
		const ratio = window.devicePixelRatio || 1;
		const width = this.box.clientWidth;

		this.spacer.style.height = '0';
		this.box.style.height = `${this.rows * ROW}px`;
		const height = this.box.clientHeight;
		this.spacer.style.height = `${this.rows * ROW - height}px`;
		this.width = width;
		this.height = height;
		this.canvas.style.width = `${width}px`;
		this.canvas.style.height = `${height}px`;
		this.canvas.width = Math.round(width * ratio);
		this.canvas.height = Math.round(height * ratio);
		this.draw();
	}

	y(depth) {
		return (this.rootsDown ? this.rows - 1 - depth : depth) * ROW - this.box.scrollTop;
	}

	color(node) {
		const { model, tree, totals } = this;
		const dark = this.dark;
		const frame = tree.frame[node];

		if (model.isDiff) {
			const change = totals.total[node] - totals.oldTotal[node];
			const most = Math.max(totals.total[node], totals.oldTotal[node]);
			const strength = most > 0 ? Math.min(1, Math.abs(change) / most) : 0;

			if (strength < 0.005) return dark ? 'hsl(220 6% 32%)' : 'hsl(40 8% 86%)';
			return (
				`hsl(${change > 0 ? 8 : 212} ${Math.round(25 + 55 * strength)}% ` +
				`${Math.round(dark ? 34 + 8 * strength : 86 - 20 * strength)}%)`
			);
		}
		if (frame < 0) return dark ? 'hsl(220 8% 28%)' : 'hsl(40 10% 88%)';
		const key = model.frameFunction[frame];
		const kept = this.colors.get(key);
		if (kept) return kept;
		const jitter = (hashText(model.nameOfFrame(frame)) % 100) / 100;
		const [hue, saturation] = this.hueOfModule(model.frameModule[frame], jitter);
		const color = dark
			? `hsl(${hue} ${saturation * 0.62}% ${30 + 9 * jitter}%)`
			: `hsl(${hue} ${saturation}% ${73 + 11 * jitter}%)`;
		this.colors.set(key, color);
		return color;
	}

	hueOfModule(module, jitter) {
		const { model } = this;
		const name = baseName(model.text(module) || '');

		if (module < 0) return [40, 6];
		if (model.text(module) === model.report.process.exe) return [22 + Math.round(26 * jitter), 86];
		if (/^(libc|ld-linux.*|linux-vdso)\.so|^libpthread/.test(name)) return [215, 14];
		return [
			LIBRARY_HUES[hashText(name.replace(/\.so.*/, '')) % LIBRARY_HUES.length] +
				Math.round(10 * jitter),
			46,
		];
	}

	repaint() {
		this.colors.clear();
		this.draw();
	}

	draw() {
		if (this.pending || !this.totals) return;
		this.pending = true;
		requestAnimationFrame(() => {
			this.pending = false;
			this.paint();
		});
	}

	paint() {
		const context = this.canvas.getContext('2d');
		const ratio = window.devicePixelRatio || 1;
		const { from, to } = this.window;
		const scale = this.width / (to - from);

		if (!this.canvas.isConnected || this.width === 0) return;
		if (this.dark !== isDark()) {
			this.dark = isDark();
			this.colors.clear();
		}
		context.setTransform(ratio, 0, 0, ratio, 0, 0);
		context.clearRect(0, 0, this.width, this.height);
		context.font = FONT;
		context.textBaseline = 'middle';
		this.characterWidth = this.characterWidth || context.measureText('M').width;
		this.drawn = [];
		const open = [0];
		while (open.length) {
			const node = open.pop();
			const x = (this.start(node) - from) * scale;
			const width = this.share(node) * scale;

			if (x + width < 0 || x > this.width || width < THINNEST) continue;
			this.paintFrame(context, node, x, width);
			for (const child of this.children(node)) {
				if (this.share(child) * scale < THINNEST) break;
				open.push(child);
			}
		}
	}

	paintFrame(context, node, x, width) {
		const y = this.y(this.depth[node]);
		const left = Math.max(x, 0);
		const right = Math.min(x + width, this.width);

		if (y + ROW < 0 || y > this.height) return;
		this.drawn.push({ node, left, right, y });
		context.fillStyle = this.color(node);
		context.globalAlpha = this.matches && !this.matches[node] ? 0.28 : 1;
		context.fillRect(left, y, Math.max(right - left - (width > 3 ? 1 : 0), 0.5), ROW - 1);
		if (this.matches && this.matches[node]) {
			context.fillStyle = this.dark ? '#f0b429' : '#d9480f';
			context.fillRect(left, y + ROW - 4, Math.max(right - left - 1, 1), 3);
		}
		if (
			node === this.hovered ||
			(node === this.selected && (node || document.activeElement === this.canvas))
		) {
			context.globalAlpha = 1;
			context.strokeStyle = this.dark ? '#fff' : '#000';
			context.lineWidth = node === this.selected && document.activeElement === this.canvas ? 2 : 1;
			context.strokeRect(left + 0.5, y + 0.5, Math.max(right - left - 2, 1), ROW - 2);
		}
		const room = Math.floor((right - left - 8) / this.characterWidth);
		if (room >= 3) {
			context.fillStyle = this.dark ? '#f2f0ec' : '#211d18';
			context.fillText(fitName(this.label(node), room), left + 4, y + ROW / 2);
		}
		context.globalAlpha = 1;
	}

	label(node) {
		const { model, tree } = this;

		if (node === 0) return 'all';
		const name = model.nameOfFrame(tree.frame[node]);
		const line = model.frameLine[tree.frame[node]];
		return tree.by === 'line' && line ? `${name}:${line}` : name;
	}

	nodeAt(event) {
		const bounds = this.canvas.getBoundingClientRect();
		const x = event.clientX - bounds.left;
		const y = event.clientY - bounds.top;
		const hit = (this.drawn || []).find(
			(f) => y >= f.y && y < f.y + ROW && x >= f.left && x < Math.max(f.right, f.left + 1),
		);

		return hit ? hit.node : -1;
	}

	pointAt(event) {
		const node = event ? this.nodeAt(event) : -1;

		if (node !== this.hovered) {
			this.hovered = node;
			this.draw();
		}
		this.canvas.style.cursor = node >= 0 ? 'pointer' : '';
		if (node >= 0) showTooltip(event, this.describe(node));
		else hideTooltip();
	}

	describe(node) {
		const { model, totals, tree, unit } = this;
		const frame = tree.frame[node];
		const rows = [];
		const whole = totals.total[0];

		if (model.isDiff) {
			rows.push(['before', formatValue(totals.oldTotal[node], unit)]);
			rows.push(['after', formatValue(totals.total[node], unit)]);
			rows.push(['change', formatChange(totals.total[node] - totals.oldTotal[node], unit)]);
		} else {
			rows.push([
				'total',
				`${formatValue(totals.total[node], unit)}  ${formatShare(totals.total[node], whole)}`,
			]);
			rows.push([
				'self',
				`${formatValue(totals.self[node], unit)}  ${formatShare(totals.self[node], whole)}`,
			]);
		}
		return {
			name: node === 0 ? 'all stacks' : model.nameOfFrame(frame),
			place: model.placeOfFrame(frame),
			module: model.moduleOfFrame(frame),
			rows,
		};
	}

	select(node) {
		this.selected = node;
		this.onSelect(node);
		this.draw();
	}

	click(event) {
		const node = this.nodeAt(event);

		if (node < 0) return;
		this.select(node);
		this.zoom(node);
	}

	// Makes NODE as wide as the graph.
	zoom(node) {
		const from = this.start(node);
		const target = { from, to: from + this.share(node) };

		if (!(this.share(node) > 0)) return;
		this.zoomed = node;
		this.makeRows(node);
		this.onZoom(node);
		this.animate(target);
	}

	animate(target) {
		const origin = { ...this.window };
		const started = performance.now();
		const still = matchMedia('(prefers-reduced-motion: reduce)').matches;

		this.target = target;
		const step = (now) => {
			const t = still ? 1 : Math.min(1, (now - started) / ZOOM_MS);
			const eased = 1 - (1 - t) ** 3;

			if (this.target !== target) return;
			this.window = {
				from: origin.from + (target.from - origin.from) * eased,
				to: origin.to + (target.to - origin.to) * eased,
			};
			this.paint();
			if (t < 1) requestAnimationFrame(step);
		};
		requestAnimationFrame(step);
	}

	// With Ctrl the wheel zooms where the pointer is, as in maps; else the page scrolls.
	wheel(event) {
		if (!event.ctrlKey && !event.metaKey) return;
		event.preventDefault();
		const { from, to } = this.window;
		const at =
			from + ((event.clientX - this.canvas.getBoundingClientRect().left) / this.width) * (to - from);
		const factor = Math.exp(Math.max(-1, Math.min(1, event.deltaY / 200)));
		const width = Math.min(1, Math.max(1e-6, (to - from) * factor));
		const left = Math.max(0, Math.min(1 - width, at - ((at - from) * width) / (to - from)));

		this.target = null;
		this.window = { from: left, to: left + width };
		this.draw();
	}

	key(event) {
		const { tree, selected } = this;
		const inward = this.rootsDown ? 'ArrowUp' : 'ArrowDown';
		const outward = this.rootsDown ? 'ArrowDown' : 'ArrowUp';
		const siblings = selected ? this.children(tree.parent[selected]) : [0];
		const at = siblings.indexOf(selected);
		let next = -1;

		if (event.key === inward) next = this.children(selected)[0];
		else if (event.key === outward) next = selected ? tree.parent[selected] : -1;
		else if (event.key === 'ArrowLeft') next = siblings[at - 1];
		else if (event.key === 'ArrowRight') next = siblings[at + 1];
		else if (event.key === 'Enter' || event.key === ' ') this.zoom(selected);
		else if (event.key === 'Escape' || event.key === 'Backspace')
			this.zoom(event.key === 'Escape' || !this.zoomed ? 0 : tree.parent[this.zoomed]);
		else return;
		event.preventDefault();
		if (next === undefined || next < 0) return;
		this.select(next);
		this.reveal(next);
		const { name, rows } = this.describe(next);
		say(`${name}, ${rows.map((row) => row.join(' ')).join(', ')}`);
	}

	reveal(node) {
		const y = this.y(this.depth[node]);
		const from = this.start(node);

		if (y < 0) this.box.scrollTop += y;
		else if (y + ROW > this.height) this.box.scrollTop += y + ROW - this.height;
		if (from < this.window.from || from + this.share(node) > this.window.to + 1e-12)
			this.zoom(this.tree.parent[node]);
	}

	remove() {
		this.observer.disconnect();
	}
}
