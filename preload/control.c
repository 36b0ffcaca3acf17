/* SPDX-License-Identifier: MIT */
/* Whatever is in the letter box may be wrong, or change under our eyes: it is copied first. */
#include "control.h"

#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

#include "fmt.h"
#include "heap.h"
#include "init.h"
#include "mark.h"
#include "options.h"
#include "os.h"
#include "timeline.h"

uint32_t control_seen;
static struct os_lock lock;

static void switch_recording(const struct thread *t, bool on)
{
	struct mp_header *h = dump_header();
	uint64_t now_ns = os_now_ns();

	if (!thread_pause_all(!on))
		return;
	if (on) {
		store_relaxed(&h->paused_ns, h->paused_ns + (now_ns - h->paused_since_ns));
		store_release(&h->paused_since_ns, 0);
		mark_add(t, "recording on", MP_MARK_CONTROL);
	} else {
		mark_add(t, "recording off", MP_MARK_CONTROL);
		store_relaxed(&h->paused_count, h->paused_count + 1);
		store_release(&h->paused_since_ns, now_ns);
	}
}

static enum mp_control_result search(const struct leak_context *where, int64_t *ret_value)
{
	*ret_value = leak_scan(MP_SCAN_CONTROL, where);
	return *ret_value < 0 ? MP_CONTROL_NO_VERDICT : MP_CONTROL_DONE;
}

/* The file has all counters at any time; these are what is brought up to date only now and then. */
static void bring_up_to_date(struct thread *t)
{
	if (t->state == THREAD_LIVE)
		heap_flush(t);
	thread_refresh_all_names();
	timeline_final(os_now_ns());
}

static enum mp_control_result obey(struct thread *t, uint32_t command, const char *text,
				   const struct leak_context *where, int64_t *ret_value)
{
	switch (command) {
	case MP_CONTROL_status:
		return MP_CONTROL_DONE;
	case MP_CONTROL_mark:
		mark_add(t, text, MP_MARK_CONTROL);
		return MP_CONTROL_DONE;
	case MP_CONTROL_leaks:
		return search(where, ret_value);
	case MP_CONTROL_snapshot:
		bring_up_to_date(t);
		mark_add(t, text[0] ? text : "snapshot", MP_MARK_CONTROL);
		return search(where, ret_value);
	case MP_CONTROL_on:
	case MP_CONTROL_off:
		switch_recording(t, command == MP_CONTROL_on);
		return MP_CONTROL_DONE;
	default:
		return MP_CONTROL_UNKNOWN;
	}
}

/* A sender that found the last command without an answer may be writing the next one: then that is taken, later. */
static bool take(const struct mp_control *c, uint32_t *ret_request, uint32_t *ret_command,
		 char ret_text[MP_CONTROL_TEXT_BYTES])
{
	uint32_t request = load_acquire(&c->request);

	if (request == control_seen || !c->open)
		return false;
	*ret_command = load_relaxed(&c->command);
	__builtin_memcpy(ret_text, c->text, MP_CONTROL_TEXT_BYTES);
	ret_text[MP_CONTROL_TEXT_BYTES - 1] = '\0';
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (load_relaxed(&c->request) != request)
		return false;
	*ret_request = request;
	store_relaxed(&control_seen, request);
	store_relaxed(&dump_header()->control_taken, request);
	return true;
}

MP_NOINLINE void control_answer(struct thread *t, const struct leak_context *where)
{
	struct mp_control *c = &dump_header()->control;
	char text[MP_CONTROL_TEXT_BYTES];
	struct leak_context here;
	enum mp_control_result result;
	int64_t value = 0;
	uint32_t request, command;

	LEAK_CONTEXT(&here);
	if (!os_trylock(&lock))
		return;
	if (!take(c, &request, &command, text)) {
		os_unlock(&lock);
		return;
	}
	result = obey(t, command, text, where ? where : &here, &value);
	c->value = value;
	c->answer_ns = os_now_ns();
	store_relaxed(&c->result, (uint32_t)result);
	store_release(&c->answer, request);
	os_wake_shared(&c->answer);
	os_unlock(&lock);
}

void control_init(void)
{
	struct mp_header *h = dump_header();

	lock.word = 0;
	control_seen = 0;
	if (thread_all_paused()) {
		h->paused_since_ns = h->start_ns;
		h->paused_count = 1;
	}
	h->control.signal = (uint32_t)opt.control_signal;
	store_release(&h->control.open, (uint32_t)opt.control);
}

/* --- signal --- */

static void on_signal(int number, siginfo_t *info, void *context)
{
	const ucontext_t *u = context;
	struct leak_context where = { 0 };

	(void)number;
	(void)info;
	/* All registers count, wherever the kernel has put them: perhaps on a stack that is not searched otherwise. */
#if defined(__x86_64__)
	where.sp = (uint64_t)u->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	where.sp = u->uc_mcontext.sp;
#endif
	process_interrupted(&where, &u->uc_mcontext, sizeof(u->uc_mcontext));
}

/* No other handler may come in between: it could need what we hold. Only if the program has not been told otherwise. */
void control_init_signal(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK };
	struct sigaction old;

	if (!opt.control_signal || !opt.control)
		return;
	__builtin_memset(&action.sa_mask, 0xff, sizeof(action.sa_mask));
	if (sigaction((int)opt.control_signal, NULL, &old) == 0 && old.sa_handler == SIG_DFL &&
	    sigaction((int)opt.control_signal, &action, NULL) == 0)
		return;
	dump_header()->control.signal = 0;
	opt.control_signal = 0;
	fmt_warn("MEMPROF_CONTROL_SIGNAL cannot be used: not a signal to catch, or already in use", NULL);
}
