/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the input is a baseline file; reading it ends with rows or an error. Rows that were read and written
 * again read the same, and a run that is its own baseline passes.
 */
#include <stdlib.h>
#include <string.h>

#include "baseline.h"
#include "gate.h"
#include "name_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_again(const struct summary *first, struct strtab *names)
{
	struct summary second;
	struct err err = { 0 };
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	baseline_write(first, out);
	fclose(out);
	summary_init(&second, names);
	if (!baseline_parse(&second, "again.json", text, size, &err))
		abort();
	if (second.leaks.count != first->leaks.count || second.locks.count != first->locks.count)
		abort();
	summary_free(&second);
	free(text);
}

static void judge(const struct summary *summary)
{
	struct suppressions suppressions = { 0 };
	struct policy policy;
	struct gate gate;

	policy_init(&policy);
	policy.fail_on = UINT32_MAX;
	gate_judge(&gate, &policy, summary, summary, &suppressions);
	if (gate.failed > 0)
		abort();
	gate_free(&gate);
	policy_free(&policy);
}

/* Names of functions come from files that can hold anything. */
static void shorten(const struct summary *summary)
{
	char key[64];

	for (size_t i = 0; i < summary->leaks.count; i++) {
		const struct stack_key *stack = &summary->leaks.list[i].key;

		for (size_t j = 0; j < stack->count; j++) {
			if (name_key(stack->names[j], key, sizeof(key)) >= sizeof(key))
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strtab names = { 0 };
	struct summary summary;
	struct err err = { 0 };

	summary_init(&summary, &names);
	if (baseline_parse(&summary, "fuzz.json", size > 0 ? (const char *)data : "", size, &err) == err.set)
		abort();
	if (!err.set) {
		shorten(&summary);
		judge(&summary);
		read_again(&summary, &names);
	}
	summary_free(&summary);
	strtab_free(&names);
	return 0;
}
