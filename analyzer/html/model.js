// SPDX-License-Identifier: MIT
// The data of one report, or of two that are compared, and the trees that views draw. Numbers of nodes, frames and
// functions index typed arrays: with fifty thousand stacks there are a million nodes.
'use strict';

// A tree in arrays. Node 0 is the root; a parent's number is smaller than its children's.
class Tree {
	constructor(capacity) {
		this.count = 1;
		this.parent = new Int32Array(capacity);
		this.key = new Int32Array(capacity);
		this.frame = new Int32Array(capacity);
		this.key[0] = this.frame[0] = -1;
		this.slots = new Int32Array(1 << Math.max(10, Math.ceil(Math.log2(capacity * 1.5))));
		this.firstChild = null;
	}

	grow() {
		for (const name of ['parent', 'key', 'frame']) {
			const longer = new Int32Array(this[name].length * 2);

			longer.set(this[name]);
			this[name] = longer;
		}
	}

	rehash() {
		const mask = this.slots.length * 2 - 1;

		this.slots = new Int32Array(this.slots.length * 2);
		for (let node = 1; node < this.count; node++) {
			let slot = this.hash(this.parent[node], this.key[node]) & mask;

			while (this.slots[slot]) slot = (slot + 1) & mask;
			this.slots[slot] = node;
		}
	}

	hash(parent, key) {
		let h = Math.imul(parent, 0x9e3779b1) ^ Math.imul(key + 1, 0x85ebca6b);

		h ^= h >>> 15;
		h = Math.imul(h, 0x2c1b3c6d);
		return h ^ (h >>> 13);
	}

	// The child of PARENT with KEY, made if need be; FRAME is the first of those that it stands for.
	child(parent, key, frame) {
		const mask = this.slots.length - 1;
		let slot = this.hash(parent, key) & mask;

		for (let node; (node = this.slots[slot]); slot = (slot + 1) & mask) {
			if (this.parent[node] === parent && this.key[node] === key) return node;
		}
		if (this.count === this.parent.length) this.grow();
		this.slots[slot] = this.count;
		this.parent[this.count] = parent;
		this.key[this.count] = key;
		this.frame[this.count] = frame;
		if (++this.count * 3 > this.slots.length * 2) this.rehash();
		return this.count - 1;
	}

	// Lists of children: firstChild and nextSibling, 0 = none.
	link() {
		if (this.firstChild) return;
		this.firstChild = new Int32Array(this.count);
		this.nextSibling = new Int32Array(this.count);
		for (let node = this.count - 1; node > 0; node--) {
			this.nextSibling[node] = this.firstChild[this.parent[node]];
			this.firstChild[this.parent[node]] = node;
		}
	}

	depth(node) {
		let depth = 0;

		for (; node; node = this.parent[node]) depth++;
		return depth;
	}
}

// X of the metric chooser. values(part) gives [node, value] pairs of one report through the callback.
const METRICS = [
	{ id: 'peak', group: 'Memory', label: 'Live at the peak', unit: 'bytes', column: 'peak_bytes' },
	{ id: 'live', group: 'Memory', label: 'Not freed', unit: 'bytes', column: 'live_bytes' },
	{ id: 'bytes', group: 'Memory', label: 'Allocated bytes', unit: 'bytes', column: 'alloc_bytes' },
	{ id: 'count', group: 'Memory', label: 'Allocations', unit: 'count', column: 'alloc_count' },
	{ id: 'temporary', group: 'Memory', label: 'Temporary allocations', unit: 'count', column: 'temporary_count' },
	{ id: 'realloc', group: 'Memory', label: 'Reallocations', unit: 'count', column: 'realloc_count' },
	{ id: 'definite', group: 'Leaks by verdict', label: 'Definitely lost', unit: 'bytes', leak: 'definite' },
	{ id: 'indirect', group: 'Leaks by verdict', label: 'Indirectly lost', unit: 'bytes', leak: 'indirect' },
	{ id: 'possible', group: 'Leaks by verdict', label: 'Possibly lost', unit: 'bytes', leak: 'possible' },
	{ id: 'reachable', group: 'Leaks by verdict', label: 'Still reachable', unit: 'bytes', leak: 'reachable' },
	{ id: 'wait', group: 'Locks', label: 'Lock wait, by who waited', unit: 'ns' },
	{ id: 'culprit', group: 'Locks', label: 'Lock wait, by culprit', unit: 'ns' },
	{ id: 'coordination', group: 'Locks', label: 'Waiting for work', unit: 'ns' },
];
const METRIC = Object.fromEntries(METRICS.map((metric) => [metric.id, metric]));

const STRINGS_MAX = 2 ** 26; // two numbers of strings are one exact number

class Model {
	// REPORTS: one, or the older and the newer one.
	constructor(data, reports) {
		this.data = data;
		this.texts = data.texts;
		this.strings = data.strings;
		this.parts = reports;
		this.report = reports[reports.length - 1];
		this.isDiff = reports.length > 1;
		this.isSampled = reports.some((report) => report.process.mode === 'sample');
		this.trees = new Map();
		this.totalsKept = new Map();
		this.collectFrames();
		this.leakWords = data.texts.leaks.map((row) => row && row.word);
	}

	// One table of frames for all parts; the same function of the same object is one number in frameFunction.
	collectFrames() {
		const names = [];
		const functions = new Map();

		this.frameName = [];
		this.frameFile = [];
		this.frameLine = [];
		this.frameModule = [];
		this.frameInlined = [];
		this.frameFunction = [];
		this.frameFirst = [];
		this.functionName = names;
		this.functionModule = [];
		this.functionFrame = [];
		for (const part of this.parts) {
			const frames = part.frames;

			this.frameFirst.push(this.frameName.length);
			for (let i = 0; i < frames.name.length; i++) {
				const key = frames.name[i] * STRINGS_MAX + frames.module[i];
				let id = functions.get(key);

				if (id === undefined) {
					id = names.length;
					functions.set(key, id);
					names.push(frames.name[i]);
					this.functionModule.push(frames.module[i]);
					this.functionFrame.push(this.frameName.length);
				}
				this.frameName.push(frames.name[i]);
				this.frameFile.push(frames.file[i]);
				this.frameLine.push(frames.line[i]);
				this.frameModule.push(frames.module[i]);
				this.frameInlined.push(frames.inlined[i]);
				this.frameFunction.push(id);
			}
		}
		// What is charged to nobody.
		this.handoffFrame = this.addFrame('[hand-off: nobody had the lock]');
		this.unknownFrame = this.addFrame('[unknown culprit]');
	}

	addFrame(name) {
		this.strings.push(name);
		this.functionName.push(this.strings.length - 1);
		this.functionModule.push(-1);
		this.functionFrame.push(this.frameName.length);
		this.frameFunction.push(this.functionName.length - 1);
		this.frameName.push(this.strings.length - 1);
		this.frameFile.push(-1);
		this.frameLine.push(0);
		this.frameModule.push(-1);
		this.frameInlined.push(0);
		return this.frameName.length - 1;
	}

	text(number) {
		return number < 0 ? null : this.strings[number];
	}

	nameOfFrame(frame) {
		return frame < 0 ? 'all' : this.strings[this.frameName[frame]];
	}

	placeOfFrame(frame) {
		const file = frame < 0 ? null : this.text(this.frameFile[frame]);
		const line = frame < 0 ? 0 : this.frameLine[frame];

		return file ? (line ? `${file}:${line}` : file) : '';
	}

	moduleOfFrame(frame) {
		return frame < 0 ? '' : baseName(this.text(this.frameModule[frame]) || '');
	}

	// Frames of NODE of part PART, innermost first.
	stack(part, node) {
		const { parents, nodes, places } = this.partNodes(part);
		const frames = [];

		for (; node; node = parents[node]) {
			for (const frame of places[nodes.place[node]]) frames.push(frame + this.frameFirst[part]);
		}
		return frames;
	}

	partNodes(part) {
		const report = this.parts[part];

		if (!report.parents) {
			const distance = report.nodes.parent;

			report.parents = new Int32Array(distance.length);
			for (let i = 1; i < distance.length; i++) report.parents[i] = distance[i] ? i - distance[i] : 0;
		}
		return { parents: report.parents, nodes: report.nodes, places: report.places };
	}

	// Calls from the outermost function inward. BY: 'function', or 'line' to tell the lines of a function apart. In
	// tree.placeOf[part] stands the node of each node of the data.
	topDown(by) {
		const kept = this.trees.get(`top ${by}`);

		if (kept) return kept;
		let capacity = 1024;
		for (const part of this.parts) capacity += part.nodes.parent.length * 2;
		const tree = new Tree(capacity);
		const keyOf = by === 'line' ? this.lineKeys() : this.frameFunction;

		tree.placeOf = this.parts.map((report, part) => {
			const { parents, nodes, places } = this.partNodes(part);
			const placeOf = new Int32Array(parents.length);
			const first = this.frameFirst[part];

			for (let node = 1; node < parents.length; node++) {
				const frames = places[nodes.place[node]];
				let at = placeOf[parents[node]];

				for (let i = frames.length - 1; i >= 0; i--)
					at = tree.child(at, keyOf[frames[i] + first], frames[i] + first);
				placeOf[node] = at;
			}
			return placeOf;
		});
		tree.handoff = tree.child(0, keyOf[this.handoffFrame], this.handoffFrame);
		tree.unknown = tree.child(0, keyOf[this.unknownFrame], this.unknownFrame);
		tree.by = by;
		this.trees.set(`top ${by}`, tree);
		return tree;
	}

	// Frames of the same function, file and line are one key, whatever the part.
	lineKeys() {
		const keys = new Map();

		return this.frameFunction.map((id, frame) => {
			const key = `${id} ${this.frameFile[frame]} ${this.frameLine[frame]}`;

			if (!keys.has(key)) keys.set(key, keys.size);
			return keys.get(key);
		});
	}

	// The same from the innermost function outward: tree.ends[node of topDown()] is where that stack ends here.
	bottomUp(by) {
		const kept = this.trees.get(`bottom ${by}`);

		if (kept) return kept;
		const from = this.topDown(by);
		const tree = new Tree(from.count * 2 + 1024);
		const used = new Uint8Array(from.count);

		tree.ends = new Int32Array(from.count);
		for (const metric of METRICS)
			this.eachSample(metric, from, (node) => {
				used[node] = 1;
			});
		for (let leaf = 1; leaf < from.count; leaf++) {
			let at = 0;

			if (!used[leaf]) continue;
			for (let node = leaf; node; node = from.parent[node])
				at = tree.child(at, from.key[node], from.frame[node]);
			tree.ends[leaf] = at;
		}
		tree.by = by;
		this.trees.set(`bottom ${by}`, tree);
		return tree;
	}

	// Calls EACH with a node of TREE (a topDown() one), a value above 0, and the number of the report.
	eachSample(metric, tree, each) {
		this.parts.forEach((report, part) => {
			const placeOf = tree.placeOf[part];

			if (metric.column) {
				const values = report.sites[metric.column];

				for (let i = 0; i < values.length; i++) {
					if (values[i] > 0) each(placeOf[report.sites.node[i]], values[i], part);
				}
			} else if (metric.leak) {
				const { node, bytes } = report.leaks;
				const wanted = this.leakWords.indexOf(metric.leak);

				for (let i = 0; i < node.length; i++) {
					if (report.leaks.class[i] === wanted && bytes[i] > 0)
						each(placeOf[node[i]], bytes[i], part);
				}
			} else {
				for (const lock of report.locks)
					eachLockSample(metric, lock, tree, placeOf, (node, value) =>
						each(node, value, part),
					);
			}
		});
	}

	// { self, total, oldSelf, oldTotal, width } by node of a tree: of the newer report, and if two are compared of
	// the older. Widths are what a graph can be drawn with: in a comparison, enough for either.
	totals(metric, inverted, by) {
		const key = `${metric.id} ${inverted} ${by}`;
		const kept = this.totalsKept.get(key);

		if (kept) return kept;
		const from = this.topDown(by);
		const tree = inverted ? this.bottomUp(by) : from;
		const last = this.parts.length - 1;
		const sums = this.parts.map(() => new Float64Array(tree.count));

		this.eachSample(metric, from, (node, value, part) => {
			sums[part][inverted ? tree.ends[node] : node] += value;
		});
		const self = sums.map((sum) => sum.slice());
		for (const sum of sums) {
			for (let node = tree.count - 1; node > 0; node--) sum[tree.parent[node]] += sum[node];
		}
		const result = { tree, self: self[last], total: sums[last], width: sums[last] };
		if (this.isDiff) {
			result.oldSelf = self[0];
			result.oldTotal = sums[0];
			result.width = new Float64Array(tree.count);
			for (let node = tree.count - 1; node > 0; node--) {
				result.width[node] += Math.max(self[0][node], self[last][node]);
				result.width[tree.parent[node]] += result.width[node];
			}
		}
		if (this.totalsKept.size > 12) this.totalsKept.clear();
		this.totalsKept.set(key, result);
		return result;
	}

	// Why a metric has nothing to show, null if it has.
	whyNot(metric) {
		const report = this.report;

		if (metric.leak && !report.leak_scan.ran)
			return `No verdict on leaks: ${report.leak_scan.why_not || 'nobody looked for them'}.`;
		if (metric.group === 'Locks' && this.isSampled) return 'Locks are not recorded in sampled runs.';
		if (metric.id === 'culprit' && report.locks.length > 0 && report.locks.every((lock) => !lock.culprits))
			return 'This dump does not tell who held locks.';
		const { total } = this.totals(metric, false, 'function');
		if (total[0] > 0 || (this.isDiff && this.totals(metric, false, 'function').oldTotal[0] > 0))
			return null;
		return metric.group === 'Locks' ? 'Nobody waited.' : 'There are none.';
	}

	// What a frame is found by.
	frameMatches(pattern) {
		const found = this.strings.map((text) => (pattern.test(text) ? 1 : 0));

		return (frame) =>
			frame >= 0 &&
			(found[this.frameName[frame]] ||
				found[this.frameFile[frame]] ||
				found[this.frameModule[frame]] ||
				0);
	}

	// By node of the data of PART: some frame of the stack matches.
	stacksMatching(pattern, part) {
		const { parents, nodes, places } = this.partNodes(part);
		const matches = this.frameMatches(pattern);
		const inPlace = places.map((frames) =>
			frames.some((f) => matches(f + this.frameFirst[part])) ? 1 : 0,
		);
		const found = new Uint8Array(parents.length);

		for (let node = 1; node < parents.length; node++)
			found[node] = found[parents[node]] | inPlace[nodes.place[node]];
		return found;
	}

	// The frame that a person would look at first: the innermost that is not of an allocator or of the C++ library.
	mainFrame(part, node) {
		const frames = this.stack(part, node);

		for (const frame of frames) {
			if (!isPlumbing(this.nameOfFrame(frame), this.moduleOfFrame(frame))) return frame;
		}
		return frames.length ? frames[0] : -1;
	}
}

function eachLockSample(metric, lock, tree, placeOf, each) {
	if ((metric.id === 'coordination') !== (lock.category === 'coordination')) return;
	if (metric.id !== 'culprit') {
		for (const waiter of lock.waiters) {
			if (waiter.wait_ns > 0) each(placeOf[waiter.node], waiter.wait_ns);
		}
		return;
	}
	let unknown = lock.wait_ns - (lock.handoff_ns || 0);
	for (const culprit of lock.culprits || []) {
		if (!culprit.known || culprit.wait_ns <= 0) continue;
		each(placeOf[culprit.node], culprit.wait_ns);
		unknown -= culprit.wait_ns;
	}
	if (lock.handoff_ns > 0) each(tree.handoff, lock.handoff_ns);
	if (unknown > 0) each(tree.unknown, unknown);
}

function isPlumbing(name, module) {
	return (
		/^(libc|libstdc\+\+|libpthread|ld-linux[-\w]*)\.so/.test(module) ||
		/^ld-linux/.test(module) ||
		/^(operator new|operator delete|std::|__gnu_cxx::|void std::|xmalloc|xcalloc|xrealloc)/.test(name)
	);
}

// The data of the page: base64 of gzip of JSON.
async function readData() {
	const text = document.getElementById('data').textContent;
	const bytes = Uint8Array.fromBase64
		? Uint8Array.fromBase64(text)
		: Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
	const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));

	document.getElementById('data').remove();
	return JSON.parse(await new Response(stream).text());
}
