// SPDX-License-Identifier: MIT
// What several views are made of. A view is a function of the app that fills an element and returns how to end it.
'use strict';

function metricChooser(app, only) {
	const select = element('select', {
		id: 'metric',
		'aria-label': 'Metric',
		onchange: (event) => app.setMetric(event.target.value),
	});
	const groups = new Map();

	for (const metric of METRICS.filter(only || (() => true))) {
		if (!groups.has(metric.group)) {
			groups.set(metric.group, element('optgroup', { label: metric.group }));
			select.append(groups.get(metric.group));
		}
		groups.get(metric.group).append(
			element('option', { value: metric.id, selected: metric.id === app.metric }, metric.label),
		);
	}
	return element('label', { class: 'chooser' }, element('span', {}, 'Metric'), select);
}

function toggle(label, value, choices, onchange) {
	return element(
		'div',
		{ class: 'toggle', role: 'radiogroup', 'aria-label': label },
		...choices.map(([id, text, title]) =>
			element(
				'button',
				{
					type: 'button',
					role: 'radio',
					'aria-checked': String(id === value),
					title,
					'data-choice': id,
					onclick: (event) => {
						for (const other of event.target.parentNode.children)
							other.setAttribute(
								'aria-checked',
								String(other === event.target),
							);
						onchange(id);
					},
				},
				text,
			),
		),
	);
}

// A table on the left and what is chosen in it on the right.
function splitView(parent, hint) {
	const list = element('div', { class: 'split-list' });
	const pane = element('aside', { class: 'split-details', 'aria-label': 'Details' });
	const show = (content) => {
		pane.replaceChildren(content);
		pane.scrollTop = 0;
	};

	show(emptyState('Nothing chosen', hint));
	parent.append(element('div', { class: 'split' }, list, pane));
	return { list, show };
}
