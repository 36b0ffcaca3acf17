/* SPDX-License-Identifier: MIT */
/* The verdict for people, and as JSON. */
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "gate.h"
#include "json_text.h"
#include "stack_view.h"
#include "text_stack.h"
#include "units.h"

#define SCHEMA       "memprof-gate/1"
#define INNER_FRAMES 8u
#define STACK_INDENT 6u
#define TOP_DEFAULT  10u
#define NOTES_SHOWN  5u
#define GONE_SHOWN   3u

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

/* Text. */

static void print_head(const struct gate *gate, const struct term *term)
{
	const struct summary *summary = gate->summary;

	term_print(term, gate->failed > 0 ? TERM_ALARM : TERM_TITLE, "%s", gate_verdict(gate));
	fprintf(term->out, "  ");
	if (!summary->several_programs) {
		term_text(term, summary->program ? summary->program : "no dump", 0, 0, false);
		fputs(", ", term->out);
	}
	if (summary->dumps == 1)
		fprintf(term->out, "pid %" PRIu32, summary->pid);
	else
		fprintf(term->out, "%zu processes%s", summary->dumps,
			summary->several_programs ? " of several programs" : "");
	if (summary->sampled)
		fputs(", sampled: limits apply to what is certain at 95 %", term->out);
	fputc('\n', term->out);
}

static void print_rules(const struct gate *gate, const struct term *term)
{
	static const char *const words[] = { [GATE_PASSED] = "ok", [GATE_FAILED] = "FAIL", [GATE_NOT_JUDGED] = "?" };
	static const enum term_style styles[] = { TERM_PLAIN, TERM_ALARM, TERM_TITLE };
	static const enum gate_outcome order[] = { GATE_FAILED, GATE_NOT_JUDGED, GATE_PASSED };
	size_t widest = 0;

	for (size_t i = 0; i < gate->rules.count; i++) {
		size_t columns = term_columns(term, gate->rules.list[i].title);

		widest = columns > widest ? columns : widest;
	}
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		for (size_t j = 0; j < gate->rules.count; j++) {
			const struct gate_rule *rule = &gate->rules.list[j];

			if (rule->outcome != order[i])
				continue;
			fputs("  ", term->out);
			term_print(term, styles[rule->outcome], "%-4s", words[rule->outcome]);
			fputs("  ", term->out);
			term_text(term, rule->title, 0, widest, false);
			fputs("  ", term->out);
			term_text(term, rule->found, 0, 0, false);
			fprintf(term->out, "; %s%s%s\n", rule->bound, rule->why ? ": " : "",
				rule->why ? rule->why : "");
		}
	}
}

static void print_old(const struct gate_leak *leak, const struct term *term)
{
	if (leak->state == GATE_NONE)
		return;
	fprintf(term->out, ", %s", gate_state_word(leak->state));
	if (leak->state == GATE_GROWN)
		fprintf(term->out, " from %s in %s", units_bytes((int64_t)leak->old_bytes).text,
			units_count((int64_t)leak->old_blocks).text);
}

static void print_leak(const struct gate *gate, const struct gate_output *output, const struct term *term, size_t rank,
		       const struct gate_leak *leak)
{
	const struct summary_leak *row = &leak->leak;
	struct arena scratch = { 0 };
	char number[24];

	snprintf(number, sizeof(number), "#%zu", rank);
	fprintf(term->out, "%-4s", number);
	term_print(term, TERM_VALUE, "%s", gate_amount(&scratch, row));
	fprintf(term->out, "  %s", leak_class_text(row->leak_class));
	print_old(leak, term);
	if (row->held_blocks > 0)
		fprintf(term->out, "; %s in %s block%s hang%s on it", units_bytes(units_signed(row->held_bytes)).text,
			units_count(units_signed(row->held_blocks)).text, plural((size_t)row->held_blocks),
			row->held_blocks == 1 ? "s" : "");
	if (gate->summary->dumps > 1)
		fprintf(term->out, "; in %zu process%s", row->dumps, row->dumps == 1 ? "" : "es");
	fputc('\n', term->out);
	text_stack_print(term, row->stack.frames, row->stack.count, row->stack.mark, STACK_INDENT,
			 output->full_stacks ? SIZE_MAX : INNER_FRAMES);
	arena_free(&scratch);
}

static void print_leaks(const struct gate *gate, const struct gate_output *output, const struct term *term)
{
	size_t top = output->top;
	size_t shown = 0, failing = 0;

	for (size_t i = 0; i < gate->leak_count; i++)
		failing += gate->leaks[i].fails;
	if (failing > 0)
		fputc('\n', term->out);
	for (size_t i = 0; i < gate->leak_count && shown < top; i++) {
		if (gate->leaks[i].fails)
			print_leak(gate, output, term, ++shown, &gate->leaks[i]);
	}
	if (shown < failing)
		term_line(term, TERM_DIM, "%s %zu more (--top 0 shows all)", term_ellipsis(term), failing - shown);
}

static void print_locks(const struct gate *gate, const struct gate_output *output, const struct term *term)
{
	for (size_t i = 0; i < gate->rules.count; i++) {
		const struct summary_lock *lock = gate->rules.list[i].lock;

		if (!lock)
			continue;
		fputc('\n', term->out);
		term_print(term, TERM_VALUE, "%s", units_duration(lock->wait_ns).text);
		fprintf(term->out, " waiting for %s ", lock->kind);
		term_text(term, lock->name ? lock->name : "without a name", 0, 0, false);
		fprintf(term->out, ", longest %s; mostly here:\n", units_duration(lock->wait_max_ns).text);
		text_stack_print(term, lock->stack.frames, lock->stack.count, lock->stack.mark, STACK_INDENT,
				 output->full_stacks ? SIZE_MAX : INNER_FRAMES);
	}
}

static void print_marks(const struct gate *gate, const struct gate_output *output, const struct term *term)
{
	for (size_t i = 0; i < gate->rules.count; i++) {
		const struct summary_marks *marks = gate->rules.list[i].marks;

		for (size_t k = 0; marks && k < marks->stack_count && k < output->top; k++) {
			const struct summary_marked *row = &marks->stacks[k];

			fprintf(term->out, "\n#%-2zu ", k + 1);
			term_print(term, TERM_VALUE, "%s", units_bytes((int64_t)(row->bytes + 0.5)).text);
			fputs(" more from one ", term->out);
			term_text(term, marks->text, 0, 0, false);
			fprintf(term->out, " to the next, at least %s; %.1f blocks\n",
				units_bytes((int64_t)(row->bytes_low + 0.5)).text, row->blocks);
			text_stack_print(term, row->stack.frames, row->stack.count, row->stack.mark, STACK_INDENT,
					 output->full_stacks ? SIZE_MAX : INNER_FRAMES);
		}
		if (marks && marks->stack_count == 0)
			term_line(term, TERM_DIM, "which stacks grow there cannot be told: %s",
				  marks->stacks_judged ? "none of them does by itself" : "too few marks");
	}
}

/* Classes that no rule is about, known leaks, hidden ones: a line each, so that nothing is silently left out. */
static void print_rest(const struct gate *gate, const struct term *term)
{
	size_t known = 0;
	double bytes[LEAK_CLASS_END] = { 0 }, blocks[LEAK_CLASS_END] = { 0 }, known_bytes = 0;

	for (size_t i = 0; i < gate->leak_count; i++) {
		const struct gate_leak *leak = &gate->leaks[i];
		unsigned class = leak->leak.leak_class;

		if (leak->suppression || leak->fails)
			continue;
		if (leak->state == GATE_UNCHANGED) {
			known++;
			known_bytes += leak->leak.bytes.value;
			continue;
		}
		bytes[class] += leak->leak.bytes.value;
		blocks[class] += leak->leak.blocks.value;
	}
	for (unsigned class = MP_LEAK_DEFINITE; class < LEAK_CLASS_END; class ++) {
		if (blocks[class] > 0)
			fprintf(term->out, "let pass     %s in %s block%s %s\n",
				units_bytes((int64_t)bytes[class]).text, units_count((int64_t)blocks[class]).text,
				plural((size_t)blocks[class]), leak_class_text((enum mp_leak_class) class));
	}
	if (known > 0)
		fprintf(term->out, "known        %zu stack%s with %s, in the baseline and not grown\n", known,
			plural(known), units_bytes((int64_t)known_bytes).text);
	if (gate->gone.count > 0)
		fprintf(term->out, "gone         %zu stack%s of the baseline; --write-baseline drops %s\n",
			gate->gone.count, plural(gate->gone.count), gate->gone.count == 1 ? "it" : "them");
}

static void print_rule_name(const struct suppression *rule, const struct term *term)
{
	term_text(term, rule->name, 0, 0, false);
	if (rule->path) {
		fputs("  (", term->out);
		term_text(term, rule->path, 0, 0, false);
		fprintf(term->out, ":%u)", rule->line);
	} else {
		fputs("  (built in)", term->out);
	}
	fputc('\n', term->out);
}

static void print_suppressions(const struct gate *gate, const struct term *term)
{
	const struct suppressions *suppressions = gate->suppressions;

	for (size_t i = 0; i < suppressions->rules.count; i++) {
		const struct suppression *rule = suppressions->rules.list[i];

		if (rule->stacks == 0)
			continue;
		fprintf(term->out, "suppressed   %s in %s block%s by ", units_bytes(units_signed(rule->bytes)).text,
			units_count(units_signed(rule->blocks)).text, plural((size_t)rule->blocks));
		print_rule_name(rule, term);
	}
	for (size_t i = 0; i < suppressions->rules.count; i++) {
		const struct suppression *rule = suppressions->rules.list[i];

		/* One for classes that nobody asked about had nothing to do. */
		if (rule->stacks > 0 || rule->syntax == SUPPRESSION_BUILTIN ||
		    !(rule->leak_classes & gate->summary->named_classes))
			continue;
		fputs("unused       suppression ", term->out);
		print_rule_name(rule, term);
	}
}

static void print_notes(const struct gate *gate, const struct term *term)
{
	static const char *const words[] = {
		[SUMMARY_PARTIAL] = "partial", [SUMMARY_UNSCANNED] = "no verdict", [SUMMARY_REPLACED] = "no verdict"
	};
	const struct summary *summary = gate->summary;
	size_t count = 0;

	/* Those that keep the gate from passing first. */
	for (size_t i = 0; i < summary->notes.count * (SUMMARY_REPLACED + 1); i++) {
		const struct summary_note *row = &summary->notes.list[i % summary->notes.count];

		if (row->defect != i / summary->notes.count ||
		    (row->defect != SUMMARY_PARTIAL && !gate->needs_verdict) || count++ >= NOTES_SHOWN)
			continue;
		fprintf(term->out, "%-12s ", words[row->defect]);
		term_text(term, row->dump, 0, 0, true);
		if (row->program) {
			fputs(" (", term->out);
			term_text(term, row->program, 0, 0, false);
			fputc(')', term->out);
		}
		fputs(": ", term->out);
		term_text(term, row->text, 0, 0, false);
		fputc('\n', term->out);
	}
	if (count > NOTES_SHOWN)
		fprintf(term->out, "%-12s %zu more such dumps\n", "", count - NOTES_SHOWN);
	if (gate->failed == 0 && gate->partial)
		fputs("A partial dump cannot pass; --allow-partial judges what is there.\n", term->out);
	else if (gate->failed == 0 && gate->not_judged > 0 && summary->defects[SUMMARY_UNSCANNED] > 0)
		fputs("Leaks that nobody looked for cannot pass; --allow-unscanned leaves such processes out,\n"
		      "--fail-on unfreed or --limit-leaks-total unfreed=SIZE need no verdict.\n",
		      term->out);
}

void out_gate_text(const struct gate *gate, const struct gate_output *output, const struct term *term)
{
	struct gate_output shown = *output;

	shown.top = output->top == 0 ? TOP_DEFAULT : output->top;
	print_head(gate, term);
	print_rules(gate, term);
	print_leaks(gate, &shown, term);
	print_locks(gate, &shown, term);
	print_marks(gate, &shown, term);
	fputc('\n', term->out);
	print_rest(gate, term);
	print_suppressions(gate, term);
	print_notes(gate, term);
}

/* JSON. */

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *number(double value)
{
	return json_integer(value < 9e18 ? (json_int_t)(value + 0.5) : INT64_MAX);
}

static json_t *make_marks(const struct summary_marks *marks)
{
	json_t *object = json_object();
	json_t *leaked = marks->leaks_judged ? json_object() : json_null();
	json_t *stacks = marks->stacks_judged ? json_array() : json_null();

	for (unsigned class = MP_LEAK_DEFINITE; marks->leaks_judged && class <= MP_LEAK_REACHABLE; class ++)
		put(leaked, leak_class_word((enum mp_leak_class) class), json_real(marks->leaked[class]));
	for (size_t i = 0; i < marks->stack_count; i++) {
		const struct summary_marked *row = &marks->stacks[i];
		json_t *stack = json_object();

		put(stack, "bytes", json_real(row->bytes));
		put(stack, "bytes_low", json_real(row->bytes_low));
		put(stack, "blocks", json_real(row->blocks));
		put(stack, "stack", json_frames(row->stack.frames, row->stack.count));
		json_array_append_new(stacks, stack);
	}
	put(object, "text", json_text(marks->text));
	put(object, "bytes", json_real(marks->bytes));
	put(object, "bytes_low", json_real(marks->bytes_low));
	put(object, "leaked", leaked);
	put(object, "stacks", stacks);
	return object;
}

static json_t *make_rule(const struct gate_rule *rule)
{
	static const char *const words[] = {
		[GATE_PASSED] = "passed", [GATE_FAILED] = "failed", [GATE_NOT_JUDGED] = "not_judged"
	};
	bool by_class = rule->is_zero || limit_key(rule->limit.kind) == POLICY_KEY_CLASS;
	json_t *object = json_object();

	put(object, "rule", json_string(rule->is_zero ? "fail-on" : limit_word(rule->limit.kind)));
	put(object, "class", json_text(by_class ? leak_class_word(rule->limit.class) : NULL));
	put(object, "lock", json_text(rule->limit.lock));
	put(object, "outcome", json_string(words[rule->outcome]));
	put(object, "title", json_text(rule->title));
	put(object, "found", json_text(rule->found));
	put(object, "bound", json_text(rule->bound));
	put(object, "why_not", json_text(rule->why));
	if (rule->limit.kind == LIMIT_ITERATION && !rule->is_zero)
		put(object, "growth", rule->marks ? make_marks(rule->marks) : json_null());
	return object;
}

static json_t *make_leak(const struct gate_leak *leak)
{
	const struct summary_leak *row = &leak->leak;
	struct arena scratch = { 0 };
	json_t *object = json_object();
	json_t *stack = json_frames(row->stack.frames, row->stack.count);

	put(object, "class", json_string(leak_class_word(row->leak_class)));
	put(object, "count", number(row->blocks.value));
	put(object, "bytes", number(row->bytes.value));
	put(object, "indirect_count", json_integer(units_signed(row->held_blocks)));
	put(object, "indirect_bytes", json_integer(units_signed(row->held_bytes)));
	put(object, "fails", json_boolean(leak->fails));
	put(object, "state", leak->state == GATE_NONE ? json_null() : json_string(gate_state_word(leak->state)));
	put(object, "baseline_count", leak->state == GATE_NONE ? json_null() : number(leak->old_blocks));
	put(object, "baseline_bytes", leak->state == GATE_NONE ? json_null() : number(leak->old_bytes));
	put(object, "suppressed_by", json_text(leak->suppression ? leak->suppression->name : NULL));
	put(object, "fingerprint", json_string(gate_fingerprint(&scratch, leak)));
	put(object, "processes", json_integer((json_int_t)row->dumps));
	put(object, "stack", stack);
	arena_free(&scratch);
	return object;
}

static json_t *make_suppression(const struct suppression *rule)
{
	json_t *object = json_object();

	put(object, "name", json_text(rule->name));
	put(object, "file", json_text(rule->path));
	put(object, "line", rule->path ? json_integer(rule->line) : json_null());
	put(object, "stacks", json_integer((json_int_t)rule->stacks));
	put(object, "count", json_integer(units_signed(rule->blocks)));
	put(object, "bytes", json_integer(units_signed(rule->bytes)));
	return object;
}

static json_t *make_note(const struct summary_note *note)
{
	json_t *object = json_object();

	put(object, "dump", json_text(note->dump));
	put(object, "partial", json_boolean(note->defect == SUMMARY_PARTIAL));
	put(object, "why", json_text(note->text));
	return object;
}

void out_gate_json(const struct gate *gate, const struct gate_output *output, FILE *out)
{
	json_t *root = json_object();
	json_t *rules = json_array(), *leaks = json_array(), *gone = json_array();
	json_t *suppressions = json_array(), *notes = json_array();

	for (size_t i = 0; i < gate->rules.count; i++)
		json_array_append_new(rules, make_rule(&gate->rules.list[i]));
	for (size_t i = 0; i < gate->leak_count && (output->top == 0 || i < output->top); i++)
		json_array_append_new(leaks, make_leak(&gate->leaks[i]));
	for (size_t i = 0; i < gate->gone.count; i++)
		json_array_append_new(gone, make_leak(&gate->gone.list[i]));
	for (size_t i = 0; i < gate->suppressions->rules.count; i++)
		json_array_append_new(suppressions, make_suppression(gate->suppressions->rules.list[i]));
	for (size_t i = 0; i < gate->summary->notes.count; i++)
		json_array_append_new(notes, make_note(&gate->summary->notes.list[i]));
	put(root, "schema", json_string(SCHEMA));
	put(root, "verdict",
	    json_string(gate->failed > 0                            ? "failed"
			: strcmp(gate_verdict(gate), "PASSED") == 0 ? "passed"
								    : "not_judged"));
	put(root, "processes", json_integer((json_int_t)gate->summary->dumps));
	put(root, "unreadable", json_integer((json_int_t)gate->unreadable));
	put(root, "rules", rules);
	put(root, "leaks", leaks);
	put(root, "gone", gone);
	put(root, "suppressions", suppressions);
	put(root, "notes", notes);
	json_dumpf(root, out, JSON_INDENT(1));
	fputc('\n', out);
	json_decref(root);
}
