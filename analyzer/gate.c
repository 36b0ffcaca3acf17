/* SPDX-License-Identifier: MIT */
/* Judging: suppressions first, then the baseline, then rule by rule what is left. */
#include "gate.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gate_match.h"
#include "stack_view.h"
#include "units.h"

static const char *__attribute__((format(printf, 2, 3))) format_text(struct arena *arena, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return arena_string(arena, text, strlen(text));
}

static int64_t whole(double value)
{
	return value < 9e18 ? (int64_t)(value + 0.5) : INT64_MAX;
}

static struct units bytes_text(double bytes)
{
	return units_bytes(whole(bytes));
}

static struct units count_text(double count, const char *noun)
{
	struct units units = units_count(whole(count));
	size_t length = strlen(units.text);

	snprintf(units.text + length, sizeof(units.text) - length, " %s%s", noun, whole(count) == 1 ? "" : "s");
	return units;
}

const char *gate_state_word(enum gate_state state)
{
#define X(name, word, sarif) word,
	static const char *const words[] = { GATE_STATES(X) };
#undef X

	return words[state];
}

/* Suppressions. */

/* A suppressed block takes what only it leads to along: rows of the same dump name their owner by its key. */
static struct suppression *owner_suppression(const struct hash_map *suppressed, const struct summary_leak *leak)
{
	const uint64_t *found = leak->owner ? hash_map_find(suppressed, leak->owner) : NULL;

	return found ? (struct suppression *)(uintptr_t)*found : NULL;
}

static struct suppression **suppress_rows(const struct summary *summary, const struct suppressions *suppressions)
{
	size_t count = summary->leaks.count;
	struct suppression **found = memory_zeroed(count + 1, sizeof(struct suppression *));
	struct hash_map owners = { 0 };

	for (size_t i = 0; i < count; i++) {
		const struct summary_leak *leak = &summary->leaks.list[i];

		found[i] = suppress_find(suppressions, leak->leak_class, leak->stack.frames, leak->stack.count);
		if (found[i] && leak->leak_class == MP_LEAK_DEFINITE)
			*hash_map_put(&owners, leak->key.hash, NULL) = (uint64_t)(uintptr_t)found[i];
	}
	for (size_t i = 0; i < count; i++) {
		if (!found[i])
			found[i] = owner_suppression(&owners, &summary->leaks.list[i]);
	}
	hash_map_free(&owners);
	return found;
}

static void count_suppressed(struct suppression *rule, const struct summary_leak *leak)
{
	rule->stacks++;
	rule->blocks += (uint64_t)whole(leak->blocks.value);
	rule->bytes += (uint64_t)whole(leak->bytes.value);
}

/* Rows of one class and stack with different owners become one, unless only some of them are suppressed. */
static void collect_leaks(struct gate *gate, struct suppressions *suppressions)
{
	const struct summary *summary = gate->summary;
	struct suppression **found = suppress_rows(summary, suppressions);
	struct hash_map places = { 0 };

	gate->leaks = memory_zeroed(summary->leaks.count + 1, sizeof(*gate->leaks));
	for (size_t i = 0; i < summary->leaks.count; i++) {
		const struct summary_leak *row = &summary->leaks.list[i];
		uint64_t hash = hash_u64(row->key.hash ^ hash_u64(row->leak_class) ^
					 hash_u64((uint64_t)(uintptr_t)found[i] + 1));
		bool is_new;
		uint64_t *place = hash_map_put(&places, hash, &is_new);
		struct gate_leak *leak;

		if (is_new) {
			*place = gate->leak_count++;
			gate->leaks[*place] = (struct gate_leak){ .leak = *row, .suppression = found[i] };
			gate->leaks[*place].leak.owner = 0;
			continue;
		}
		leak = &gate->leaks[*place];
		amount_add(&leak->leak.blocks, &row->blocks);
		amount_add(&leak->leak.bytes, &row->bytes);
		leak->leak.held_blocks += row->held_blocks;
		leak->leak.held_bytes += row->held_bytes;
		if (row->dumps > leak->leak.dumps)
			leak->leak.dumps = row->dumps;
	}
	for (size_t i = 0; i < gate->leak_count; i++) {
		if (gate->leaks[i].suppression)
			count_suppressed(gate->leaks[i].suppression, &gate->leaks[i].leak);
	}
	hash_map_free(&places);
	free(found);
}

/* The baseline. */

static struct amount beyond(const struct amount *now, const struct amount *old)
{
	if (now->value <= old->value)
		return (struct amount){ 0 };
	return (struct amount){ now->value - old->value, now->variance + old->variance };
}

/* What is certainly there: of an estimate, the lower end of its interval; what was seen at all is one at least. */
static double certain(const struct amount *more, bool is_new)
{
	double low = amount_low(more);

	return is_new && more->value > 0 && low < 1 ? 1 : low;
}

static void judge_leak(const struct gate *gate, struct gate_leak *leak, const struct summary_leak *old)
{
	static const struct summary_leak nothing;
	double allowed = 1 + gate->policy->tolerance_percent / 100;

	if (!old)
		old = &nothing;
	leak->old_blocks = old->blocks.value;
	leak->old_bytes = old->bytes.value;
	leak->more_blocks = beyond(&leak->leak.blocks, &old->blocks);
	leak->more_bytes = beyond(&leak->leak.bytes, &old->bytes);
	leak->judged_blocks = certain(&leak->more_blocks, old == &nothing);
	leak->judged_bytes = certain(&leak->more_bytes, old == &nothing);
	if (!gate->baseline) {
		leak->state = GATE_NONE;
	} else if (old == &nothing) {
		leak->state = GATE_NEW;
	} else {
		bool blocks = leak->judged_blocks > 0 && leak->leak.blocks.value > leak->old_blocks * allowed;
		bool bytes = leak->judged_bytes > 0 && leak->leak.bytes.value > leak->old_bytes * allowed;

		leak->state = blocks || bytes ? GATE_GROWN : GATE_UNCHANGED;
	}
}

static void compare_with_baseline(struct gate *gate)
{
	size_t old_count = gate->baseline ? gate->baseline->leaks.count : 0;
	const struct summary_leak **olds = memory_zeroed(gate->leak_count + 1, sizeof(*olds));
	bool *used = memory_zeroed(old_count + 1, sizeof(*used));

	if (gate->baseline)
		gate_match(gate->baseline, gate->leaks, gate->leak_count, olds, used, &gate->arena);
	for (size_t i = 0; i < gate->leak_count; i++)
		judge_leak(gate, &gate->leaks[i], olds[i]);
	for (size_t i = 0; i < old_count; i++) {
		const struct summary_leak *old = &gate->baseline->leaks.list[i];

		if (!used[i])
			vec_push(&gate->gone) = (struct gate_leak){ .leak = *old,
								    .state = GATE_GONE,
								    .old_blocks = old->blocks.value,
								    .old_bytes = old->bytes.value };
	}
	free(olds);
	free(used);
}

/* Rules. */

#define NOTHING "none"

static bool counts_for(const struct gate_rule *rule, const struct gate_leak *leak)
{
	/* A limit for what was not freed is one for all blocks, whatever is known of them. */
	return !leak->suppression && leak->state != GATE_UNCHANGED &&
	       (leak->leak.leak_class == rule->limit.class || rule->limit.class == MP_LEAK_UNFREED);
}

static const char *leaks_text(struct gate *gate, size_t stacks, double blocks, double bytes)
{
	if (stacks == 0)
		return NOTHING;
	return format_text(&gate->arena, "%s, %s in %s", count_text((double)stacks, "stack").text,
			   bytes_text(bytes).text, count_text(blocks, "block").text);
}

static void fail(struct gate_rule *rule)
{
	rule->outcome = GATE_FAILED;
}

/* No verdict on leaks where a dump has none; a rule for what was not freed needs none. */
static void need_scan(struct gate *gate, struct gate_rule *rule)
{
	size_t missing = gate->summary->defects[SUMMARY_UNSCANNED];

	gate->needs_verdict |= rule->limit.class != MP_LEAK_UNFREED;
	if (rule->outcome != GATE_PASSED || rule->limit.class == MP_LEAK_UNFREED || missing == 0 ||
	    gate->policy->allow_unscanned || gate->policy->allow_partial)
		return;
	rule->outcome = GATE_NOT_JUDGED;
	if (strcmp(rule->found, NOTHING) == 0)
		rule->found = "not known";
	rule->why = format_text(&gate->arena, "no verdict on leaks in %zu of %s", missing,
				count_text((double)gate->summary->dumps, "dump").text);
}

static void judge_leaks(struct gate *gate, struct gate_rule *rule)
{
	bool per_stack =
		rule->is_zero || rule->limit.kind == LIMIT_STACK_BYTES || rule->limit.kind == LIMIT_STACK_BLOCKS;
	bool by_bytes =
		!rule->is_zero && (rule->limit.kind == LIMIT_STACK_BYTES || rule->limit.kind == LIMIT_TOTAL_BYTES);
	double limit = rule->is_zero ? 0 : rule->limit.value;
	struct amount blocks = { 0 }, bytes = { 0 };
	double worst = 0, total;
	size_t stacks = 0;

	for (size_t i = 0; i < gate->leak_count; i++) {
		struct gate_leak *leak = &gate->leaks[i];
		double value = by_bytes ? leak->judged_bytes : leak->judged_blocks;

		if (!counts_for(rule, leak))
			continue;
		stacks++;
		amount_add(&blocks, &leak->more_blocks);
		amount_add(&bytes, &leak->more_bytes);
		worst = value > worst ? value : worst;
		/* A block of 0 bytes is a leak, too. */
		if (!per_stack || value > limit || (rule->is_zero && leak->judged_bytes > 0))
			vec_push(&rule->leaks) = leak;
	}
	total = certain(by_bytes ? &bytes : &blocks, gate->baseline == NULL);
	if (per_stack ? rule->leaks.count > 0 : total > limit)
		fail(rule);
	else
		rule->leaks.count = 0;
	rule->title = format_text(&gate->arena, "%s%s%s", leak_class_word(rule->limit.class),
				  rule->limit.class == MP_LEAK_UNFREED ? " blocks" : " leaks",
				  rule->is_zero ? ""
				  : per_stack   ? ", each stack"
						: ", total");
	rule->found = leaks_text(gate, stacks, blocks.value, bytes.value);
	if (per_stack && !rule->is_zero && stacks > 0)
		rule->found = format_text(&gate->arena, "%s, the worst with %s", rule->found,
					  by_bytes ? bytes_text(worst).text : count_text(worst, "block").text);
	rule->bound = rule->is_zero ? format_text(&gate->arena, "none allowed")
				    : format_text(&gate->arena, "limit %s",
						  by_bytes ? bytes_text(limit).text : count_text(limit, "block").text);
	for (size_t i = 0; i < rule->leaks.count; i++)
		((struct gate_leak *)(uintptr_t)rule->leaks.list[i])->fails = true;
	need_scan(gate, rule);
}

static struct units value_text(enum limit_kind kind, double value)
{
	struct units units;

	switch (limit_unit(kind)) {
	case POLICY_BYTES:
		return bytes_text(value);
	case POLICY_TIME:
		return units_duration((uint64_t)whole(value));
	case POLICY_PERCENT:
		snprintf(units.text, sizeof(units.text), "%.1f %%", value);
		return units;
	case POLICY_COUNT:
		break;
	}
	return units_count(whole(value));
}

/* The limit in absolute terms. */
static double resolve_limit(const struct limit *limit, double old)
{
	if (!limit->relative)
		return limit->value;
	return limit->percent ? old * (1 + limit->value / 100) : old + limit->value;
}

static void judge_total(struct gate *gate, struct gate_rule *rule, const char *title, const struct amount *now,
			const struct amount *old)
{
	const struct limit *limit = &rule->limit;
	double bound = resolve_limit(limit, old ? amount_high(old) : 0);

	rule->title = title;
	if (amount_low(now) > bound)
		fail(rule);
	rule->found = now->variance > 0
			      ? format_text(&gate->arena, "%s +- %s", value_text(limit->kind, now->value).text,
					    value_text(limit->kind, sqrt(now->variance)).text)
			      : format_text(&gate->arena, "%s", value_text(limit->kind, now->value).text);
	rule->bound = limit->relative
			      ? format_text(&gate->arena, "limit %s (baseline %s)", value_text(limit->kind, bound).text,
					    value_text(limit->kind, old ? old->value : 0).text)
			      : format_text(&gate->arena, "limit %s", value_text(limit->kind, bound).text);
}

static void judge_temporary(struct gate *gate, struct gate_rule *rule)
{
	const struct summary_totals *totals = &gate->summary->totals;
	double all = totals->alloc_count.value;
	struct amount share = { 0 };

	if (all > 0) {
		share.value = 100 * totals->temporary_count.value / all;
		share.variance = 1e4 * totals->temporary_count.variance / (all * all);
	}
	judge_total(gate, rule, "temporary allocations", &share, NULL);
}

static void judge_growth(struct gate *gate, struct gate_rule *rule)
{
	const struct summary_growth *growth = &gate->summary->growth;

	rule->title = "growth of any one stack";
	rule->bound = format_text(&gate->arena, "limit %s per hour", bytes_text(rule->limit.value).text);
	rule->found = growth->function ? format_text(&gate->arena, "%s per hour (at least %s) by %s",
						     bytes_text(growth->bytes_per_hour).text,
						     bytes_text(growth->bytes_per_hour_low).text, growth->function)
				       : NOTHING;
	if (growth->bytes_per_hour_low > rule->limit.value) {
		fail(rule);
	} else if (growth->unjudged > 0 && !gate->policy->allow_partial) {
		rule->outcome = GATE_NOT_JUDGED;
		rule->why = format_text(&gate->arena, "too few points in time in %zu of %s", growth->unjudged,
					count_text((double)gate->summary->dumps, "dump").text);
	}
}

/* What definitely lost blocks and those behind them gain from one mark to the next; it is lost for good. */
static double lost_per_mark(const struct summary_marks *marks)
{
	return marks->leaked[MP_LEAK_DEFINITE] + marks->leaked[MP_LEAK_INDIRECT];
}

/* By the whole, any one stack, or what is lost: what certainly grows from one mark to the next. */
static double growth_per_mark(const struct summary_marks *marks)
{
	double most = marks->bytes_low;

	if (marks->stack_count > 0 && marks->stacks[0].bytes_low > most)
		most = marks->stacks[0].bytes_low;
	return lost_per_mark(marks) > most ? lost_per_mark(marks) : most;
}

static const char *marks_text(struct gate *gate, const struct summary_marks *marks, bool with_name)
{
	const struct summary_marked *stack = marks->stack_count > 0 ? &marks->stacks[0] : NULL;
	const struct frame *frame = stack ? summary_main_frame(&stack->stack) : NULL;
	const char *function = frame && frame->function ? frame->function : "a function without a name";
	const char *text = NULL;

	if (marks->bytes_low > 0)
		text = format_text(&gate->arena, "%s each (at least %s)%s%s%s%s", bytes_text(marks->bytes).text,
				   bytes_text(marks->bytes_low).text, with_name ? " of " : "",
				   with_name ? marks->text : "", stack ? ", most of it by " : "",
				   stack ? function : "");
	else if (stack)
		text = format_text(&gate->arena, "%s each (at least %s)%s%s by %s, while others shrink",
				   bytes_text(stack->bytes).text, bytes_text(stack->bytes_low).text,
				   with_name ? " of " : "", with_name ? marks->text : "", function);
	if (lost_per_mark(marks) > 0)
		text = format_text(&gate->arena, "%s%s%s lost with each", text ? text : "", text ? "; " : "",
				   bytes_text(lost_per_mark(marks)).text);
	return text ? text : NOTHING;
}

/* Of a text that is named, every dump that has it must tell; of any, those that can. */
static void judge_iterations(struct gate *gate, struct gate_rule *rule)
{
	const char *text = rule->limit.lock;
	const struct summary_marks *worst = NULL;
	size_t judged = 0, unjudged = 0;

	for (size_t i = 0; i < gate->summary->marks.count; i++) {
		const struct summary_marks *marks = &gate->summary->marks.list[i];

		if (text && strcmp(marks->text, text) != 0)
			continue;
		judged += marks->judged;
		unjudged += !marks->judged;
		if (marks->judged && (!worst || growth_per_mark(marks) > growth_per_mark(worst)))
			worst = marks;
	}
	rule->title = text ? format_text(&gate->arena, "growth from one %s to the next", text)
			   : "growth from one mark to the next";
	rule->bound = format_text(&gate->arena, "limit %s", bytes_text(rule->limit.value).text);
	rule->found = worst ? marks_text(gate, worst, text == NULL) : NOTHING;
	if (worst && growth_per_mark(worst) > rule->limit.value) {
		fail(rule);
		rule->marks = worst;
	} else if (judged == 0 || (text && unjudged > 0 && !gate->policy->allow_partial)) {
		rule->outcome = GATE_NOT_JUDGED;
		rule->why = unjudged > 0 ? "too few marks: 8 or more are needed" : "no such marks in any dump";
	}
}

static void need_locks(struct gate *gate, struct gate_rule *rule)
{
	if (rule->outcome != GATE_PASSED || gate->summary->without_locks == 0 || gate->policy->allow_partial)
		return;
	rule->outcome = GATE_NOT_JUDGED;
	rule->why = format_text(&gate->arena, "locks were not recorded in %zu of %s", gate->summary->without_locks,
				count_text((double)gate->summary->dumps, "dump").text);
}

static bool has_own_limit(const struct gate *gate, const struct summary_lock *lock)
{
	for (size_t i = 0; i < gate->policy->limits.count; i++) {
		const struct limit *limit = &gate->policy->limits.list[i];

		if (limit->kind == LIMIT_LOCK_WAIT && limit->lock && lock->name && strcmp(limit->lock, lock->name) == 0)
			return true;
	}
	return false;
}

/* The lock that was waited for longest among those that the limit is for. */
static void judge_lock(struct gate *gate, struct gate_rule *rule)
{
	const struct limit *limit = &rule->limit;
	const struct summary_lock *worst = NULL;
	struct amount wait = { 0 };

	for (size_t i = 0; i < gate->summary->locks.count; i++) {
		const struct summary_lock *lock = &gate->summary->locks.list[i];

		if (limit->lock ? !lock->name || strcmp(limit->lock, lock->name) != 0 : has_own_limit(gate, lock))
			continue;
		if (!worst || lock->wait_ns > worst->wait_ns)
			worst = lock;
	}
	if (worst)
		wait.value = (double)worst->wait_ns;
	judge_total(gate, rule,
		    limit->lock ? format_text(&gate->arena, "waiting for lock %s", limit->lock)
				: "waiting for any one lock",
		    &wait, NULL);
	if (worst && !limit->lock)
		rule->found = format_text(&gate->arena, "%s for %s %s", rule->found, worst->kind,
					  worst->name ? worst->name : "without a name");
	if (rule->outcome == GATE_FAILED)
		rule->lock = worst;
	need_locks(gate, rule);
}

static void judge_rule(struct gate *gate, struct gate_rule *rule)
{
	const struct summary_totals *now = &gate->summary->totals;
	const struct summary_totals *old = gate->baseline ? &gate->baseline->totals : NULL;
	struct amount wait = { (double)now->wait_ns, 0 };
	struct amount old_wait = { old ? (double)old->wait_ns : 0, 0 };

	if (rule->is_zero || limit_key(rule->limit.kind) == POLICY_KEY_CLASS) {
		judge_leaks(gate, rule);
		return;
	}
	switch (rule->limit.kind) {
	case LIMIT_PEAK:
		judge_total(gate, rule, "peak", &now->peak_bytes, old ? &old->peak_bytes : NULL);
		break;
	case LIMIT_GROWTH:
		judge_growth(gate, rule);
		break;
	case LIMIT_ITERATION:
		judge_iterations(gate, rule);
		break;
	case LIMIT_ALLOCS:
		judge_total(gate, rule, "allocations", &now->alloc_count, old ? &old->alloc_count : NULL);
		break;
	case LIMIT_TEMPORARY:
		judge_temporary(gate, rule);
		break;
	case LIMIT_WAIT:
		judge_total(gate, rule, "waiting for locks", &wait, old ? &old_wait : NULL);
		need_locks(gate, rule);
		break;
	default:
		judge_lock(gate, rule);
		break;
	}
}

static bool has_limit(const struct policy *policy, enum mp_leak_class class)
{
	for (size_t i = 0; i < policy->limits.count; i++) {
		const struct limit *limit = &policy->limits.list[i];

		if (limit_key(limit->kind) == POLICY_KEY_CLASS && limit->class == class)
			return true;
	}
	return false;
}

/* A class with a limit may have leaks up to it; the others that count may have none. */
static void make_rules(struct gate *gate)
{
	const struct policy *policy = gate->policy;

	for (unsigned class = MP_LEAK_DEFINITE; class < LEAK_CLASS_END; class ++) {
		if (policy->fail_on & 1u << class && !has_limit(policy, (enum mp_leak_class) class))
			vec_push(&gate->rules) =
				(struct gate_rule){ .is_zero = true, .limit.class = (enum mp_leak_class) class };
	}
	for (size_t i = 0; i < policy->limits.count; i++)
		vec_push(&gate->rules) = (struct gate_rule){ .limit = policy->limits.list[i] };
}

/* Order. */

static int compare_leaks(const void *a, const void *b)
{
	const struct gate_leak *x = a;
	const struct gate_leak *y = b;

	if (!x->suppression != !y->suppression)
		return x->suppression ? 1 : -1;
	if (x->leak.leak_class != y->leak.leak_class)
		return x->leak.leak_class < y->leak.leak_class ? -1 : 1;
	if (x->judged_bytes + (double)x->leak.held_bytes != y->judged_bytes + (double)y->leak.held_bytes)
		return x->judged_bytes + (double)x->leak.held_bytes > y->judged_bytes + (double)y->leak.held_bytes ? -1
														   : 1;
	if (x->judged_blocks != y->judged_blocks)
		return x->judged_blocks > y->judged_blocks ? -1 : 1;
	return (x->leak.key.hash > y->leak.key.hash) - (x->leak.key.hash < y->leak.key.hash);
}

static void sort_leaks(struct gate *gate)
{
	if (gate->leak_count > 1)
		qsort(gate->leaks, gate->leak_count, sizeof(*gate->leaks), compare_leaks);
}

void gate_judge(struct gate *gate, const struct policy *policy, const struct summary *summary,
		const struct summary *baseline, struct suppressions *suppressions)
{
	*gate = (struct gate){
		.policy = policy, .summary = summary, .baseline = baseline, .suppressions = suppressions
	};
	collect_leaks(gate, suppressions);
	compare_with_baseline(gate);
	sort_leaks(gate);
	make_rules(gate);
	for (size_t i = 0; i < gate->rules.count; i++) {
		judge_rule(gate, &gate->rules.list[i]);
		gate->failed += gate->rules.list[i].outcome == GATE_FAILED;
		gate->not_judged += gate->rules.list[i].outcome == GATE_NOT_JUDGED;
	}
	gate->partial = summary->defects[SUMMARY_PARTIAL] > 0 && !policy->allow_partial;
}

void gate_free(struct gate *gate)
{
	for (size_t i = 0; i < gate->rules.count; i++)
		vec_free(&gate->rules.list[i].leaks);
	vec_free(&gate->rules);
	vec_free(&gate->gone);
	free(gate->leaks);
	arena_free(&gate->arena);
}

const char *gate_verdict(const struct gate *gate)
{
	if (gate->failed > 0)
		return "FAILED";
	return gate->not_judged > 0 || gate->partial || gate->unreadable > 0 ? "NOT JUDGED" : "PASSED";
}

/* What writers say of a leak. */

const char *gate_amount(struct arena *arena, const struct summary_leak *leak)
{
	if (leak->bytes.variance > 0)
		return format_text(arena, "%s +- %s in %s", bytes_text(leak->bytes.value).text,
				   bytes_text(sqrt(leak->bytes.variance)).text,
				   count_text(leak->blocks.value, "block").text);
	return format_text(arena, "%s in %s", bytes_text(leak->bytes.value).text,
			   count_text(leak->blocks.value, "block").text);
}

const char *gate_leak_text(struct arena *arena, const struct gate_leak *leak)
{
	const struct frame *frame = summary_main_frame(&leak->leak.stack);
	char buffer[300];
	const char *where = frame                      ? stack_view_name(frame, buffer, sizeof(buffer))
			    : leak->leak.key.count > 0 ? leak->leak.key.names[0]
						       : "an unknown place";

	return format_text(arena, "%s %s, allocated by %s", gate_amount(arena, &leak->leak),
			   leak_class_text(leak->leak.leak_class), where);
}

const char *gate_fingerprint(struct arena *arena, const struct gate_leak *leak)
{
	return format_text(arena, "%016" PRIx64, hash_u64(leak->leak.key.hash ^ hash_u64(leak->leak.leak_class)));
}

void gate_accepted(const struct gate *gate, struct strtab *names, struct summary *ret_summary)
{
	summary_init(ret_summary, names);
	ret_summary->totals = gate->summary->totals;
	for (size_t i = 0; i < gate->leak_count; i++) {
		if (!gate->leaks[i].suppression)
			summary_add_leak(ret_summary, &gate->leaks[i].leak);
	}
	for (size_t i = 0; i < gate->summary->locks.count; i++)
		summary_add_lock(ret_summary, &gate->summary->locks.list[i]);
}

static bool exists_below(const char *root, const char *path)
{
	char text[8192];

	return (size_t)snprintf(text, sizeof(text), "%s/%s", root, path) < sizeof(text) && access(text, F_OK) == 0;
}

/* PATH as it is below ROOT, NULL = it is not there. Builds outside of the sources give names with "../" in front. */
static const char *path_below(const char *root, const char *path)
{
	size_t length = strlen(root);

	while (length > 1 && root[length - 1] == '/')
		length--;
	if (path[0] == '/') {
		if (strncmp(path, root, length) != 0 || path[length] != '/')
			return NULL;
		path += length + 1;
	}
	for (;;) {
		while (path[0] == '.' && path[1] == '/')
			path += 2;
		if (*path && exists_below(root, path) && strncmp(path, "../", 3) != 0)
			return path;
		if (strncmp(path, "../", 3) != 0)
			return NULL;
		path += 3;
	}
}

const struct frame *gate_source_frame(struct arena *arena, const struct summary_stack *stack, const char *root,
				      const char **ret_path)
{
	for (size_t i = 0; i < stack->count; i++) {
		const struct frame *frame = &stack->frames[i];
		const char *path = frame->file && frame->line > 0 ? path_below(root, frame->file) : NULL;

		if (path) {
			*ret_path = arena_string(arena, path, strlen(path));
			return frame;
		}
	}
	return NULL;
}
