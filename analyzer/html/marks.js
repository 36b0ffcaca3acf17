// SPDX-License-Identifier: MIT
// Points in time that the program named: lines in the timeline, and a table of what the counters were then.
'use strict';

const MARK_LABEL_CHARACTERS = 24;
const MARK_LABELS_TRIED = 200;
const MARK_LINES_MOST = 30; // of one text; more would hide the chart

// All marks that were kept, in the order of time: those of the report, each with its text and how often that came.
function markPoints(report) {
	return report.marks
		.flatMap(({ text, count, points }) => points.map((point) => ({ ...point, text, count })))
		.filter((point) => point.time_ns !== null)
		.sort((a, b) => a.time_ns - b.time_ns);
}

// The last of POINTS at or before a time; undefined: there is none.
function markBefore(points, ns) {
	let low = 0,
		high = points.length;

	while (low < high) {
		const middle = (low + high) >> 1;

		if (points[middle].time_ns <= ns) low = middle + 1;
		else high = middle;
	}
	return points[low - 1];
}

// Lines through the chart, and for texts that came very often short ones below. Rare marks get their texts first, where
// these do not cover each other.
function drawMarks(chart, points, labelled) {
	const { ctx, bbox } = chart;
	const pixel = devicePixelRatio;
	const bottom = bbox.top + bbox.height;
	const kept = new Map();
	const taken = [];
	const isRare = (point) => kept.get(point.text) <= MARK_LINES_MOST;
	let last = null;

	for (const { text } of points) kept.set(text, (kept.get(text) || 0) + 1);
	const drawn = points
		.map((point) => ({ point, x: Math.round(chart.valToPos(point.time_ns / 1e9, 'x', true)) }))
		.filter(({ x }) => x >= bbox.left && x <= bbox.left + bbox.width);
	ctx.save();
	ctx.strokeStyle = ctx.fillStyle = cssColor('--accent');
	ctx.lineWidth = pixel;
	ctx.font = `${11 * pixel}px system-ui, sans-serif`;
	ctx.globalAlpha = 0.55;
	ctx.beginPath();
	for (const { point, x } of drawn) {
		if (x === last && !isRare(point)) continue;
		ctx.moveTo(x, isRare(point) ? bbox.top : bottom - 7 * pixel);
		ctx.lineTo(x, bottom);
		last = x;
	}
	ctx.stroke();
	ctx.globalAlpha = 1;
	const rarest = labelled ? drawn.sort((a, b) => a.point.count - b.point.count).slice(0, MARK_LABELS_TRIED) : [];
	for (const { point, x } of rarest) {
		const text = fitName(point.text, MARK_LABEL_CHARACTERS);
		const width = ctx.measureText(text).width + 10 * pixel;
		const isRight = x + width > bbox.left + bbox.width;
		const from = isRight ? x - width : x;

		if (taken.some((other) => from < other.to && from + width > other.from)) continue;
		taken.push({ from, to: from + width });
		ctx.textAlign = isRight ? 'right' : 'left';
		ctx.fillText(text, x + (isRight ? -5 : 5) * pixel, bbox.top + 25 * pixel);
	}
	ctx.restore();
}

function marksTable(parent, points) {
	const counter = (key, label, unit, width) => ({ key, label, unit, width, value: (point) => point[key] });

	return new Table(parent, {
		label: 'Marks',
		rows: points,
		sort: 'time_ns',
		up: true,
		columns: [
			counter('time_ns', 'At', 'ns', '6rem'),
			{ key: 'text', label: 'Mark', value: (point) => point.text },
			{
				key: 'number',
				label: 'Of its kind',
				unit: 'count',
				title: 'Which one it was of those with the same text',
				value: (point) => point.number,
				text: (point, v) => `${formatCount(v)} of ${formatCount(point.count)}`,
				width: '9rem',
			},
			{
				key: 'tid',
				label: 'Thread',
				unit: 'count',
				value: (point) => point.tid,
				text: (point, v) => (point.by === 'control' ? 'from outside' : String(v)),
				width: '6.5rem',
			},
			counter('live_bytes', 'Live', 'bytes', '6.5rem'),
			counter('live_count', 'Blocks', 'count', '6.5rem'),
			counter('alloc_count', 'Allocations', 'count', '7.5rem'),
			counter('alloc_bytes', 'Allocated', 'bytes', '7rem'),
			counter('free_count', 'Frees', 'count', '7.5rem'),
			counter('lock_wait_ns', 'Waited', 'ns', '6.5rem'),
		],
	});
}
