// SPDX-License-Identifier: MIT
// The page: what is shown, and what the user has chosen.
'use strict';

const TABS = [
	['overview', 'Overview', (app, parent) => (app.model.isDiff ? diffOverview : overviewView)(app, parent)],
	['flame', 'Flame graph', flameView],
	['tree', 'Call tree', treeView],
	['sites', 'Sites', sitesView],
	['leaks', 'Leaks', leaksView],
	['growth', 'Growth', growthView],
	['locks', 'Locks', locksView],
	['histograms', 'Histograms', histogramsView],
	['missing', 'Not recorded', missingView],
];
const THEMES = { '': '◐ Auto', light: '☀ Light', dark: '☾ Dark' };

function processLabel({ process, totals }) {
	return `${baseName(process.exe || '?')} ${process.pid}, ${formatBytes(totals.peak_bytes)}`;
}

class App {
	constructor(data) {
		this.data = data;
		this.metric = 'peak';
		this.query = '';
		this.pattern = null;
		this.brush = null;
		this.inverted = this.lines = this.rootsDown = false;
		this.treeMode = 'top';
		this.leakClass = 'all';
		this.flameTarget = this.function = this.site = this.leak = this.growing = this.lock = null;
		this.cleanup = () => {};
		this.setReports(data.diff ? data.reports : [data.reports[0]]);
	}

	setReports(reports) {
		this.model = new Model(this.data, reports);
		this.brush = null;
		this.leakClass = 'all';
		this.flameTarget = this.function = this.site = this.leak = this.growing = this.lock = null;
	}

	start() {
		const hash = location.hash.slice(1);

		this.fillHeader();
		this.fillTabs();
		this.openTab(TABS.some(([id]) => id === hash) ? hash : 'overview');
		document.getElementById('top').hidden = document.getElementById('tabs').hidden = false;
	}

	fillHeader() {
		const { process } = this.model.report;
		const how = {
			exit: process.exit_status === 0 ? 'exit status 0' : `exit status ${process.exit_status}`,
			signal: `ended by signal ${process.signal}`,
			exec: 'became another program',
			killed: 'killed',
			running: 'still running',
		};
		const program = baseName(process.exe || (process.argv && process.argv[0]) || 'program');
		const command = process.argv ? process.argv.join(' ') : process.exe || '';
		const select = document.getElementById('process');

		document.getElementById('program').textContent = this.model.isDiff
			? `${program}: two runs compared`
			: program;
		document.getElementById('run-line').replaceChildren(
			element('code', { title: command }, command),
			...[
				`pid ${process.pid}`,
				process.start_time && process.start_time.replace('T', ' ').replace(/\..*/, ' UTC'),
				`ran ${formatDuration(process.duration_ns)}`,
				how[process.ended],
			]
				.filter(Boolean)
				.map((text) => element('span', {}, text)),
		);
		if (!this.data.diff && this.data.reports.length > 1 && select.hidden) {
			select.append(
				...this.data.reports.map((report, i) =>
					element('option', { value: i }, processLabel(report)),
				),
			);
			select.hidden = false;
			select.addEventListener('change', () => {
				this.setReports([this.data.reports[select.value]]);
				this.fillHeader();
				this.openTab(this.tab);
			});
		}
	}

	fillTabs() {
		const bar = document.getElementById('tabs');

		bar.append(
			...TABS.map(([id, label], i) =>
				element(
					'button',
					{
						type: 'button',
						role: 'tab',
						id: `tab-${id}`,
						'aria-controls': 'view',
						title: `Key ${i + 1}`,
						onclick: () => this.openTab(id),
					},
					label,
				),
			),
		);
		bar.addEventListener('keydown', (event) => {
			const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
			const at = TABS.findIndex(([id]) => id === this.tab);

			if (by === 0) return;
			this.openTab(TABS[(at + by + TABS.length) % TABS.length][0]);
			document.getElementById(`tab-${this.tab}`).focus();
		});
	}

	openTab(id) {
		const view = document.getElementById('view');
		const [, label, fill] = TABS.find(([tab]) => tab === id);

		hideTooltip();
		this.cleanup();
		this.tab = id;
		this.onMetric = this.onSearch = this.onTheme = () => {};
		for (const [tab] of TABS) {
			const button = document.getElementById(`tab-${tab}`);

			button.setAttribute('aria-selected', String(tab === id));
			button.tabIndex = tab === id ? 0 : -1;
		}
		view.replaceChildren();
		view.className = `view-${id}`;
		view.setAttribute('aria-label', label);
		this.cleanup = fill(this, view) || (() => {});
		view.scrollTop = 0;
		try {
			history.replaceState(null, '', `#${id}`);
		} catch (error) {
			// In a sandboxed viewer; the place is not kept then.
		}
	}

	setMetric(id) {
		this.metric = id;
		this.onMetric();
	}

	setSearch(text) {
		const input = document.getElementById('search');

		if (input.value !== text) input.value = text;
		this.query = text;
		this.pattern = searchPattern(text);
		this.onSearch();
	}

	showInFlame(part, node, metric) {
		if (metric && METRIC[metric]) this.metric = metric;
		this.inverted = false;
		this.flameTarget = { part, node };
		this.openTab('flame');
	}

	showFunction(id) {
		this.function = id;
		this.treeMode = 'around';
		this.openTab('tree');
	}

	showSite(id) {
		this.site = id;
		this.openTab('sites');
	}

	showLeak(i) {
		this.leak = i;
		this.leakClass = 'all';
		this.openTab('leaks');
	}

	showGrowing(id) {
		this.growing = id;
		this.openTab('growth');
	}

	showLock(id) {
		this.lock = id;
		this.openTab('locks');
	}
}

// The text itself, and what it stands for if it looks like a regular expression: "f(char*)" is a name, too. null = no
// search.
function searchPattern(text) {
	const literal = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

	if (text.trim() === '') return null;
	try {
		if (/[*+?^$|[\]{}\\]|\.\*/.test(text)) return new RegExp(`${literal}|${text}`, 'i');
	} catch (error) {
		// Half typed.
	}
	return new RegExp(literal, 'i');
}

function setTheme(theme, app) {
	const button = document.getElementById('theme');

	const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';

	document.documentElement.dataset.theme = theme || system;
	button.dataset.choice = theme;
	button.textContent = THEMES[theme];
	try {
		localStorage.setItem('memprof-theme', theme);
	} catch (error) {
		// Not allowed from a file or in a sandbox.
	}
	if (app && app.tab === 'overview')
		app.openTab('overview'); // charts have their colours from the start
	else if (app) app.onTheme();
}

function keptTheme() {
	try {
		const theme = localStorage.getItem('memprof-theme');

		return theme in THEMES ? theme : '';
	} catch (error) {
		return '';
	}
}

function wireKeys(app) {
	const input = document.getElementById('search');
	let waiting = 0;

	input.addEventListener('input', () => {
		clearTimeout(waiting);
		waiting = setTimeout(() => app.setSearch(input.value), 120);
	});
	input.addEventListener('keydown', (event) => {
		if (event.key === 'Escape') {
			app.setSearch('');
			input.blur();
		}
	});
	document.addEventListener('keydown', (event) => {
		if (
			event.ctrlKey ||
			event.metaKey ||
			event.altKey ||
			/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)
		)
			return;
		if (event.key === '/') {
			event.preventDefault();
			input.focus();
			input.select();
		} else if (event.key >= '1' && event.key <= String(TABS.length)) {
			app.openTab(TABS[Number(event.key) - 1][0]);
		}
	});
	document.getElementById('theme').addEventListener('click', () => {
		const names = Object.keys(THEMES);
		const now = document.getElementById('theme').dataset.choice;

		setTheme(names[(names.indexOf(now) + 1) % names.length], app);
	});
	matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
		setTheme(document.getElementById('theme').dataset.choice, app),
	);
}

setTheme(keptTheme(), null);
readData()
	.then((data) => {
		const app = new App(data);

		app.start();
		wireKeys(app);
		app.readyMs = performance.now();
		window.memprof = app; // for the console, and for tests
		document.documentElement.dataset.ready = 'true';
	})
	.catch((error) => {
		document.getElementById('view').replaceChildren(
			element(
				'div',
				{ class: 'empty' },
				element('h3', {}, 'This page cannot be shown'),
				element(
					'p',
					{},
					typeof DecompressionStream === 'undefined'
						? 'Your browser is too old: it cannot open compressed data. ' +
								'Chrome 80, Firefox 113 and Safari 16.4 can.'
						: String(error),
				),
			),
		);
		throw error;
	});
