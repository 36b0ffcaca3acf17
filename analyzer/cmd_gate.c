/* SPDX-License-Identifier: MIT */
/* memprof-analyze gate: reads what it needs, has it judged, and writes the verdict wherever it is wanted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "baseline.h"
#include "commands.h"
#include "dump_file.h"
#include "gate.h"

struct run {
	const struct options *options;
	struct policy policy;
	struct strtab names;
	struct suppressions suppressions;
	struct summary summary;
	struct summary baseline;
	bool has_baseline;
	size_t unreadable;
	char root[4096];
};

/* Options count more than the policy file. */
static bool read_policy(struct run *run, struct err *err)
{
	const struct options *options = run->options;
	struct policy *policy = &run->policy;

#define X(name, field, word, unit, key, argument, help) &options->field,
	const struct option_list *const lists[] = { POLICY_LIMITS(X) };
#undef X

	if (options->policy && !policy_read(policy, options->policy, err))
		return false;
	for (unsigned kind = 0; kind < LIMIT_COUNT; kind++) {
		for (size_t i = 0; i < lists[kind]->values.count; i++) {
			char where[64];

			snprintf(where, sizeof(where), "--%s", limit_word((enum limit_kind)kind));
			if (!policy_set_limit(policy, (enum limit_kind)kind, lists[kind]->values.list[i], where, err))
				return false;
		}
	}
	if (options->fail_on && !policy_set_fail_on(policy, options->fail_on, "--fail-on", err))
		return false;
	if (options->tolerance && !policy_set_tolerance(policy, options->tolerance, "--tolerance", err))
		return false;
	policy->baseline = options->baseline ? options->baseline : policy->baseline;
	policy->no_builtin |= options->no_builtin;
	policy->allow_partial |= options->allow_partial;
	policy->allow_unscanned |= options->allow_unscanned;
	for (size_t i = 0; i < policy->limits.count; i++) {
		if (policy->limits.list[i].relative && !policy->baseline && !options->write_baseline)
			return err_set(err, NULL, ERR_NO_OFFSET, "--%s: a limit with + needs a --baseline",
				       limit_word(policy->limits.list[i].kind));
	}
	return true;
}

static bool read_suppressions(struct run *run, struct err *err)
{
	const struct option_list *more = &run->options->suppressions;

	for (size_t i = 0; i < run->policy.suppressions.count; i++) {
		if (!suppress_read(&run->suppressions, run->policy.suppressions.list[i], err))
			return false;
	}
	for (size_t i = 0; i < more->values.count; i++) {
		if (!suppress_read(&run->suppressions, more->values.list[i], err))
			return false;
	}
	if (!run->policy.no_builtin)
		suppress_add_builtin(&run->suppressions);
	return true;
}

/* Classes whose leaks somebody will want to see one by one. What hangs on a lost block is named with it. */
static unsigned named_classes(const struct run *run)
{
	unsigned classes = run->policy.fail_on;

	if (run->has_baseline || run->options->write_baseline || run->options->gate_format == GATE_FORMAT_JSON)
		return UINT32_MAX;
	for (size_t i = 0; i < run->policy.limits.count; i++) {
		const struct limit *limit = &run->policy.limits.list[i];

		if (limit_key(limit->kind) == POLICY_KEY_CLASS)
			classes |= 1u << limit->class;
	}
	if (classes & 1u << MP_LEAK_UNFREED)
		return UINT32_MAX;
	return classes | (classes & 1u << MP_LEAK_DEFINITE ? 1u << MP_LEAK_INDIRECT : 0);
}

/* Dumps that cannot be read are told at once; the others are still judged. */
static void read_dumps(struct run *run, char *const *paths, size_t count)
{
	struct dump_file_list list = { 0 };

	for (size_t i = 0; i < count; i++) {
		struct err err = { 0 };

		if (!dump_file_list_add(&list, paths[i], &err)) {
			err_complain(&err);
			run->unreadable++;
		}
	}
	for (size_t i = 0; i < list.paths.count; i++) {
		struct err err = { 0 };

		if (!summary_add_dump(&run->summary, list.paths.list[i], &err)) {
			err_complain(&err);
			run->unreadable++;
		}
	}
	dump_file_list_free(&list);
}

static bool set_root(struct run *run, struct err *err)
{
	const char *root = run->options->source_root ? run->options->source_root : ".";
	char *real = realpath(root, NULL);

	if (!real)
		return err_errno(err, errno, root, "--source-root");
	snprintf(run->root, sizeof(run->root), "%s", real);
	free(real);
	return true;
}

/* Writing. */

typedef void (*gate_writer)(const struct gate *gate, const struct gate_output *output, FILE *out);

static bool close_file(FILE *out, const char *path, struct err *err)
{
	bool failed = ferror(out);

	if (fclose(out) != 0)
		return err_errno(err, errno, path, "cannot write");
	return !failed || err_set(err, path, ERR_NO_OFFSET, "cannot write");
}

static bool write_file(const struct gate *gate, const struct gate_output *output, const char *path, const char *mode,
		       gate_writer writer, struct err *err)
{
	FILE *out;

	if (!path)
		return true;
	out = fopen(path, mode);
	if (!out)
		return err_errno(err, errno, path, "cannot write");
	writer(gate, output, out);
	return close_file(out, path, err);
}

static void write_text(const struct run *run, const struct gate *gate, const struct gate_output *output, FILE *out)
{
	const struct options *options = run->options;
	struct term term;

	term_init(&term, out, (enum term_color)options->color,
		  options->width == NOT_GIVEN ? 0 : (size_t)options->width);
	out_gate_text(gate, output, &term);
}

/* The summary file of a step is shared: others may have written to it before. */
static const char *markdown_mode(const char *path)
{
	const char *shared = getenv("GITHUB_STEP_SUMMARY");

	return path && shared && strcmp(path, shared) == 0 ? "ae" : "we";
}

static bool write_all(const struct run *run, const struct gate *gate, struct err *err)
{
	const struct options *options = run->options;
	const struct gate_output output = {
		.root = run->root,
		.top = options->top == NOT_GIVEN ? 0
		       : options->top == 0       ? SIZE_MAX
						 : (size_t)options->top,
		.full_stacks = options->full_stacks,
	};
	FILE *out = options->output ? fopen(options->output, "we") : stdout;

	if (!out)
		return err_errno(err, errno, options->output, "cannot write");
	if (options->gate_format == GATE_FORMAT_JSON)
		out_gate_json(gate, &output, out);
	else
		write_text(run, gate, &output, out);
	if (options->github)
		out_github(gate, &output, out);
	if (options->output && !close_file(out, options->output, err))
		return false;
	return write_file(gate, &output, options->sarif, "we", out_sarif, err) &&
	       write_file(gate, &output, options->junit, "we", out_junit, err) &&
	       write_file(gate, &output, options->markdown, markdown_mode(options->markdown), out_markdown, err);
}

static bool write_baseline(const struct run *run, const struct summary *accepted, struct err *err)
{
	const char *path = run->options->write_baseline;
	FILE *out = fopen(path, "we");

	if (!out)
		return err_errno(err, errno, path, "cannot write");
	baseline_write(accepted, out);
	return close_file(out, path, err);
}

static void print_suppressions(const struct gate *gate)
{
	struct arena scratch = { 0 };

	for (size_t i = 0; i < gate->leak_count; i++) {
		const struct gate_leak *leak = &gate->leaks[i];

		if (leak->fails)
			suppress_print(stdout, leak->leak.leak_class, gate_amount(&scratch, &leak->leak),
				       leak->leak.stack.frames, leak->leak.stack.count);
	}
	arena_free(&scratch);
}

static int verdict_status(const struct run *run, const struct gate *gate)
{
	if (run->unreadable > 0)
		return STATUS_BAD;
	if (gate->failed > 0)
		return STATUS_EXCEEDED;
	return gate->not_judged > 0 || gate->partial ? STATUS_PARTIAL : STATUS_OK;
}

/* Without another baseline the one to be written is the one to be judged by: what is accepted is no failure. */
static int judge(struct run *run, struct err *err)
{
	struct summary accepted = { 0 };
	struct gate gate;
	int status = STATUS_BAD;
	bool writes = run->options->write_baseline && run->unreadable == 0;

	gate_judge(&gate, &run->policy, &run->summary, run->has_baseline ? &run->baseline : NULL, &run->suppressions);
	if (run->options->print_suppressions) {
		print_suppressions(&gate);
		status = run->unreadable > 0 ? STATUS_BAD : STATUS_OK;
		goto out;
	}
	if (writes && gate.partial) {
		fprintf(stderr, "memprof-analyze: %s: not written, a partial dump is no baseline\n",
			run->options->write_baseline);
		writes = false;
	}
	if (writes)
		gate_accepted(&gate, &run->names, &accepted);
	if (writes && !write_baseline(run, &accepted, err))
		goto out;
	if (writes && !run->has_baseline) {
		gate_free(&gate);
		suppress_reset(&run->suppressions);
		gate_judge(&gate, &run->policy, &run->summary, &accepted, &run->suppressions);
	}
	gate.unreadable = run->unreadable;
	if (write_all(run, &gate, err))
		status = verdict_status(run, &gate);
out:
	gate_free(&gate);
	summary_free(&accepted);
	return status;
}

int cmd_gate(const struct options *options, char *const *paths, size_t count, struct err *err)
{
	struct run run = { .options = options };
	int status = STATUS_BAD;

	policy_init(&run.policy);
	summary_init(&run.summary, &run.names);
	summary_init(&run.baseline, &run.names);
	if (!read_policy(&run, err) || !set_root(&run, err) || !read_suppressions(&run, err))
		goto out;
	if (run.policy.baseline) {
		run.has_baseline = true;
		if (!baseline_read(&run.baseline, run.policy.baseline, err))
			goto out;
	}
	run.summary.named_classes = named_classes(&run);
	read_dumps(&run, paths, count);
	/* With nothing to judge there is no verdict; what could not be read has been told. */
	if (run.summary.dumps > 0)
		status = judge(&run, err);
out:
	summary_free(&run.baseline);
	summary_free(&run.summary);
	suppress_free(&run.suppressions);
	policy_free(&run.policy);
	strtab_free(&run.names);
	return status;
}
