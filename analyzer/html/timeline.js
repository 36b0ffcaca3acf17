// SPDX-License-Identifier: MIT
// Live and resident bytes, allocation rate and lock wait over time. A range drawn with the mouse, or with Shift and the
// arrow keys, is the brush.
'use strict';

function cssColor(name) {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// The points that can be drawn: of a damaged dump some have no time.
function ticksOf(report) {
	return report.timeline.filter((tick) => tick.time_ns !== null);
}

// What happened between two times, from the points of the timeline: all sums are exact at the points.
function sumsBetween(report, from, to) {
	const ticks = ticksOf(report);
	let first = 0,
		last = ticks.length - 1;

	while (first + 1 < ticks.length && ticks[first + 1].time_ns <= from) first++;
	while (last > first && ticks[last - 1].time_ns >= to) last--;
	const start = ticks[first].time_ns > from ? null : ticks[first];
	const zero = { alloc_count: 0, alloc_bytes: 0, free_count: 0, lock_wait_ns: 0, live_bytes: 0, time_ns: 0 };
	const a = start || zero,
		b = ticks[last];
	const between = ticks.slice(first, last + 1);
	return {
		from: a.time_ns,
		to: b.time_ns,
		alloc_count: b.alloc_count - a.alloc_count,
		alloc_bytes: b.alloc_bytes - a.alloc_bytes,
		free_count: b.free_count - a.free_count,
		lock_wait_ns: b.lock_wait_ns - a.lock_wait_ns,
		live_change: b.live_bytes - a.live_bytes,
		live_most: Math.max(...between.map((tick) => tick.live_bytes)),
		rss_most: between.reduce((most, tick) => Math.max(most, tick.rss_bytes || 0), 0) || null,
	};
}

class Timeline {
	// onBrush(range): { from, to } in ns, or null for all of the run.
	constructor(parent, report, onBrush) {
		this.report = report;
		this.onBrush = onBrush;
		this.ticks = ticksOf(report);
		this.marks = markPoints(report);
		this.box = element('div', {
			class: 'timeline',
			tabindex: 0,
			role: 'group',
			'aria-label': 'Timeline. Shift and the arrow keys choose a range, Escape lets it go.',
		});
		parent.append(this.box);
		this.charts = [];
		this.box.addEventListener('keydown', (event) => this.key(event));
		this.observer = new ResizeObserver(() => this.resize());
		this.build();
		this.observer.observe(this.box);
	}

	// Rates belong to the time since the point before.
	rates(field) {
		return this.ticks.map((tick, i) => {
			const before = i > 0 ? this.ticks[i - 1] : { time_ns: 0, [field]: 0 };
			const seconds = (tick.time_ns - before.time_ns) / 1e9;

			return seconds > 0 ? Math.max(0, tick[field] - before[field]) / seconds : i > 0 ? 0 : null;
		});
	}

	// Resident memory is not looked at for every point: the last that is known, and when that was.
	residentText(index) {
		let known = index;

		if (index === null || index === undefined) return '–';
		while (known >= 0 && this.ticks[known].rss_bytes === null) known--;
		if (known < 0) return '–';
		const { rss_bytes: bytes, time_ns: time } = this.ticks[known];
		return known === index ? formatBytes(bytes) : `${formatBytes(bytes)}, at ${formatDuration(time)}`;
	}

	// A mark can be older than the first point.
	rangeWithMarks(low, high) {
		if (this.marks.length === 0) return [low, high];
		const last = this.marks[this.marks.length - 1];

		return [Math.min(low, this.marks[0].time_ns / 1e9), Math.max(high, last.time_ns / 1e9)];
	}

	timeText(seconds) {
		if (seconds === null || seconds === undefined) return '';
		const mark = markBefore(this.marks, Math.round(seconds * 1e9));

		return `at ${formatDuration(seconds * 1e9)}${mark ? `, after “${fitName(mark.text, 40)}”` : ''}`;
	}

	build() {
		const x = this.ticks.map((tick) => tick.time_ns / 1e9);
		const live = this.ticks.map((tick) => tick.live_bytes);
		const rss = this.ticks.map((tick) => tick.rss_bytes);
		const memory = cssColor('--memory'),
			locks = cssColor('--locks'),
			muted = cssColor('--muted');

		for (const chart of this.charts) chart.destroy();
		this.charts = [
			this.chart(
				'Memory',
				170,
				[x, live, rss],
				[
					{
						label: 'live',
						stroke: memory,
						fill: `${memory}2b`,
						width: 1.5,
						value: (u, v) => valueOrDash(v, formatBytes),
					},
					{
						label: 'resident',
						stroke: muted,
						spanGaps: true,
						dash: [4, 3],
						width: 1.25,
						value: (u, v, series, i) => this.residentText(i),
					},
				],
				formatBytes,
			),
			this.chart(
				'Allocations',
				92,
				[x, this.rates('alloc_count')],
				[
					{
						label: 'allocations',
						stroke: cssColor('--rate'),
						fill: `${cssColor('--rate')}2b`,
						width: 1.25,
						paths: uPlot.paths.stepped({ align: -1 }),
						value: (u, v) => valueOrDash(v, formatRate),
					},
				],
				formatRate,
			),
		];
		if (this.ticks.some((tick) => tick.lock_wait_ns > 0))
			this.charts.push(
				this.chart(
					'Lock wait',
					92,
					[x, this.rates('lock_wait_ns')],
					[
						{
							label: 'waiting',
							stroke: locks,
							fill: `${locks}2b`,
							width: 1.25,
							paths: uPlot.paths.stepped({ align: -1 }),
							value: (u, v) =>
								valueOrDash(
									v,
									(ns) => `${formatDuration(ns)} per second`,
								),
						},
					],
					(ns) => `${formatDuration(ns)}/s`,
				),
			);
		if (this.range) this.mark(this.range);
	}

	chart(title, height, data, series, format) {
		const axis = {
			stroke: cssColor('--muted'),
			font: '11px system-ui, sans-serif',
			grid: { stroke: cssColor('--line'), width: 1 },
			ticks: { show: false },
		};
		const peak = this.report.totals.peak_time_ns;
		const options = {
			width: this.box.clientWidth || 800,
			height,
			title: undefined,
			cursor: {
				sync: { key: 'memprof' },
				drag: { x: true, y: false, setScale: false },
				points: { size: 6 },
			},
			select: { show: true },
			legend: { show: true, live: true },
			scales: {
				x: { time: false, range: (u, low, high) => this.rangeWithMarks(low, high) },
				y: { range: (u, low, high) => [Math.min(0, low || 0), (high || 1) * 1.08] },
			},
			axes: [
				{
					...axis,
					size: 24,
					space: 70,
					values: (u, values) =>
						values.map((v) => (v === 0 ? '0 s' : formatDuration(v * 1e9))),
				},
				{
					...axis,
					size: 76,
					space: 26,
					values: (u, values) => values.map(format),
					incrs: format === formatBytes ? binaryIncrements : undefined,
				},
			],
			series: [
				{
					label: title,
					value: (u, v) => this.timeText(v),
				},
				...series,
			],
			hooks: {
				setSelect: [(u) => this.selected(u)],
				draw: [
					(u) => {
						drawMarks(u, this.marks, title === 'Memory');
						if (title === 'Memory' && peak !== null) drawPeak(u, peak / 1e9);
					},
				],
			},
		};
		return new uPlot(options, data, this.box);
	}

	selected(chart) {
		const { left, width } = chart.select;

		if (this.marking) return;
		if (width < 3) {
			this.brush(null);
			return;
		}
		this.brush({
			from: Math.max(0, chart.posToVal(left, 'x') * 1e9),
			to: chart.posToVal(left + width, 'x') * 1e9,
		});
	}

	brush(range) {
		this.range = range;
		this.mark(range);
		this.onBrush(range);
	}

	mark(range) {
		this.marking = true;
		for (const chart of this.charts) {
			const left = range ? chart.valToPos(range.from / 1e9, 'x') : 0;
			const right = range ? chart.valToPos(range.to / 1e9, 'x') : 0;

			chart.setSelect(
				{ left, width: right - left, top: 0, height: range ? chart.over.clientHeight : 0 },
				false,
			);
		}
		this.marking = false;
	}

	key(event) {
		const end = this.ticks[this.ticks.length - 1].time_ns;
		const step = end / 40;
		const range = this.range || { from: 0, to: 0 };
		const by = event.key === 'ArrowRight' ? step : event.key === 'ArrowLeft' ? -step : 0;

		if (event.key === 'Escape' && this.range) {
			this.brush(null);
		} else if (by !== 0) {
			const width = Math.max(step, range.to - range.from);
			const from = event.shiftKey ? range.from : Math.max(0, Math.min(range.from + by, end - width));
			const to = event.shiftKey ? Math.max(from + step, range.to + by) : from + width;

			this.brush({ from, to: Math.min(end, to) });
		} else {
			return;
		}
		event.preventDefault();
	}

	resize() {
		const width = this.box.clientWidth;

		if (width === this.lastWidth || width === 0) return;
		this.lastWidth = width;
		for (const chart of this.charts) chart.setSize({ width, height: chart.height });
		this.mark(this.range);
	}

	remove() {
		this.observer.disconnect();
		for (const chart of this.charts) chart.destroy();
	}
}

const binaryIncrements = Array.from({ length: 60 }, (unused, i) =>
	[1, 2, 4, 5, 10, 20, 25, 50, 100, 200, 256, 500].map((n) => n * 1024 ** Math.floor(i / 10)),
)
	.flat()
	.filter((n, i, all) => all.indexOf(n) === i)
	.sort((a, b) => a - b);

function valueOrDash(value, format) {
	return value === null || value === undefined ? '–' : format(value);
}

function drawPeak(chart, seconds) {
	const x = Math.round(chart.valToPos(seconds, 'x', true));
	const { ctx, bbox } = chart;

	ctx.save();
	ctx.strokeStyle = cssColor('--leaks');
	ctx.setLineDash([3, 3]);
	ctx.beginPath();
	ctx.moveTo(x, bbox.top);
	ctx.lineTo(x, bbox.top + bbox.height);
	ctx.stroke();
	ctx.setLineDash([]);
	ctx.fillStyle = cssColor('--leaks');
	ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
	const right = x > bbox.left + bbox.width - 60 * devicePixelRatio;
	ctx.textAlign = right ? 'right' : 'left';
	ctx.fillText('peak', x + (right ? -5 : 5) * devicePixelRatio, bbox.top + 11 * devicePixelRatio);
	ctx.restore();
}
