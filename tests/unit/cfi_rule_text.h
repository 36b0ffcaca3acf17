/* SPDX-License-Identifier: MIT */
/* Comparing and printing of unwind rules, for the tests. */
#ifndef MP_CFI_RULE_TEXT_H
#define MP_CFI_RULE_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "cfi_compile.h"

static const char *const cfi_kind_names[] = {
	[CFI_NONE] = "none",
	[CFI_END] = "end",
	[CFI_SP] = "sp",
	[CFI_BP] = "bp",
	[CFI_BP_DEREF] = "bp deref",
	[CFI_SIGNAL] = "signal",
	[CFI_COMPLICATED] = "complicated",
};

static inline bool cfi_rules_equal(const struct cfi_rule *a, const struct cfi_rule *b)
{
	return a->kind == b->kind && a->cfa_offset == b->cfa_offset && a->ra_offset == b->ra_offset &&
	       a->bp_saved == b->bp_saved && a->bp_at_bp == b->bp_at_bp && a->bp_undefined == b->bp_undefined &&
	       a->bp_offset == b->bp_offset;
}

static inline const char *cfi_rule_text(const struct cfi_rule *rule, char *text, size_t size)
{
	snprintf(text, size, "%s cfa %+d ra %+d bp %s%s%s%+d", cfi_kind_names[rule->kind], rule->cfa_offset,
		 rule->ra_offset, rule->bp_saved ? "cfa" : "", rule->bp_at_bp ? "bp" : "",
		 rule->bp_undefined ? "undefined" : "", rule->bp_offset);
	return text;
}

#endif
