/* SPDX-License-Identifier: MIT */
/* Annotations of GitHub Actions: workflow commands on standard output. */
#include <inttypes.h>
#include <string.h>

#include "gate.h"

/* A step keeps this many of each severity, and the worst come first. */
#define ANNOTATIONS_MAX 10u

/* In property values the separators need an escape, too. */
static void print_escaped(const char *text, bool property, FILE *out)
{
	for (; *text; text++) {
		if (*text == '%' || *text == '\r' || *text == '\n' || (property && (*text == ':' || *text == ',')))
			fprintf(out, "%%%02X", (unsigned)(unsigned char)*text);
		else
			fputc(*text, out);
	}
}

static void print_annotation(const char *severity, const char *path, uint32_t line, const char *title,
			     const char *message, FILE *out)
{
	fprintf(out, "::%s ", severity);
	if (path) {
		fputs("file=", out);
		print_escaped(path, true, out);
		fprintf(out, ",line=%" PRIu32 ",", line);
	}
	fputs("title=", out);
	print_escaped(title, true, out);
	fputs("::", out);
	print_escaped(message, false, out);
	fputc('\n', out);
}

static void print_leak(const struct gate_leak *leak, const struct gate_output *output, FILE *out)
{
	struct arena scratch = { 0 };
	const char *path = NULL;
	const struct frame *frame = gate_source_frame(&scratch, &leak->leak.stack, output->root, &path);
	char title[64];

	snprintf(title, sizeof(title), "Memory leak%s%s%s", leak->state == GATE_NONE ? "" : " (",
		 gate_state_word(leak->state), leak->state == GATE_NONE ? "" : ")");
	print_annotation("error", path, frame ? frame->line : 0, title, gate_leak_text(&scratch, leak), out);
	arena_free(&scratch);
}

void out_github(const struct gate *gate, const struct gate_output *output, FILE *out)
{
	size_t printed = 0;
	char message[2048];

	/* Rules without leaks first: there are few of them, and a flood of leaks would push them out. */
	for (size_t i = 0; i < gate->rules.count; i++) {
		const struct gate_rule *rule = &gate->rules.list[i];

		if (rule->outcome == GATE_PASSED || rule->leaks.count > 0)
			continue;
		snprintf(message, sizeof(message), "%s: %s; %s%s%s", rule->title, rule->found, rule->bound,
			 rule->why ? ": " : "", rule->why ? rule->why : "");
		print_annotation(rule->outcome == GATE_FAILED ? "error" : "warning", NULL, 0,
				 rule->outcome == GATE_FAILED ? "Limit exceeded" : "Not judged", message, out);
		printed += rule->outcome == GATE_FAILED;
	}
	if (gate->partial)
		print_annotation("warning", NULL, 0, "Not judged", "a dump is partial, so the gate cannot pass", out);
	for (size_t i = 0; i < gate->leak_count && printed < ANNOTATIONS_MAX; i++) {
		if (!gate->leaks[i].fails)
			continue;
		print_leak(&gate->leaks[i], output, out);
		printed++;
	}
}
