/* SPDX-License-Identifier: MIT */
/*
 * An SQLite database. The schema below is documented in the manual page, with its units; grow it freely, but do not
 * rename or drop. It is built in memory as one block, which is the file.
 */
#include <inttypes.h>
#include <sqlite3.h>
#include <string.h>

#include "export.h"
#include "export_tree.h"
#include "free_pairs.h"
#include "growth_view.h"
#include "leak_class.h"
#include "leak_view.h"
#include "stack_view.h"

#define SCHEMA_VERSION "1"

static const char schema[] =
	"CREATE TABLE dump(id INTEGER PRIMARY KEY, path TEXT, pid INTEGER, parent_pid INTEGER, exe TEXT, command TEXT,"
	" cwd TEXT, hostname TEXT, start_realtime_ns INTEGER, duration_ns INTEGER, ended TEXT, end_status INTEGER,"
	" mode TEXT, sample_bytes INTEGER, partial INTEGER NOT NULL, alloc_count INTEGER NOT NULL,"
	" alloc_bytes INTEGER NOT NULL, free_count INTEGER NOT NULL, free_bytes INTEGER NOT NULL,"
	" live_count INTEGER NOT NULL, live_bytes INTEGER NOT NULL, peak_count INTEGER NOT NULL,"
	" peak_bytes INTEGER NOT NULL, peak_time_ns INTEGER, temporary_count INTEGER NOT NULL,"
	" realloc_count INTEGER NOT NULL, remark TEXT NOT NULL);"
	"CREATE TABLE place(id INTEGER PRIMARY KEY, dump INTEGER NOT NULL REFERENCES dump, module TEXT, address "
	"INTEGER,"
	" offset INTEGER);"
	"CREATE TABLE frame(place INTEGER NOT NULL REFERENCES place, depth INTEGER NOT NULL, function TEXT, file TEXT,"
	" line INTEGER, inlined INTEGER NOT NULL, name TEXT NOT NULL, PRIMARY KEY(place, depth)) WITHOUT ROWID;"
	"CREATE TABLE node(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES node, place INTEGER NOT NULL REFERENCES"
	" place);"
	"CREATE TABLE site(id INTEGER PRIMARY KEY, dump INTEGER NOT NULL REFERENCES dump, stack INTEGER NOT NULL,"
	" node INTEGER NOT NULL REFERENCES node, alloc_count INTEGER NOT NULL, alloc_bytes INTEGER NOT NULL,"
	" free_count INTEGER NOT NULL, free_bytes INTEGER NOT NULL, live_count INTEGER NOT NULL,"
	" live_bytes INTEGER NOT NULL, peak_count INTEGER NOT NULL, peak_bytes INTEGER NOT NULL,"
	" temporary_count INTEGER NOT NULL, realloc_count INTEGER NOT NULL, alloc_bytes_stderr INTEGER,"
	" live_bytes_stderr INTEGER, peak_bytes_stderr INTEGER);"
	"CREATE TABLE leak_scan(dump INTEGER NOT NULL REFERENCES dump, number INTEGER NOT NULL,"
	" counts INTEGER NOT NULL, why_not TEXT, trigger TEXT, method TEXT, time_ns INTEGER,"
	" duration_ns INTEGER, pause_ns INTEGER, cpu_ns INTEGER, snapshots INTEGER, threads INTEGER,"
	" block_count INTEGER, block_bytes INTEGER,"
	" root_bytes INTEGER, heap_bytes INTEGER, skipped_bytes INTEGER, unconfirmed_count INTEGER,"
	" ignored_count INTEGER, PRIMARY KEY(dump, number)) WITHOUT ROWID;"
	"CREATE TABLE leak(dump INTEGER NOT NULL REFERENCES dump, class TEXT NOT NULL, stack INTEGER NOT NULL,"
	" node INTEGER NOT NULL REFERENCES node, owner INTEGER REFERENCES node, count INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, indirect_count INTEGER NOT NULL, indirect_bytes INTEGER NOT NULL,"
	" cycle_count INTEGER NOT NULL);"
	"CREATE TABLE growth(dump INTEGER NOT NULL REFERENCES dump, stack INTEGER NOT NULL, node INTEGER NOT NULL"
	" REFERENCES node, bytes_per_s REAL NOT NULL, bytes_per_s_low REAL NOT NULL, blocks_per_s REAL NOT NULL,"
	" score REAL NOT NULL, grown_bytes INTEGER NOT NULL, live_bytes INTEGER NOT NULL, live_count INTEGER NOT NULL);"
	"CREATE TABLE lock(id INTEGER PRIMARY KEY, dump INTEGER NOT NULL REFERENCES dump, number INTEGER NOT NULL,"
	" kind TEXT, category TEXT, name TEXT, address INTEGER NOT NULL, acquisitions INTEGER,"
	" contentions INTEGER NOT NULL, trylock_failures INTEGER NOT NULL, timeouts INTEGER NOT NULL,"
	" wait_ns INTEGER NOT NULL, wait_max_ns INTEGER NOT NULL);"
	"CREATE TABLE lock_wait(lock INTEGER NOT NULL REFERENCES lock, node INTEGER NOT NULL REFERENCES node,"
	" count INTEGER NOT NULL, wait_ns INTEGER NOT NULL, wait_max_ns INTEGER NOT NULL);"
	"CREATE TABLE thread(dump INTEGER NOT NULL REFERENCES dump, tid INTEGER, threads INTEGER NOT NULL, name TEXT,"
	" start_ns INTEGER, end_ns INTEGER, alloc_count INTEGER NOT NULL, alloc_bytes INTEGER NOT NULL,"
	" free_count INTEGER NOT NULL, free_bytes INTEGER NOT NULL, lock_wait_ns INTEGER NOT NULL);"
	"CREATE TABLE realloc(site INTEGER NOT NULL REFERENCES site"
#define X(field) ", " #field " INTEGER NOT NULL"
	REALLOC_NUMBERS(X) ");"
#undef X
	"CREATE TABLE free_pair(dump INTEGER NOT NULL REFERENCES dump, alloc_tid INTEGER, alloc_name TEXT,"
	" alloc_threads INTEGER, free_tid INTEGER, free_name TEXT, free_threads INTEGER, count INTEGER NOT NULL,"
	" bytes INTEGER NOT NULL, count_stderr INTEGER, bytes_stderr INTEGER);"
	"CREATE TABLE timeline(dump INTEGER NOT NULL REFERENCES dump, time_ns INTEGER NOT NULL, live_bytes INTEGER"
	" NOT NULL, rss_bytes INTEGER, alloc_count INTEGER NOT NULL, alloc_bytes INTEGER NOT NULL,"
	" free_count INTEGER NOT NULL, lock_wait_ns INTEGER NOT NULL);"
	"CREATE TABLE loss(dump INTEGER NOT NULL REFERENCES dump, reason TEXT NOT NULL, count INTEGER NOT NULL);"
	"CREATE VIEW stack(node, depth, inline_depth, name, file, line, module) AS"
	" WITH RECURSIVE up(leaf, node, depth) AS (SELECT id, id, 0 FROM node UNION ALL"
	" SELECT up.leaf, node.parent, up.depth + 1 FROM up JOIN node ON node.id = up.node WHERE node.parent IS NOT "
	"NULL)"
	" SELECT up.leaf, up.depth, frame.depth, frame.name, frame.file, frame.line, place.module FROM up"
	" JOIN node ON node.id = up.node JOIN place ON place.id = node.place JOIN frame ON frame.place = place.id"
	" ORDER BY up.leaf, up.depth, frame.depth;"
	"CREATE VIEW site_place AS SELECT site.*, frame.name, frame.file, frame.line FROM site"
	" JOIN node ON node.id = site.node JOIN frame ON frame.place = node.place AND frame.depth = 0;"
	"CREATE VIEW leak_place AS SELECT leak.*, frame.name, frame.file, frame.line FROM leak"
	" JOIN node ON node.id = leak.node JOIN frame ON frame.place = node.place AND frame.depth = 0;"
	"PRAGMA user_version = " SCHEMA_VERSION ";";

struct database {
	sqlite3 *db;
	sqlite3_stmt *statement; /* of the rows being written */
	int next;                /* parameter */
	int failed;              /* the first result code that is not good */
	const struct report *report;
	struct export_tree tree;
	struct leak_view leaks;
	struct growth_view growth;
	int64_t dump;
	int64_t place_count, node_count, site_count, lock_count; /* ids of all dumps before this one */
};

static void check(struct database *d, int result)
{
	if (d->failed == SQLITE_OK && result != SQLITE_OK && result != SQLITE_DONE)
		d->failed = result;
}

static void run(struct database *d, const char *sql)
{
	if (d->failed == SQLITE_OK)
		check(d, sqlite3_exec(d->db, sql, NULL, NULL, NULL));
}

/* Rows: begin_table(), then per row its fields in order and end_row(), then end_table(). */

static void begin_table(struct database *d, const char *table, int fields)
{
	char sql[512];
	size_t used = (size_t)snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES(", table);

	for (int i = 0; i < fields; i++)
		used += (size_t)snprintf(sql + used, sizeof(sql) - used, i > 0 ? ",?" : "?");
	snprintf(sql + used, sizeof(sql) - used, ")");
	d->statement = NULL;
	d->next = 1;
	if (d->failed == SQLITE_OK)
		check(d, sqlite3_prepare_v2(d->db, sql, -1, &d->statement, NULL));
}

static void number(struct database *d, int64_t value)
{
	if (d->statement)
		check(d, sqlite3_bind_int64(d->statement, d->next++, value));
}

static void real(struct database *d, double value)
{
	if (d->statement)
		check(d, sqlite3_bind_double(d->statement, d->next++, value));
}

static void number_or_null(struct database *d, int64_t value, bool known)
{
	if (known)
		number(d, value);
	else
		d->next++; /* parameters are null until bound */
}

static void text(struct database *d, const char *value)
{
	if (d->statement && value)
		check(d, sqlite3_bind_text(d->statement, d->next, value, -1, SQLITE_STATIC));
	d->next++;
}

static void since_start(struct database *d, uint64_t time_ns)
{
	uint64_t start_ns = d->report->profile->process.start_ns;

	number_or_null(d, (int64_t)(time_ns - start_ns), time_ns != 0 && time_ns >= start_ns);
}

static void end_row(struct database *d)
{
	d->next = 1;
	if (!d->statement || d->failed != SQLITE_OK)
		return;
	check(d, sqlite3_step(d->statement));
	check(d, sqlite3_reset(d->statement));
	check(d, sqlite3_clear_bindings(d->statement));
}

static void end_table(struct database *d)
{
	sqlite3_finalize(d->statement);
	d->statement = NULL;
}

static void write_dump(struct database *d)
{
	const struct profile *profile = d->report->profile;
	const struct profile_process *process = &profile->process;
	const struct site *totals = &d->report->aggregate->totals;
	bool has_status = process->ended == PROFILE_ENDED_EXIT || process->ended == PROFILE_ENDED_SIGNAL;
	char remark[EXPORT_REMARK_BYTES];
	char *command = export_command(profile);

	begin_table(d, "dump", 27);
	number(d, d->dump);
	text(d, profile->path);
	number(d, process->pid);
	number(d, process->parent_pid);
	text(d, process->exe);
	text(d, process->argc > 0 ? command : NULL);
	text(d, process->cwd);
	text(d, process->hostname);
	number(d, (int64_t)process->start_realtime_ns);
	number(d, (int64_t)profile_duration_ns(profile));
	text(d, profile_ended_name(process->ended));
	number_or_null(d, process->end_status, has_status);
	text(d, profile_mode_name(process->mode));
	number_or_null(d, (int64_t)process->sample_bytes, profile_is_sampled(profile));
	number(d, profile->partial);
	number(d, (int64_t)totals->alloc_count);
	number(d, (int64_t)totals->alloc_bytes);
	number(d, (int64_t)totals->free_count);
	number(d, (int64_t)totals->free_bytes);
	number(d, totals->live_count);
	number(d, totals->live_bytes);
	number(d, (int64_t)profile->peak_count);
	number(d, (int64_t)profile->peak_bytes);
	number_or_null(d, (int64_t)(profile->peak_ns - process->start_ns), profile->peak_ns >= process->start_ns);
	number(d, (int64_t)totals->temporary_count);
	number(d, (int64_t)totals->realloc_count);
	text(d, export_remark(d->report, remark, sizeof(remark)));
	end_row(d);
	end_table(d);
	free(command);
}

static void write_places(struct database *d)
{
	begin_table(d, "place", 5);
	for (size_t i = 0; i < d->tree.places.count; i++) {
		const struct export_place *place = &d->tree.places.list[i];
		const struct frame *frame = &place->frames[0];

		number(d, d->place_count + (int64_t)i + 1);
		number(d, d->dump);
		text(d, frame->module);
		number_or_null(d, (int64_t)place->pc, place->pc != 0);
		number_or_null(d, (int64_t)frame->offset, frame->module != NULL);
		end_row(d);
	}
	end_table(d);
	begin_table(d, "frame", 7);
	for (size_t i = 0; i < d->tree.places.count; i++) {
		const struct export_place *place = &d->tree.places.list[i];

		for (size_t j = 0; j < place->count; j++) {
			const struct frame *frame = &place->frames[j];
			char buffer[256];

			number(d, d->place_count + (int64_t)i + 1);
			number(d, (int64_t)j);
			text(d, frame->function);
			text(d, frame->file);
			number_or_null(d, frame->line, frame->line != 0);
			number(d, frame->inlined);
			text(d, stack_view_name(frame, buffer, sizeof(buffer)));
			end_row(d);
		}
	}
	end_table(d);
}

static void write_nodes(struct database *d)
{
	begin_table(d, "node", 3);
	for (size_t i = 1; i < d->tree.nodes.count; i++) {
		const struct export_node *node = &d->tree.nodes.list[i];

		number(d, d->node_count + (int64_t)i);
		number_or_null(d, d->node_count + node->parent, node->parent != 0);
		number(d, d->place_count + node->place + 1);
		end_row(d);
	}
	end_table(d);
}

static void write_sites(struct database *d)
{
	bool sampled = profile_is_sampled(d->report->profile);

	begin_table(d, "site", 17);
	for (size_t i = 0; i < d->report->site_count; i++) {
		const struct site *site = d->report->sites[i];

		number(d, d->site_count + (int64_t)i + 1);
		number(d, d->dump);
		number(d, site->stack);
		number(d, d->node_count + export_tree_node(&d->tree, site->stack));
		number(d, (int64_t)site->alloc_count);
		number(d, (int64_t)site->alloc_bytes);
		number(d, (int64_t)site->free_count);
		number(d, (int64_t)site->free_bytes);
		number(d, site->live_count);
		number(d, site->live_bytes);
		number(d, site->peak_count);
		number(d, site->peak_bytes);
		number(d, (int64_t)site->temporary_count);
		number(d, (int64_t)site->realloc_count);
		number_or_null(d, (int64_t)site_error(site->alloc_bytes_var), sampled);
		number_or_null(d, (int64_t)site_error(site->alloc_bytes_var - site->free_bytes_var), sampled);
		number_or_null(d, (int64_t)site_error(site->peak_bytes_var), sampled);
		end_row(d);
	}
	end_table(d);
}

/* Where the scan did not come to an end, what it counted is not known. */
static void write_scan(struct database *d, const struct mp_leak_scan *row, bool counts)
{
	bool ran = row->result == MP_SCAN_RESULT_DONE;
	const char *why = profile_scan_result_text(row->result);

	number(d, d->dump);
	number(d, row->number);
	number(d, counts);
	text(d, ran ? NULL : why ? why : "unknown");
	text(d, profile_scan_trigger_name(row->trigger));
	text(d, ran ? profile_scan_method_name(row->method) : NULL);
	since_start(d, row->start_ns);
	number_or_null(d, (int64_t)row->duration_ns, ran);
	number_or_null(d, (int64_t)row->pause_ns, ran);
	number_or_null(d, (int64_t)row->cpu_ns, ran && row->cpu_ns != 0);
	number_or_null(d, row->snapshots, ran);
	number_or_null(d, row->threads, ran);
	number_or_null(d, (int64_t)row->block_count, ran);
	number_or_null(d, (int64_t)row->block_bytes, ran);
	number_or_null(d, (int64_t)row->root_bytes, ran);
	number_or_null(d, (int64_t)row->heap_bytes, ran);
	number_or_null(d, (int64_t)row->skipped_bytes, ran);
	number_or_null(d, (int64_t)row->unconfirmed_count, ran);
	number_or_null(d, (int64_t)row->ignored_count, ran);
	end_row(d);
}

static bool is_selected(const struct database *d, uint32_t stack)
{
	return !d->report->filter || filter_matches_stack(d->report->filter, stack);
}

static void write_leaks(struct database *d)
{
	const struct profile *profile = d->report->profile;

	begin_table(d, "leak_scan", 19);
	for (size_t i = 0; i < profile->leak_scan_count; i++)
		write_scan(d, &profile->leak_scans[i], &profile->leak_scans[i] == d->leaks.scan.row);
	end_table(d);
	begin_table(d, "leak", 10);
	for (size_t i = 0; i < d->leaks.leak_count; i++) {
		const struct leak *leak = &d->leaks.leaks[i];

		if (!is_selected(d, leak->stack))
			continue;
		number(d, d->dump);
		text(d, leak_class_word(leak->leak_class));
		number(d, leak->stack);
		number(d, d->node_count + export_tree_node(&d->tree, leak->stack));
		number_or_null(d, leak->owner ? d->node_count + export_tree_node(&d->tree, leak->owner) : 0,
			       leak->owner != 0);
		number(d, (int64_t)leak->count);
		number(d, (int64_t)leak->bytes);
		number(d, (int64_t)leak->held_count);
		number(d, (int64_t)leak->held_bytes);
		number(d, (int64_t)leak->cycle_count);
		end_row(d);
	}
	end_table(d);
	begin_table(d, "growth", 10);
	for (size_t i = 0; i < d->growth.count; i++) {
		const struct growth *growth = &d->growth.list[i];

		if (!is_selected(d, growth->stack))
			continue;
		number(d, d->dump);
		number(d, growth->stack);
		number(d, d->node_count + export_tree_node(&d->tree, growth->stack));
		real(d, growth->bytes_per_s);
		real(d, growth->bytes_per_s_low);
		real(d, growth->blocks_per_s);
		real(d, growth->score);
		number(d, (int64_t)growth->grown_bytes);
		number(d, (int64_t)growth->live_bytes);
		number(d, (int64_t)growth->live_count);
		end_row(d);
	}
	end_table(d);
}

static void write_locks(struct database *d)
{
	const struct report *report = d->report;

	begin_table(d, "lock", 13);
	for (size_t i = 0; i < report->lock_count; i++) {
		const struct lock_class *lock = report->locks[i];

		number(d, d->lock_count + (int64_t)i + 1);
		number(d, d->dump);
		number(d, lock->id);
		text(d, profile_lock_kind_name(lock->kind));
		text(d, lock->category);
		text(d, lock->name);
		number(d, (int64_t)lock->rows[0]->lock->row.address);
		number_or_null(d, (int64_t)lock->acquisitions, lock->counted);
		number(d, (int64_t)lock->contentions);
		number(d, (int64_t)lock->trylock_failures);
		number(d, (int64_t)lock->timeouts);
		number(d, (int64_t)lock->wait_ns);
		number(d, (int64_t)lock->wait_max_ns);
		end_row(d);
	}
	end_table(d);
	begin_table(d, "lock_wait", 5);
	for (size_t i = 0; i < report->lock_count; i++) {
		for (size_t j = 0; j < report->locks[i]->waiter_count; j++) {
			const struct lock_waiter *waiter = &report->locks[i]->waiters[j];

			number(d, d->lock_count + (int64_t)i + 1);
			number(d, d->node_count + export_tree_node(&d->tree, waiter->stack));
			number(d, (int64_t)waiter->count);
			number(d, (int64_t)waiter->wait_ns);
			number(d, (int64_t)waiter->wait_max_ns);
			end_row(d);
		}
	}
	end_table(d);
}

/* Beside the table of sites, whose ids it uses. */
static void write_reallocs(struct database *d)
{
	begin_table(d, "realloc", 10);
	for (size_t i = 0; i < d->report->site_count; i++) {
		const struct realloc_sum *sum = d->report->sites[i]->reallocs;

		if (!sum)
			continue;
		number(d, d->site_count + (int64_t)i + 1);
#define X(field) number(d, (int64_t)sum->field);
		REALLOC_NUMBERS(X)
#undef X
		end_row(d);
	}
	end_table(d);
}

static void write_threads(struct database *d)
{
	const struct profile *profile = d->report->profile;

	begin_table(d, "thread", 11);
	for (size_t i = 0; i < profile->thread_count; i++) {
		const struct mp_thread *row = &profile->threads[i];

		number(d, d->dump);
		number_or_null(d, row->tid, row->tid != 0);
		number(d, row->threads);
		text(d, row->name);
		since_start(d, row->start_ns);
		since_start(d, row->end_ns);
		number(d, (int64_t)row->alloc_count);
		number(d, (int64_t)row->alloc_bytes);
		number(d, (int64_t)row->free_count);
		number(d, (int64_t)row->free_bytes);
		number(d, (int64_t)row->lock_wait_ns);
		end_row(d);
	}
	end_table(d);
}

static void party(struct database *d, const struct free_party *party)
{
	bool one = party->row && party->threads == 1 && party->row->tid;

	number_or_null(d, one ? party->row->tid : 0, one);
	text(d, party->row ? party->row->name : NULL);
	number_or_null(d, party->threads, party->threads > 0);
}

static void write_free_pairs(struct database *d)
{
	bool sampled = profile_is_sampled(d->report->profile);
	struct free_pairs pairs;

	free_pairs_init(&pairs, d->report->profile);
	begin_table(d, "free_pair", 11);
	for (size_t i = 0; i < pairs.count; i++) {
		number(d, d->dump);
		party(d, &pairs.list[i].allocated_by);
		party(d, &pairs.list[i].freed_by);
		number(d, (int64_t)pairs.list[i].count);
		number(d, (int64_t)pairs.list[i].bytes);
		number_or_null(d, (int64_t)site_error(pairs.list[i].count_var), sampled);
		number_or_null(d, (int64_t)site_error(pairs.list[i].bytes_var), sampled);
		end_row(d);
	}
	end_table(d);
	free_pairs_free(&pairs);
}

static void write_timeline(struct database *d)
{
	const struct profile *profile = d->report->profile;

	begin_table(d, "timeline", 8);
	for (size_t i = 0; i < profile->tick_count; i++) {
		const struct mp_tick *tick = &profile->ticks[i];

		number(d, d->dump);
		since_start(d, tick->time_ns);
		number(d, tick->live_bytes);
		number_or_null(d, (int64_t)tick->rss_bytes, tick->rss_bytes != 0);
		number(d, (int64_t)tick->alloc_count);
		number(d, (int64_t)tick->alloc_bytes);
		number(d, (int64_t)tick->free_count);
		number(d, (int64_t)tick->lock_wait_ns);
		end_row(d);
	}
	end_table(d);
	begin_table(d, "loss", 3);
	for (size_t i = 0; i < profile->loss_count; i++) {
		const char *name = profile_loss_name(profile->losses[i].reason);
		char unknown[40];

		snprintf(unknown, sizeof(unknown), "reason_%" PRIu64, profile->losses[i].reason);
		number(d, d->dump);
		text(d, name ? name : unknown);
		number(d, (int64_t)profile->losses[i].count);
		end_row(d);
	}
	end_table(d);
}

/* Places and nodes are written first, so everything that other rows will name must be in the tree. */
static void init_tree(struct database *d)
{
	const struct report *report = d->report;

	export_tree_init(&d->tree, report, EXPORT_ALL);
	leak_view_init(&d->leaks, report->profile, report->aggregate);
	growth_view_init(&d->growth, report->profile);
	for (size_t i = 0; i < d->leaks.leak_count; i++) {
		const struct leak *leak = &d->leaks.leaks[i];

		if (!is_selected(d, leak->stack))
			continue;
		export_tree_node(&d->tree, leak->stack);
		if (leak->owner)
			export_tree_node(&d->tree, leak->owner);
	}
	for (size_t i = 0; i < d->growth.count; i++) {
		if (is_selected(d, d->growth.list[i].stack))
			export_tree_node(&d->tree, d->growth.list[i].stack);
	}
}

static void write_report(struct database *d, const struct report *report)
{
	d->report = report;
	d->dump++;
	init_tree(d);
	write_dump(d);
	write_places(d);
	write_nodes(d);
	write_sites(d);
	write_reallocs(d);
	write_leaks(d);
	write_locks(d);
	write_threads(d);
	write_free_pairs(d);
	write_timeline(d);
	d->place_count += (int64_t)d->tree.places.count;
	d->node_count += (int64_t)d->tree.nodes.count;
	d->site_count += (int64_t)report->site_count;
	d->lock_count += (int64_t)report->lock_count;
	export_tree_free(&d->tree);
	leak_view_free(&d->leaks);
	growth_view_free(&d->growth);
}

/* An in-memory database that is one block, as an emptied one that was read from a block is; without size limit. */
static void open_database(struct database *d)
{
	sqlite3_int64 limit = INT64_MAX / 2;

	check(d, sqlite3_open_v2(":memory:", &d->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL));
	if (d->failed == SQLITE_OK)
		check(d, sqlite3_deserialize(d->db, "main", NULL, 0, 0,
					     SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE));
	if (d->failed == SQLITE_OK)
		sqlite3_file_control(d->db, "main", SQLITE_FCNTL_SIZE_LIMIT, &limit);
}

bool export_sqlite(const struct export *export, struct err *err)
{
	struct database d = { 0 };
	sqlite3_int64 size = 0;
	unsigned char *bytes = NULL;

	open_database(&d);
	run(&d, "PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; BEGIN");
	run(&d, schema);
	for (size_t i = 0; i < export->count && d.failed == SQLITE_OK; i++)
		write_report(&d, export->reports[i]);
	run(&d, "COMMIT");
	if (d.failed == SQLITE_OK)
		bytes = sqlite3_serialize(d.db, "main", &size, SQLITE_SERIALIZE_NOCOPY);
	if (bytes)
		fwrite(bytes, 1, (size_t)size, export->out);
	else
		err_set(err, NULL, ERR_NO_OFFSET, "cannot build the database: %s",
			sqlite3_errstr(d.failed ? d.failed : SQLITE_NOMEM));
	sqlite3_close(d.db);
	return bytes != NULL;
}
