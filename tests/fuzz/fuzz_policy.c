/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the input is a policy file; reading it ends with limits that can be judged, or with an error that names
 * its place.
 */
#include <stdlib.h>
#include <string.h>

#include "gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What a policy is applied to: a run with one lost and one reachable block, and a lock. */
static void judge(const struct policy *policy)
{
	static const struct gate_output output = { .root = "/nowhere" };
	struct strtab names = { 0 };
	struct suppressions suppressions = { 0 };
	struct summary summary, baseline;
	struct gate gate;
	FILE *out = fopen("/dev/null", "w");

	if (!out)
		abort();
	summary_init(&summary, &names);
	summary_init(&baseline, &names);
	summary.dumps = 1;
	for (unsigned class = MP_LEAK_DEFINITE; class < LEAK_CLASS_END; class ++)
		summary_add_leak(&summary, &(struct summary_leak){ .leak_class = (enum mp_leak_class) class,
								   .key.hash = class,
								   .blocks.value = 1,
								   .bytes.value = class,
								   .dumps = 1 });
	summary_add_lock(&summary, &(struct summary_lock){ .name = "a", .kind = "mutex", .hash = 1, .wait_ns = 5 });
	gate_judge(&gate, policy, &summary, &baseline, &suppressions);
	out_junit(&gate, &output, out);
	out_github(&gate, &output, out);
	gate_free(&gate);
	summary_free(&summary);
	summary_free(&baseline);
	strtab_free(&names);
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy policy;
	struct err err = { 0 };

	policy_init(&policy);
	if (policy_parse(&policy, "fuzz.json", size > 0 ? (const char *)data : "", size, &err) == err.set)
		abort();
	if (err.set && strncmp(err.text, "line ", 5) != 0)
		abort();
	if (!err.set)
		judge(&policy);
	policy_free(&policy);
	return 0;
}
