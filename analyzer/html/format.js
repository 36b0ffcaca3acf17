// SPDX-License-Identifier: MIT
// Numbers and names as people read them: the same as in the text report.
'use strict';

function significant(value) {
	return value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

function formatBytes(bytes) {
	const names = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
	let value = Math.abs(bytes) / 1024;
	let unit = 0;

	if (Math.abs(bytes) < 1024) return `${Math.round(bytes)} B`;
	for (; value >= 1023.5 && unit + 1 < names.length; unit++) value /= 1024;
	return `${bytes < 0 ? '-' : ''}${significant(value)} ${names[unit]}`;
}

function formatCount(count) {
	return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function formatDuration(ns) {
	const seconds = Math.floor(ns / 1e9);

	if (ns < 0) return `-${formatDuration(-ns)}`;
	if (ns < 1000) return `${Math.round(ns)} ns`;
	if (ns < 999500) return `${significant(ns / 1e3)} us`;
	if (ns < 999500000) return `${significant(ns / 1e6)} ms`;
	if (seconds < 60) return `${significant(ns / 1e9)} s`;
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
	return `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, '0')} min`;
}

function formatRate(perSecond) {
	const names = ['/s', 'k/s', 'M/s', 'G/s'];
	let unit = 0;

	for (; perSecond >= 999.5 && unit + 1 < names.length; unit++) perSecond /= 1000;
	return unit === 0 ? `${Math.round(perSecond)}/s` : `${significant(perSecond)} ${names[unit]}`;
}

// '' where there is no whole.
function formatShare(part, whole) {
	if (!(whole > 0)) return '';
	if (part > 0 && part < 0.0005 * whole) return '< 0.1 %';
	return `${((100 * part) / whole).toFixed(1)} %`;
}

const UNITS = { bytes: formatBytes, count: formatCount, ns: formatDuration };

function formatValue(value, unit) {
	return value === null || value === undefined ? 'unknown' : UNITS[unit](value);
}

// With its sign, for differences.
function formatChange(value, unit) {
	return value > 0 ? `+${UNITS[unit](value)}` : value < 0 ? `−${UNITS[unit](-value)}` : '0';
}

function formatPercentChange(from, to) {
	return `${to >= from ? '+' : '−'}${((100 * Math.abs(to - from)) / from).toFixed(1)} %`;
}

function plural(count, noun) {
	return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function baseName(path) {
	return path ? path.slice(path.lastIndexOf('/') + 1) || path : '';
}

// Removes what stands between OPEN and CLOSE, nested ones included, where it follows a name.
function withoutBrackets(text, open, close) {
	let depth = 0;
	let result = '';

	for (let i = 0; i < text.length; i++) {
		const c = text[i];
		// operator<, operator<<, operator->, -> and the like are no brackets.
		if (depth === 0 && c === open && /operator[<(]?$/.test(result)) {
			result += c;
			continue;
		}
		if (c === open) depth++;
		else if (c === close && depth > 0 && text[i - 1] !== '-') depth--;
		else if (depth === 0) result += c;
	}
	return result;
}

const shortNames = new Map();

// Ever shorter forms of a function's name, longest first: whole; without parameters; without template arguments; the
// last parts of it.
function nameForms(name) {
	let forms = shortNames.get(name);

	if (forms) return forms;
	forms = [name];
	if (/[(<]/.test(name) && !/^[[(]/.test(name)) {
		const bare = withoutBrackets(name, '(', ')')
			.replace(/ (const|volatile|&+)+$/, '')
			.trim();
		const plain = withoutBrackets(bare, '<', '>')
			.replace(/\s*\[(abi:\w+|clone [^\]]*)\]/g, '')
			.trim();

		for (const form of [bare, plain.includes(' ') ? plain.slice(plain.lastIndexOf(' ') + 1) : plain]) {
			if (form && form.length < forms[forms.length - 1].length) forms.push(form);
		}
	}
	const parts = forms[forms.length - 1].split('::');
	for (let keep = Math.min(2, parts.length - 1); keep > 0; keep--) forms.push(parts.slice(-keep).join('::'));
	shortNames.set(name, forms);
	return forms;
}

// What fits into CHARACTERS: the longest form that does, else the shortest one cut.
function fitName(name, characters) {
	for (const form of nameForms(name)) {
		if (form.length <= characters) return form;
	}
	const forms = nameForms(name);
	return characters < 3 ? '' : `${forms[forms.length - 1].slice(0, characters - 1)}…`;
}

// For lists: parameters and template arguments are in the tooltip.
function listName(name) {
	const forms = nameForms(name);

	return forms[Math.min(2, forms.length - 1)].length > 3 && /[(<]/.test(name)
		? forms[Math.min(2, forms.length - 1)]
		: name;
}
