// SPDX-License-Identifier: MIT
// speedscope.js PACKAGE FILE...: opens files with the importer of the npm package speedscope, which is made for
// browsers and has no other way in. Prints "name<TAB>unit<TAB>total weight" of every profile that it finds.
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const dir = path.join(process.argv[2], 'dist/release');
const file = fs.readdirSync(dir).find((name) => /^speedscope-.*\.js$/.test(name));
let source = fs.readFileSync(path.join(dir, file), 'utf8');

// The bundler's helpers: one defines what a module exports, one wraps the start of a module. Both tell us of theirs.
function replace(pattern, by) {
	if (!pattern.test(source)) {
		console.log('this version of speedscope is bundled in another way');
		process.exit(77);
	}
	source = source.replace(pattern, by);
}
replace(/(\w+)=\(t,e\)=>\{for\(var n in e\)/, '$1=(t,e)=>{Object.assign(globalThis.found,e);for(var n in e)');
replace(/(\w+)=\(t,e\)=>\(\)=>\(t&&\(e=t\(t=0\)\),e\)/,
	'$1=(t,e)=>{const f=()=>(t&&(e=t(t=0)),e);globalThis.starts.push(f);return f}');

// Whatever the page itself asks of the browser.
const anything = new Proxy(function () {}, {
	get: (target, key) => (key === Symbol.toPrimitive ? () => '' : anything),
	apply: () => anything,
	construct: () => anything,
	set: () => true,
	has: () => true,
});
const context = {
	found: {}, starts: [],
	TextDecoder, TextEncoder, performance, setTimeout, clearTimeout, URL, atob, btoa,
	console: { log() {}, error() {}, warn() {} }, requestAnimationFrame() {},
	document: anything, window: anything, self: anything, localStorage: anything,
	navigator: { userAgent: '', platform: '' }, location: { hash: '', href: '', protocol: '' },
};
context.globalThis = context;
vm.createContext(context);
const attempt = (action) => {
	try {
		action();
	} catch (error) {
		// The page cannot draw itself here; the importer does not need that.
	}
};
attempt(() => vm.runInContext(source, context));
context.starts.forEach(attempt);

(async () => {
	const importText = context.found.importProfileGroupFromText();
	for (const name of process.argv.slice(3)) {
		const group = await importText(path.basename(name), fs.readFileSync(name, 'utf8'));
		for (const profile of group.profiles)
			console.log([profile.getName(), profile.getWeightUnit(), profile.getTotalWeight()].join('\t'));
	}
})().catch((error) => {
	console.log(`${error}`.slice(0, 500));
	process.exit(1);
});
