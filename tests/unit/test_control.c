/* SPDX-License-Identifier: MIT */
/* Unit tests of how a process obeys commands, whatever a sender does to the letter box meanwhile. */
#include "control.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "preload_doubles.h"
#include "unit_util.h"

Suite *suite_control(void);

static struct thread self = { .tid = 4711, .state = THREAD_LIVE };
static struct mp_control *box;

static void setup(void)
{
	preload_new_dump(16ull << 20);
	opt.control = 1;
	opt.control_signal = 0;
	thread_pause_all(false);
	control_init();
	preload_calls = (struct preload_calls){ 0 };
	preload_verdict = 0;
	preload_while_searching = NULL;
	box = &dump_header()->control;
}

static void put(uint32_t command, const char *text)
{
	box->command = command;
	snprintf(box->text, sizeof(box->text), "%s", text);
	box->request++;
}

static void send_one(uint32_t command, const char *text)
{
	put(command, text);
	ck_assert(control_pending());
	control_answer(&self, NULL);
	ck_assert(!control_pending());
	ck_assert_uint_eq(box->answer, box->request);
	ck_assert_uint_eq(dump_header()->control_taken, box->request);
	ck_assert_uint_ne(box->answer_ns, 0);
}

static unsigned marks(const char *text)
{
	const struct mp_chunk *chunk = preload_chunk(MP_CHUNK_MARK_NAME, 0);
	const struct mp_mark_name *names = (const void *)(chunk + 1);

	for (uint64_t i = 0; chunk && i < chunk->rows && names[i].text; i++) {
		const struct mp_string *string = (const void *)(dump_base + names[i].text);

		if (string->bytes == strlen(text) && memcmp(string->text, text, string->bytes) == 0)
			return (unsigned)names[i].count;
	}
	return 0;
}

START_TEST(commands_are_obeyed)
{
	send_one(MP_CONTROL_status, "");
	ck_assert_uint_eq(box->result, MP_CONTROL_DONE);
	send_one(MP_CONTROL_mark, "half way");
	ck_assert_uint_eq(box->result, MP_CONTROL_DONE);
	ck_assert_uint_eq(marks("half way"), 1);
	preload_verdict = 3;
	send_one(MP_CONTROL_leaks, "");
	ck_assert_uint_eq(box->result, MP_CONTROL_DONE);
	ck_assert_int_eq(box->value, 3);
	ck_assert_uint_eq(preload_calls.trigger, MP_SCAN_CONTROL);
	preload_verdict = -1;
	send_one(MP_CONTROL_snapshot, "");
	ck_assert_uint_eq(box->result, MP_CONTROL_NO_VERDICT);
	ck_assert_uint_eq(marks("snapshot"), 1);
	ck_assert_uint_eq(preload_calls.flushes, 1);
	ck_assert_uint_eq(preload_calls.name_refreshes, 1);
	ck_assert_uint_eq(preload_calls.last_ticks, 1);
	send_one(MP_CONTROL_snapshot, "named");
	ck_assert_uint_eq(marks("named"), 1);
}
END_TEST

START_TEST(recording_goes_off_and_on)
{
	struct mp_header *h = dump_header();

	send_one(MP_CONTROL_off, "");
	ck_assert(thread_all_paused());
	ck_assert_uint_ne(h->paused_since_ns, 0);
	ck_assert_uint_eq(h->paused_count, 1);
	send_one(MP_CONTROL_off, ""); /* is off already */
	ck_assert_uint_eq(h->paused_count, 1);
	ck_assert_uint_eq(marks("recording off"), 1);
	send_one(MP_CONTROL_on, "");
	ck_assert(!thread_all_paused());
	ck_assert_uint_eq(h->paused_since_ns, 0);
	ck_assert_uint_ne(h->paused_ns, 0);
	ck_assert_uint_eq(marks("recording on"), 1);
}
END_TEST

START_TEST(a_dormant_process_begins_off)
{
	thread_pause_all(true);
	dump_header()->start_ns = 42;
	control_init();
	ck_assert_uint_eq(dump_header()->paused_since_ns, 42);
	ck_assert_uint_eq(dump_header()->paused_count, 1);
	send_one(MP_CONTROL_on, "");
	ck_assert(!thread_all_paused());
}
END_TEST

/* 0 is what a sender leaves that has given up. */
START_TEST(what_is_no_command_changes_nothing)
{
	static const uint32_t numbers[] = { 0, 7, 99, UINT32_MAX };

	for (size_t i = 0; i < UNIT_LENGTH(numbers); i++) {
		send_one(numbers[i], "text");
		ck_assert_uint_eq(box->result, MP_CONTROL_UNKNOWN);
	}
	ck_assert_uint_eq(preload_calls.searches, 0);
	ck_assert_uint_eq(marks("text"), 0);
	ck_assert(!thread_all_paused());
}
END_TEST

START_TEST(a_text_without_an_end_is_cut)
{
	char text[MP_CONTROL_TEXT_BYTES];

	box->command = MP_CONTROL_mark;
	memset(box->text, 'x', sizeof(box->text));
	box->request++;
	control_answer(&self, NULL);
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	ck_assert_uint_eq(marks(text), 1);
}
END_TEST

START_TEST(a_shut_box_takes_nothing)
{
	opt.control = 0;
	control_init();
	put(MP_CONTROL_mark, "refused");
	control_answer(&self, NULL);
	ck_assert_uint_eq(box->answer, 0);
	ck_assert_uint_eq(dump_header()->control_taken, 0);
	ck_assert_uint_eq(marks("refused"), 0);
}
END_TEST

/* A sender gives up while the process is at its command, and the next one sends another. */
static void give_up_and_send(void)
{
	preload_while_searching = NULL;
	box->command = 0;
	box->command = 0;
	box->request++;
	put(MP_CONTROL_mark, "next");
	control_answer(&self, NULL); /* from a signal handler, or another thread: this one is at it */
	ck_assert_uint_eq(marks("next"), 0);
}

START_TEST(a_command_is_obeyed_once)
{
	preload_while_searching = give_up_and_send;
	put(MP_CONTROL_leaks, "");
	control_answer(&self, NULL);
	ck_assert_uint_eq(preload_calls.searches, 1);
	ck_assert(control_pending());
	control_answer(&self, NULL);
	ck_assert(!control_pending());
	ck_assert_uint_eq(preload_calls.searches, 1);
	ck_assert_uint_eq(marks("next"), 1);
	ck_assert_uint_eq(box->answer, box->request);
}
END_TEST

START_TEST(a_new_dump_begins_anew)
{
	send_one(MP_CONTROL_mark, "old");
	preload_new_dump(16ull << 20);
	control_init();
	box = &dump_header()->control;
	ck_assert(!control_pending());
	send_one(MP_CONTROL_status, "");
	ck_assert_uint_eq(box->answer, 1);
}
END_TEST

static struct sigaction action_of(int number)
{
	struct sigaction action;

	ck_assert_int_eq(sigaction(number, NULL, &action), 0);
	return action;
}

static void init_signal(const void *number)
{
	opt.control_signal = *(const uint64_t *)number;
	dump_header()->control.signal = (uint32_t)opt.control_signal;
	control_init_signal();
	ck_assert_uint_eq(dump_header()->control.signal, opt.control_signal);
	if (!opt.control_signal)
		return;
	raise((int)opt.control_signal);
	ck_assert_uint_eq(preload_calls.interruptions, 1);
	ck_assert(action_of((int)opt.control_signal).sa_flags & SA_RESTART);
}

START_TEST(a_signal_is_taken_only_if_nobody_has_it)
{
	static const uint64_t fine = 50, taken = SIGUSR1, never = SIGKILL;

	ck_assert_str_eq(preload_stderr(init_signal, &fine), "");
	signal(SIGUSR1, SIG_IGN);
	ck_assert_ptr_nonnull(strstr(preload_stderr(init_signal, &taken), "cannot be used"));
	ck_assert_ptr_eq(action_of(SIGUSR1).sa_handler, SIG_IGN);
	ck_assert_ptr_nonnull(strstr(preload_stderr(init_signal, &never), "cannot be used"));
}
END_TEST

START_TEST(no_signal_without_commands)
{
	opt.control = 0;
	opt.control_signal = 50;
	control_init_signal();
	ck_assert_ptr_eq(action_of(50).sa_handler, SIG_DFL);
}
END_TEST

Suite *suite_control(void)
{
	Suite *s = suite_create("control");
	TCase *tc = tcase_create("control");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, commands_are_obeyed);
	tcase_add_test(tc, recording_goes_off_and_on);
	tcase_add_test(tc, a_dormant_process_begins_off);
	tcase_add_test(tc, what_is_no_command_changes_nothing);
	tcase_add_test(tc, a_text_without_an_end_is_cut);
	tcase_add_test(tc, a_shut_box_takes_nothing);
	tcase_add_test(tc, a_command_is_obeyed_once);
	tcase_add_test(tc, a_new_dump_begins_anew);
	tcase_add_test(tc, a_signal_is_taken_only_if_nobody_has_it);
	tcase_add_test(tc, no_signal_without_commands);
	suite_add_tcase(s, tc);
	return s;
}
