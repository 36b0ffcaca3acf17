// SPDX-License-Identifier: MIT
// dh_view.js SCRIPT FILE: loads FILE as valgrind's dh_view page does, by the SCRIPT of that page. Prints the totals of
// the tree that it builds, as JSON.
'use strict';
const fs = require('fs');
const vm = require('vm');

const anything = new Proxy(function () {}, {
	get: (target, key) => (key === Symbol.toPrimitive ? () => 0 : anything),
	apply: () => anything,
	construct: () => anything,
	set: () => true,
});
const context = { document: anything, window: anything, console, performance };
vm.createContext(context);
vm.runInContext(fs.readFileSync(process.argv[2], 'utf8'), context);
context.text = fs.readFileSync(process.argv[3], 'utf8');
const totals = vm.runInContext(
	`gSelect = { childNodes: gSelectData.map(() => ({})), selectedIndex: 0 };
	gData = JSON.parse(text);
	buildTree();
	JSON.stringify({ alloc_bytes: gRoot._totalBytes, alloc_count: gRoot._totalBlocks,
		peak_bytes: gRoot._atTGmaxBytes, live_bytes: gRoot._atTEndBytes })`, context);
console.log(totals);
