/* SPDX-License-Identifier: MIT */
/* The verdict as JUnit XML: a test case per rule, also for one that passed, so that its history can be followed. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "gate.h"
#include "markup.h"
#include "stack_view.h"

#define LEAKS_SHOWN 50u

static void print_attribute(const char *name, const char *value, FILE *out)
{
	fprintf(out, " %s=\"", name);
	markup_text(value, out);
	fputc('"', out);
}

static void print_stack(const struct summary_stack *stack, FILE *out)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];
		char buffer[300];

		fputs("    ", out);
		markup_text(stack_view_name(frame, buffer, sizeof(buffer)), out);
		if (frame->file) {
			fputs("  ", out);
			markup_text(frame->file, out);
			fprintf(out, ":%" PRIu32, frame->line);
		}
		fputc('\n', out);
	}
}

static void print_leaks(const struct gate_rule *rule, FILE *out)
{
	struct arena scratch = { 0 };

	for (size_t i = 0; i < rule->leaks.count && i < LEAKS_SHOWN; i++) {
		const struct gate_leak *leak = rule->leaks.list[i];

		markup_text(gate_leak_text(&scratch, leak), out);
		if (leak->state != GATE_NONE)
			fprintf(out, " (%s)", gate_state_word(leak->state));
		fputc('\n', out);
		print_stack(&leak->leak.stack, out);
	}
	if (rule->leaks.count > LEAKS_SHOWN)
		fprintf(out, "and %zu more\n", rule->leaks.count - LEAKS_SHOWN);
	if (rule->lock)
		print_stack(&rule->lock->stack, out);
	arena_free(&scratch);
}

static void print_rule(const struct gate_rule *rule, FILE *out)
{
	const char *element = rule->outcome == GATE_FAILED ? "failure" : "error";
	char message[2048], type[64];

	snprintf(type, sizeof(type), "memprof.%s", rule->is_zero ? "fail-on" : limit_word(rule->limit.kind));
	fputs("<testcase", out);
	print_attribute("classname", type, out);
	print_attribute("name", rule->title, out);
	fputs(" time=\"0\"", out);
	if (rule->outcome == GATE_PASSED) {
		fputs("/>\n", out);
		return;
	}
	snprintf(message, sizeof(message), "%s; %s%s%s", rule->found, rule->bound, rule->why ? ": " : "",
		 rule->why ? rule->why : "");
	fprintf(out, ">\n<%s", element);
	print_attribute("message", message, out);
	print_attribute("type", type, out);
	fputc('>', out);
	print_leaks(rule, out);
	fprintf(out, "</%s>\n</testcase>\n", element);
}

/* That every dump is whole is a rule, too. */
static void print_partial(const struct gate *gate, FILE *out)
{
	fputs("<testcase classname=\"memprof.dumps\" name=\"complete dumps\" time=\"0\"", out);
	if (!gate->partial && gate->unreadable == 0) {
		fputs("/>\n", out);
		return;
	}
	fprintf(out, ">\n<error message=\"%zu partial, %zu unreadable\" type=\"memprof.dumps\">",
		gate->summary->defects[SUMMARY_PARTIAL], gate->unreadable);
	for (size_t i = 0; i < gate->summary->notes.count; i++) {
		const struct summary_note *note = &gate->summary->notes.list[i];

		if (note->defect != SUMMARY_PARTIAL)
			continue;
		markup_text(note->dump, out);
		fputs(": ", out);
		markup_text(note->text, out);
		fputc('\n', out);
	}
	fputs("</error>\n</testcase>\n", out);
}

static void print_property(const char *name, double value, FILE *out)
{
	fprintf(out, "<property name=\"%s\" value=\"%.0f\"/>\n", name, value);
}

static void print_properties(const struct summary *summary, FILE *out)
{
	fputs("<properties>\n", out);
	print_property("processes", (double)summary->dumps, out);
	print_property("peak_bytes", summary->totals.peak_bytes.value, out);
	print_property("alloc_count", summary->totals.alloc_count.value, out);
	print_property("lock_wait_ns", (double)summary->totals.wait_ns, out);
	fputs("</properties>\n", out);
}

void out_junit(const struct gate *gate, const struct gate_output *output, FILE *out)
{
	const struct summary *summary = gate->summary;
	time_t seconds = (time_t)(summary->start_realtime_ns / 1000000000);
	bool incomplete = gate->partial || gate->unreadable > 0;
	char when[64] = "1970-01-01T00:00:00";
	struct tm date;

	(void)output;
	if (gmtime_r(&seconds, &date) && date.tm_year < 8000)
		strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &date);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"memprof gate\""
	      " package=\"memprof\" id=\"0\"",
	      out);
	fprintf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"0\" time=\"%.3f\" timestamp=\"%s\"",
		gate->rules.count + 1, gate->failed, gate->not_judged + incomplete, (double)summary->duration_ns / 1e9,
		when);
	print_attribute("hostname", summary->hostname && *summary->hostname ? summary->hostname : "localhost", out);
	fputs(">\n", out);
	print_properties(summary, out);
	print_partial(gate, out);
	for (size_t i = 0; i < gate->rules.count; i++)
		print_rule(&gate->rules.list[i], out);
	fputs("<system-out/>\n<system-err/>\n</testsuite>\n</testsuites>\n", out);
}
