/* SPDX-License-Identifier: MIT */
/* Tables of the fields of a dump. */
#include "dump_fields.h"

#include <inttypes.h>
#include <string.h>

#define FIELD(row, field, form)                                                                     \
	{                                                                                           \
#field, offsetof(struct row, field), sizeof(((struct row *)0)->field), FIELD_##form \
	}

static const struct dump_field header_fields[] = {
	FIELD(mp_header, version, NUMBER),
	FIELD(mp_header, header_bytes, NUMBER),
	FIELD(mp_header, byte_order, HEX),
	FIELD(mp_header, page_bytes, NUMBER),
	FIELD(mp_header, used_bytes, NUMBER),
	FIELD(mp_header, machine, NUMBER),
	FIELD(mp_header, mode, NUMBER),
	FIELD(mp_header, sample_bytes, NUMBER),
	FIELD(mp_header, pid, NUMBER),
	FIELD(mp_header, parent_pid, NUMBER),
	FIELD(mp_header, start_realtime_ns, NUMBER),
	FIELD(mp_header, start_ns, NUMBER),
	FIELD(mp_header, pid_start_ticks, NUMBER),
	FIELD(mp_header, boot_id, BYTES),
	FIELD(mp_header, ended, NUMBER),
	FIELD(mp_header, end_status, SIGNED),
	FIELD(mp_header, end_ns, NUMBER),
	FIELD(mp_header, last_ns, NUMBER),
	FIELD(mp_header, live_bytes, SIGNED),
	FIELD(mp_header, live_count, SIGNED),
	FIELD(mp_header, peak_bytes, NUMBER),
	FIELD(mp_header, peak_count, NUMBER),
	FIELD(mp_header, peak_ns, NUMBER),
	FIELD(mp_header, peak_epoch, NUMBER),
	FIELD(mp_header, inherited_count, NUMBER),
	FIELD(mp_header, inherited_bytes, NUMBER),
	FIELD(mp_header, inherited_free_count, NUMBER),
	FIELD(mp_header, inherited_free_bytes, NUMBER),
	FIELD(mp_header, exe, HEX),
	FIELD(mp_header, cwd, HEX),
	FIELD(mp_header, argv, HEX),
	FIELD(mp_header, producer, HEX),
	FIELD(mp_header, hostname, HEX),
	FIELD(mp_header, features, HEX),
	FIELD(mp_header, stack_limit_frames, NUMBER),
	FIELD(mp_header, dropped_bytes, NUMBER),
	FIELD(mp_header, self_bytes, NUMBER),
	FIELD(mp_header, anonymous_max_bytes, NUMBER),
	FIELD(mp_header, paused_ns, NUMBER),
	FIELD(mp_header, paused_since_ns, NUMBER),
	FIELD(mp_header, paused_count, NUMBER),
	FIELD(mp_header, control.open, NUMBER),
	FIELD(mp_header, control.signal, NUMBER),
	FIELD(mp_header, control.request, NUMBER),
	FIELD(mp_header, control.answer, NUMBER),
	FIELD(mp_header, control_taken, NUMBER),
};

static const struct dump_field node_fields[] = {
	FIELD(mp_node, ip, HEX),
	FIELD(mp_node, parent, NUMBER),
	FIELD(mp_node, module, HEX),
};

static const struct dump_field site_fields[] = {
	FIELD(mp_site, stack, NUMBER),
	FIELD(mp_site, peak_epoch, NUMBER),
	FIELD(mp_site, alloc_count, NUMBER),
	FIELD(mp_site, alloc_bytes, NUMBER),
	FIELD(mp_site, free_count, NUMBER),
	FIELD(mp_site, free_bytes, NUMBER),
	FIELD(mp_site, peak_bytes, SIGNED),
	FIELD(mp_site, peak_count, SIGNED),
	FIELD(mp_site, temporary_count, NUMBER),
	FIELD(mp_site, realloc_count, NUMBER),
	/* Of longer rows only. */
	FIELD(mp_site_resized, first_count, NUMBER),
	FIELD(mp_site_resized, first_bytes, NUMBER),
	FIELD(mp_site_resized, move_count, NUMBER),
	FIELD(mp_site_resized, copied_bytes, NUMBER),
	FIELD(mp_site_resized, shrink_count, NUMBER),
	FIELD(mp_site_resized, shrunk_bytes, NUMBER),
	FIELD(mp_site_resized, grown_bytes, NUMBER),
	FIELD(mp_site_resized, unknown_count, NUMBER),
};

static const struct dump_field site_sample_fields[] = {
	FIELD(mp_site_sample, stack, NUMBER),         FIELD(mp_site_sample, alloc_samples, NUMBER),
	FIELD(mp_site_sample, free_samples, NUMBER),  FIELD(mp_site_sample, temporary_count, NUMBER),
	FIELD(mp_site_sample, realloc_count, NUMBER), FIELD(mp_site_sample, alloc_count_var, REAL),
	FIELD(mp_site_sample, alloc_bytes_var, REAL), FIELD(mp_site_sample, free_count_var, REAL),
	FIELD(mp_site_sample, free_bytes_var, REAL),
};

static const struct dump_field thread_fields[] = {
	FIELD(mp_thread, start_ns, NUMBER),
	FIELD(mp_thread, end_ns, NUMBER),
	FIELD(mp_thread, tid, NUMBER),
	FIELD(mp_thread, threads, NUMBER),
	FIELD(mp_thread, name, TEXT),
	FIELD(mp_thread, alloc_count, NUMBER),
	FIELD(mp_thread, alloc_bytes, NUMBER),
	FIELD(mp_thread, free_count, NUMBER),
	FIELD(mp_thread, free_bytes, NUMBER),
	FIELD(mp_thread, temporary_count, NUMBER),
	FIELD(mp_thread, realloc_count, NUMBER),
	FIELD(mp_thread, lock_acquisitions, NUMBER),
	FIELD(mp_thread, lock_contentions, NUMBER),
	FIELD(mp_thread, lock_wait_ns, NUMBER),
	FIELD(mp_thread, coordination_ns, NUMBER),
	FIELD(mp_thread, shard, NUMBER),
};

static const struct dump_field free_pair_fields[] = {
	FIELD(mp_free_pair, free_shard, NUMBER), FIELD(mp_free_pair, alloc_shard, NUMBER),
	FIELD(mp_free_pair, count, NUMBER),      FIELD(mp_free_pair, bytes, NUMBER),
	FIELD(mp_free_pair, count_var, REAL),    FIELD(mp_free_pair, bytes_var, REAL),
};

static const struct dump_field module_fields[] = {
	FIELD(mp_module, start, HEX),
	FIELD(mp_module, end, HEX),
	FIELD(mp_module, bias, HEX),
	FIELD(mp_module, load_ns, NUMBER),
	FIELD(mp_module, unload_ns, NUMBER),
	FIELD(mp_module, path, HEX),
	FIELD(mp_module, generation, NUMBER),
	FIELD(mp_module, build_id_bytes, NUMBER),
	FIELD(mp_module, build_id, BYTES),
	FIELD(mp_module, file_bytes, NUMBER),
	FIELD(mp_module, file_mtime_ns, NUMBER),
};

static const struct dump_field tick_fields[] = {
	FIELD(mp_tick, time_ns, NUMBER),      FIELD(mp_tick, live_bytes, SIGNED),  FIELD(mp_tick, rss_bytes, NUMBER),
	FIELD(mp_tick, alloc_count, NUMBER),  FIELD(mp_tick, alloc_bytes, NUMBER), FIELD(mp_tick, free_count, NUMBER),
	FIELD(mp_tick, lock_wait_ns, NUMBER),
};

static const struct dump_field lock_fields[] = {
	FIELD(mp_lock, address, HEX),        FIELD(mp_lock, kind, NUMBER),        FIELD(mp_lock, flags, HEX),
	FIELD(mp_lock, reserved_0, NUMBER),  FIELD(mp_lock, first_stack, NUMBER), FIELD(mp_lock, first_ns, NUMBER),
	FIELD(mp_lock, retired_ns, NUMBER),  FIELD(mp_lock, alloc_stack, NUMBER), FIELD(mp_lock, alloc_offset, NUMBER),
	FIELD(mp_lock, alloc_bytes, NUMBER), FIELD(mp_lock, waiters_max, NUMBER), FIELD(mp_lock, instances, NUMBER),
	FIELD(mp_lock, hold_period, NUMBER), FIELD(mp_lock, name, NUMBER),
};

static const struct dump_field lock_name_fields[] = {
	FIELD(mp_lock_name, text, HEX),
};

static const struct dump_field lock_share_fields[] = {
	FIELD(mp_lock_share, lock, NUMBER),        FIELD(mp_lock_share, acquisitions, NUMBER),
	FIELD(mp_lock_share, contentions, NUMBER), FIELD(mp_lock_share, trylock_failures, NUMBER),
	FIELD(mp_lock_share, timeouts, NUMBER),    FIELD(mp_lock_share, wait_ns, NUMBER),
	FIELD(mp_lock_share, wait_max_ns, NUMBER), FIELD(mp_lock_share, handoff_ns, NUMBER),
};

static const struct dump_field lock_wait_fields[] = {
	FIELD(mp_lock_wait, lock, NUMBER),        FIELD(mp_lock_wait, stack, NUMBER),
	FIELD(mp_lock_wait, count, NUMBER),       FIELD(mp_lock_wait, wait_ns, NUMBER),
	FIELD(mp_lock_wait, wait_max_ns, NUMBER), FIELD(mp_lock_wait, flags, HEX),
	FIELD(mp_lock_wait, handoff_ns, NUMBER),  FIELD(mp_lock_wait, reacquire_ns, NUMBER),
	FIELD(mp_lock_wait, timeouts, NUMBER),
};

static const struct dump_field lifetime_fields[] = {
	FIELD(mp_lifetime, stack, NUMBER),     FIELD(mp_lifetime, observed, NUMBER),
	FIELD(mp_lifetime, elsewhere, NUMBER), FIELD(mp_lifetime, sum_ns, NUMBER),
	FIELD(mp_lifetime, counts[0], NUMBER), FIELD(mp_lifetime, counts[1], NUMBER),
	FIELD(mp_lifetime, counts[2], NUMBER), FIELD(mp_lifetime, counts[3], NUMBER),
	FIELD(mp_lifetime, counts[4], NUMBER), FIELD(mp_lifetime, counts[5], NUMBER),
	FIELD(mp_lifetime, counts[6], NUMBER), FIELD(mp_lifetime, counts[7], NUMBER),
	FIELD(mp_lifetime, counts[8], NUMBER), FIELD(mp_lifetime, counts[9], NUMBER),
};

static const struct dump_field lock_hist_fields[] = {
	FIELD(mp_lock_hist, lock, NUMBER),      FIELD(mp_lock_hist, what, NUMBER),
	FIELD(mp_lock_hist, octave, NUMBER),    FIELD(mp_lock_hist, cells[0], NUMBER),
	FIELD(mp_lock_hist, cells[1], NUMBER),  FIELD(mp_lock_hist, cells[2], NUMBER),
	FIELD(mp_lock_hist, cells[3], NUMBER),  FIELD(mp_lock_hist, cells[4], NUMBER),
	FIELD(mp_lock_hist, cells[5], NUMBER),  FIELD(mp_lock_hist, cells[6], NUMBER),
	FIELD(mp_lock_hist, cells[7], NUMBER),  FIELD(mp_lock_hist, cells[8], NUMBER),
	FIELD(mp_lock_hist, cells[9], NUMBER),  FIELD(mp_lock_hist, cells[10], NUMBER),
	FIELD(mp_lock_hist, cells[11], NUMBER),
};

static const struct dump_field lock_culprit_fields[] = {
	FIELD(mp_lock_culprit, lock, NUMBER),          FIELD(mp_lock_culprit, waiter_stack, NUMBER),
	FIELD(mp_lock_culprit, culprit_stack, NUMBER), FIELD(mp_lock_culprit, count, NUMBER),
	FIELD(mp_lock_culprit, wait_ns, NUMBER),       FIELD(mp_lock_culprit, running_ns, NUMBER),
	FIELD(mp_lock_culprit, approx_ns, NUMBER),
};

static const struct dump_field lock_pair_fields[] = {
	FIELD(mp_lock_pair, lock, NUMBER),        FIELD(mp_lock_pair, waiter_tid, NUMBER),
	FIELD(mp_lock_pair, culprit_tid, NUMBER), FIELD(mp_lock_pair, count, NUMBER),
	FIELD(mp_lock_pair, wait_ns, NUMBER),
};

static const struct dump_field lock_hold_fields[] = {
	FIELD(mp_lock_hold, lock, NUMBER),        FIELD(mp_lock_hold, count, NUMBER),
	FIELD(mp_lock_hold, hot_count, NUMBER),   FIELD(mp_lock_hold, ns, NUMBER),
	FIELD(mp_lock_hold, max_ns, NUMBER),      FIELD(mp_lock_hold, blocked_ns, NUMBER),
	FIELD(mp_lock_hold, alloc_count, NUMBER), FIELD(mp_lock_hold, alloc_bytes, NUMBER),
};

static const struct dump_field lock_extra_fields[] = {
	FIELD(mp_lock_extra, lock, NUMBER),
	FIELD(mp_lock_extra, shared_acquisitions, NUMBER),
	FIELD(mp_lock_extra, wakes, NUMBER),
	FIELD(mp_lock_extra, wakes_all, NUMBER),
	FIELD(mp_lock_extra, wakes_unheard, NUMBER),
	FIELD(mp_lock_extra, wakes_locked, NUMBER),
	FIELD(mp_lock_extra, reacquire_count, NUMBER),
	FIELD(mp_lock_extra, reacquire_ns, NUMBER),
};

static const struct dump_field lock_wake_fields[] = {
	FIELD(mp_lock_wake, stack, NUMBER),
	FIELD(mp_lock_wake, address, HEX),
	FIELD(mp_lock_wake, count, NUMBER),
	FIELD(mp_lock_wake, kind, NUMBER),
};

static const struct dump_field lock_order_fields[] = {
	FIELD(mp_lock_order, outer, NUMBER),       FIELD(mp_lock_order, inner, NUMBER),
	FIELD(mp_lock_order, outer_stack, NUMBER), FIELD(mp_lock_order, inner_stack, NUMBER),
	FIELD(mp_lock_order, tid, NUMBER),         FIELD(mp_lock_order, flags, NUMBER),
	FIELD(mp_lock_order, gate_count, NUMBER),  FIELD(mp_lock_order, gates[0], NUMBER),
	FIELD(mp_lock_order, gates[1], NUMBER),    FIELD(mp_lock_order, gates[2], NUMBER),
	FIELD(mp_lock_order, gates[3], NUMBER),    FIELD(mp_lock_order, count, NUMBER),
	FIELD(mp_lock_order, first_ns, NUMBER),
};

static const struct dump_field loss_fields[] = {
	FIELD(mp_loss, reason, NUMBER),
	FIELD(mp_loss, count, NUMBER),
};

static const struct dump_field leak_scan_fields[] = {
	FIELD(mp_leak_scan, number, NUMBER),
	FIELD(mp_leak_scan, result, NUMBER),
	FIELD(mp_leak_scan, trigger, NUMBER),
	FIELD(mp_leak_scan, method, NUMBER),
	FIELD(mp_leak_scan, snapshots, NUMBER),
	FIELD(mp_leak_scan, threads, NUMBER),
	FIELD(mp_leak_scan, start_ns, NUMBER),
	FIELD(mp_leak_scan, duration_ns, NUMBER),
	FIELD(mp_leak_scan, pause_ns, NUMBER),
	FIELD(mp_leak_scan, block_count, NUMBER),
	FIELD(mp_leak_scan, block_bytes, NUMBER),
	FIELD(mp_leak_scan, root_bytes, NUMBER),
	FIELD(mp_leak_scan, heap_bytes, NUMBER),
	FIELD(mp_leak_scan, skipped_bytes, NUMBER),
	FIELD(mp_leak_scan, unconfirmed_count, NUMBER),
	FIELD(mp_leak_scan, ignored_count, NUMBER),
	FIELD(mp_leak_scan, cpu_ns, NUMBER),
};

static const struct dump_field leak_fields[] = {
	FIELD(mp_leak, scan, NUMBER),       FIELD(mp_leak, leak_class, NUMBER), FIELD(mp_leak, stack, NUMBER),
	FIELD(mp_leak, owner, NUMBER),      FIELD(mp_leak, count, NUMBER),      FIELD(mp_leak, bytes, NUMBER),
	FIELD(mp_leak, held_count, NUMBER), FIELD(mp_leak, held_bytes, NUMBER), FIELD(mp_leak, cycle_count, NUMBER),
	FIELD(mp_leak, address, HEX),
};

static const struct dump_field growth_fields[] = {
	FIELD(mp_growth, time_ns, NUMBER),    FIELD(mp_growth, stack, NUMBER),      FIELD(mp_growth, cut, NUMBER),
	FIELD(mp_growth, live_bytes, NUMBER), FIELD(mp_growth, live_count, NUMBER),
};

static const struct dump_field mark_name_fields[] = {
	FIELD(mp_mark_name, text, HEX),
	FIELD(mp_mark_name, count, NUMBER),
	FIELD(mp_mark_name, stride, NUMBER),
	FIELD(mp_mark_name, last_ns, NUMBER),
};

static const struct dump_field mark_fields[] = {
	FIELD(mp_mark, time_ns, NUMBER),     FIELD(mp_mark, number, NUMBER),      FIELD(mp_mark, name, NUMBER),
	FIELD(mp_mark, flags, HEX),          FIELD(mp_mark, live_bytes, SIGNED),  FIELD(mp_mark, live_count, SIGNED),
	FIELD(mp_mark, alloc_count, NUMBER), FIELD(mp_mark, alloc_bytes, NUMBER), FIELD(mp_mark, free_count, NUMBER),
	FIELD(mp_mark, lock_wait_ns, NUMBER), FIELD(mp_mark, tid, NUMBER),
};

static const struct dump_field mark_growth_fields[] = {
	FIELD(mp_mark_growth, number, NUMBER),     FIELD(mp_mark_growth, name, NUMBER),
	FIELD(mp_mark_growth, stack, NUMBER),      FIELD(mp_mark_growth, cut, NUMBER),
	FIELD(mp_mark_growth, live_bytes, SIGNED), FIELD(mp_mark_growth, live_count, SIGNED),
};

static const struct dump_field option_fields[] = {
	FIELD(mp_option, name, HEX),
	FIELD(mp_option, value, HEX),
};

static const struct dump_field verify_fields[] = {
	FIELD(mp_verify, kind, NUMBER),   FIELD(mp_verify, count, NUMBER), FIELD(mp_verify, stack, NUMBER),
	FIELD(mp_verify, frames, NUMBER), FIELD(mp_verify, ours, HEX),     FIELD(mp_verify, theirs, HEX),
};

static const struct dump_field symbol_fields[] = {
	FIELD(mp_symbol, ip, HEX),       FIELD(mp_symbol, module, NUMBER), FIELD(mp_symbol, line, NUMBER),
	FIELD(mp_symbol, function, HEX), FIELD(mp_symbol, file, HEX),      FIELD(mp_symbol, depth, NUMBER),
	FIELD(mp_symbol, flags, HEX),
};

#define FIELDS(table, key_index)                                   \
	{                                                          \
		table, sizeof(table) / sizeof(*(table)), key_index \
	}

const struct dump_fields *dump_header_fields(void)
{
	static const struct dump_fields fields = FIELDS(header_fields, 0);

	return &fields;
}

const struct dump_fields *dump_row_fields(uint32_t kind)
{
	static const struct dump_fields kinds[] = {
		[MP_CHUNK_NODE] = FIELDS(node_fields, 0),
		[MP_CHUNK_SITE] = FIELDS(site_fields, 0),
		[MP_CHUNK_THREAD] = FIELDS(thread_fields, 0),
		[MP_CHUNK_FREE_PAIR] = FIELDS(free_pair_fields, 0),
		[MP_CHUNK_MODULE] = FIELDS(module_fields, 0),
		[MP_CHUNK_TIMELINE] = FIELDS(tick_fields, 0),
		[MP_CHUNK_LOCK] = FIELDS(lock_fields, 0),
		[MP_CHUNK_LOCK_NAME] = FIELDS(lock_name_fields, 0),
		[MP_CHUNK_LOCK_SHARE] = FIELDS(lock_share_fields, 0),
		[MP_CHUNK_LOCK_WAIT] = FIELDS(lock_wait_fields, 1),
		[MP_CHUNK_LOSS] = FIELDS(loss_fields, 0),
		[MP_CHUNK_OPTION] = FIELDS(option_fields, 0),
		[MP_CHUNK_VERIFY] = FIELDS(verify_fields, 0),
		[MP_CHUNK_SITE_SAMPLE] = FIELDS(site_sample_fields, 0),
		[MP_CHUNK_LOCK_HIST] = FIELDS(lock_hist_fields, 0),
		[MP_CHUNK_LOCK_CULPRIT] = FIELDS(lock_culprit_fields, 0),
		[MP_CHUNK_LOCK_PAIR] = FIELDS(lock_pair_fields, 0),
		[MP_CHUNK_LOCK_HOLD] = FIELDS(lock_hold_fields, 0),
		[MP_CHUNK_LOCK_EXTRA] = FIELDS(lock_extra_fields, 0),
		[MP_CHUNK_LOCK_WAKE] = FIELDS(lock_wake_fields, 0),
		[MP_CHUNK_LOCK_ORDER] = FIELDS(lock_order_fields, 1),
		[MP_CHUNK_LEAK_SCAN] = FIELDS(leak_scan_fields, 0),
		[MP_CHUNK_LEAK] = FIELDS(leak_fields, 1),
		[MP_CHUNK_GROWTH] = FIELDS(growth_fields, 0),
		[MP_CHUNK_MARK_NAME] = FIELDS(mark_name_fields, 0),
		[MP_CHUNK_MARK] = FIELDS(mark_fields, 0),
		[MP_CHUNK_MARK_GROWTH] = FIELDS(mark_growth_fields, 0),
		[MP_CHUNK_LIFETIME] = FIELDS(lifetime_fields, 0),
		[MP_CHUNK_SYMBOL] = FIELDS(symbol_fields, 0),
	};

	return kind < sizeof(kinds) / sizeof(*kinds) && kinds[kind].count > 0 ? &kinds[kind] : NULL;
}

static uint64_t get_number(const struct dump_field *field, const uint8_t *bytes)
{
	uint64_t wide = 0;
	uint32_t narrow = 0;

	if (field->bytes == sizeof(narrow)) {
		memcpy(&narrow, bytes + field->offset, sizeof(narrow));
		return field->form == FIELD_SIGNED ? (uint64_t)(int64_t)(int32_t)narrow : narrow;
	}
	memcpy(&wide, bytes + field->offset, sizeof(wide));
	return wide;
}

bool dump_row_used(const struct dump_fields *fields, const uint8_t *bytes)
{
	return get_number(&fields->list[fields->key], bytes) != 0;
}

void dump_print_field(const struct dump_field *field, const uint8_t *bytes, FILE *out)
{
	const uint8_t *at = bytes + field->offset;
	double real;

	switch (field->form) {
	case FIELD_NUMBER:
		fprintf(out, "%" PRIu64, get_number(field, bytes));
		break;
	case FIELD_SIGNED:
		fprintf(out, "%" PRId64, (int64_t)get_number(field, bytes));
		break;
	case FIELD_HEX:
		fprintf(out, "0x%" PRIx64, get_number(field, bytes));
		break;
	case FIELD_TEXT:
		fputc('"', out);
		for (size_t i = 0; i < field->bytes && at[i]; i++)
			fputc(at[i] >= 0x20 && at[i] < 0x7f && at[i] != '"' ? at[i] : '?', out);
		fputc('"', out);
		break;
	case FIELD_BYTES:
		for (size_t i = 0; i < field->bytes; i++)
			fprintf(out, "%02x", at[i]);
		break;
	case FIELD_REAL:
		memcpy(&real, at, sizeof(real));
		fprintf(out, "%g", real);
		break;
	}
}
