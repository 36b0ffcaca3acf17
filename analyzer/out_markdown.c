/* SPDX-License-Identifier: MIT */
/* The verdict as Markdown, for the summary of a job or a comment on a change. */
#include <inttypes.h>
#include <string.h>

#include "gate.h"
#include "markdown.h"
#include "stack_view.h"
#include "units.h"

#define LEAKS_SHOWN 20u

static void print_rules(const struct gate *gate, FILE *out)
{
	static const char *const words[] = {
		[GATE_PASSED] = "passed", [GATE_FAILED] = "**failed**", [GATE_NOT_JUDGED] = "*not judged*"
	};

	fputs("| rule | found | limit | |\n|---|---|---|---|\n", out);
	for (size_t i = 0; i < gate->rules.count; i++) {
		const struct gate_rule *rule = &gate->rules.list[i];

		fputs("| ", out);
		markdown_text(rule->title, out);
		fputs(" | ", out);
		markdown_text(rule->found, out);
		fputs(" | ", out);
		markdown_text(rule->bound, out);
		fprintf(out, " | %s", words[rule->outcome]);
		if (rule->why) {
			fputs(": ", out);
			markdown_text(rule->why, out);
		}
		fputs(" |\n", out);
	}
}

static void print_leak(const struct gate_leak *leak, const struct gate_output *output, FILE *out)
{
	struct arena scratch = { 0 };
	const char *path = NULL;
	const struct frame *frame = gate_source_frame(&scratch, &leak->leak.stack, output->root, &path);

	fputs("<details><summary>", out);
	markdown_text(gate_leak_text(&scratch, leak), out);
	if (leak->state != GATE_NONE)
		fprintf(out, ", %s", gate_state_word(leak->state));
	if (frame) {
		fputs(", ", out);
		markdown_text(path, out);
		fprintf(out, ":%" PRIu32, frame->line);
	}
	fputs("</summary>\n\n", out);
	markdown_stack(leak->leak.stack.frames, leak->leak.stack.count, out);
	fputs("\n</details>\n", out);
	arena_free(&scratch);
}

void out_markdown(const struct gate *gate, const struct gate_output *output, FILE *out)
{
	size_t top = output->top > 0 ? output->top : LEAKS_SHOWN;
	size_t shown = 0, failing = 0;

	fprintf(out, "### memprof: %s\n\n", gate_verdict(gate));
	print_rules(gate, out);
	fputc('\n', out);
	for (size_t i = 0; i < gate->leak_count; i++) {
		failing += gate->leaks[i].fails;
		if (gate->leaks[i].fails && shown < top) {
			print_leak(&gate->leaks[i], output, out);
			shown++;
		}
	}
	if (shown < failing)
		fprintf(out, "\n%zu more stacks fail.\n", failing - shown);
	for (size_t i = 0; i < gate->summary->notes.count && i < LEAKS_SHOWN; i++) {
		fputs("\n- ", out);
		markdown_text(gate->summary->notes.list[i].dump, out);
		fputs(": ", out);
		markdown_text(gate->summary->notes.list[i].text, out);
		fputc('\n', out);
	}
}
