/* SPDX-License-Identifier: MIT */
/*
 * OpenMP: critical and ordered sections, locks, barriers and task waits, by the functions that compilers call. libgomp
 * enters the kernel itself, so these are the only places where it can be seen waiting. libomp of LLVM has the same
 * functions; what clang itself calls there is not among them.
 */
#include <dlfcn.h>

#include "sync.h"

#include "arrivals.h"
#include "atomic.h"
#include "clock.h"
#include "elf_defined.h"
#include "os.h"
#include "regs.h"
#include "rules.h"

/*
 * X(name, version, result, parameters). Of those with two versions the objects differ, and the newer one is meant. A
 * name with a last _ is for Fortran.
 */
#define OMP_FUNCTIONS(X)                                         \
	X(GOMP_critical_start, "GOMP_1.0", void, (void))         \
	X(GOMP_critical_end, "GOMP_1.0", void, (void))           \
	X(GOMP_critical_name_start, "GOMP_1.0", void, (void **)) \
	X(GOMP_critical_name_end, "GOMP_1.0", void, (void **))   \
	X(GOMP_atomic_start, "GOMP_1.0", void, (void))           \
	X(GOMP_atomic_end, "GOMP_1.0", void, (void))             \
	X(GOMP_ordered_start, "GOMP_1.0", void, (void))          \
	X(GOMP_ordered_end, "GOMP_1.0", void, (void))            \
	X(GOMP_barrier, "GOMP_1.0", void, (void))                \
	X(GOMP_loop_end, "GOMP_1.0", void, (void))               \
	X(GOMP_taskwait, "GOMP_2.0", void, (void))               \
	X(GOMP_taskgroup_end, "GOMP_4.0", void, (void))          \
	X(omp_get_num_threads, "OMP_1.0", int, (void))           \
	X(omp_set_lock, "OMP_3.0", void, (void *))               \
	X(omp_unset_lock, "OMP_3.0", void, (void *))             \
	X(omp_test_lock, "OMP_3.0", int, (void *))               \
	X(omp_set_nest_lock, "OMP_3.0", void, (void *))          \
	X(omp_unset_nest_lock, "OMP_3.0", void, (void *))        \
	X(omp_test_nest_lock, "OMP_3.0", int, (void *))          \
	X(omp_set_lock_, "OMP_3.0", void, (void *))              \
	X(omp_unset_lock_, "OMP_3.0", void, (void *))            \
	X(omp_test_lock_, "OMP_3.0", int, (void *))              \
	X(omp_set_nest_lock_, "OMP_3.0", void, (void *))         \
	X(omp_unset_nest_lock_, "OMP_3.0", void, (void *))       \
	X(omp_test_nest_lock_, "OMP_3.0", int, (void *))

#define X(name, version, result, parameters) MP_EXPORT result name parameters;
OMP_FUNCTIONS(X)
#undef X
#define X(name, version, result, parameters) result(*name) parameters;
struct omp {
	OMP_FUNCTIONS(X)
};
#undef X

/* --- whose functions --- */

/*
 * The OpenMP library that the program is linked with serves everybody. One that a plugin brings (a Python module with a
 * libgomp of its own) serves that plugin: which one is asked when the plugin first calls, with the gate open, because
 * that enters the loader. There may be several, and a barrier of one means nothing to the other.
 */
#define PLUGINS 32u

static struct omp common;
static bool have_common;
static struct plugin {
	uint64_t start;
	uint64_t end;
	struct omp omp;
} plugins[PLUGINS];
static uint32_t plugin_count;
static struct os_lock plugins_lock;

static void *find(void *handle, const char *name, const char *version)
{
	void *p = dlvsym(handle, name, version);

	return p ? p : dlsym(handle, name);
}

/* All functions, or those that there are. Is there an OpenMP library at all? */
static bool find_all(void *handle, struct omp *ret)
{
	if (!dlsym(handle, "GOMP_barrier") && !dlsym(handle, "omp_set_lock"))
		return false;
#define X(name, version, result, parameters) ret->name = (__typeof__(ret->name))find(handle, #name, version);
	OMP_FUNCTIONS(X)
#undef X
	return true;
}

static const struct omp *add_plugin(const struct module *m, const struct omp *omp)
{
	const struct omp *added = NULL;

	os_lock(&plugins_lock);
	if (plugin_count < PLUGINS) {
		struct plugin *p = &plugins[plugin_count];

		*p = (struct plugin){ .start = m->start, .end = m->end, .omp = *omp };
		added = &p->omp;
		store_release(&plugin_count, plugin_count + 1);
	}
	os_unlock(&plugins_lock);
	return added;
}

/* The functions meant by a caller that is not of the program itself. NULL: there are none. Context: gate open. */
static MP_COLD const struct omp *find_for(uint64_t ip)
{
	int saved = errno;
	const struct omp *found = NULL;
	const struct module *m;
	struct omp omp = { .omp_get_num_threads = NULL };
	Dl_info info;
	void *handle;

	for (uint32_t i = 0; i < load_acquire(&plugin_count); i++) {
		if (ip >= plugins[i].start && ip < plugins[i].end)
			return &plugins[i].omp;
	}
	/* Made global since. */
	if (find_all(RTLD_NEXT, &omp)) {
		os_lock(&plugins_lock);
		if (!have_common) {
			common = omp;
			store_release(&have_common, true);
		}
		os_unlock(&plugins_lock);
		found = &common;
	} else if (dladdr((void *)ip, &info) && info.dli_fname) {
		/* Stays open: what it leads to is used for ever. */
		handle = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
		m = rules_module(ip);
		if (handle && m && find_all(handle, &omp))
			found = add_plugin(m, &omp);
	}
	errno = saved;
	return found;
}

static inline const struct omp *omp_of(uint64_t ip)
{
	return likely(load_acquire(&have_common)) ? &common : find_for(ip);
}

#define CALLER() ((uint64_t)__builtin_return_address(0))

/* --- critical sections --- */

/*
 * Their locks cannot be tried, and only one of the two kinds can be looked at. So it is counted who is inside, or on
 * the way: whoever finds somebody there may have to wait, and has to if one is known to be inside. Those on the way may
 * all be asleep while the section is free: who then comes in at once, as who has just left often does, did not wait.
 */
#define SECTIONS   256u
#define AT_ONCE_NS 1000u

static struct section {
	uint64_t address; /* 0 = free */
	int32_t inside;
	uint32_t taken; /* somebody is inside */
} sections[SECTIONS];

/* NULL: no room. */
static struct section *section_of(uint64_t address)
{
	uint32_t i = (uint32_t)(lock_hash(address) >> 40);

	for (uint32_t n = 0; n < SECTIONS; n++, i++) {
		struct section *s = &sections[i & (SECTIONS - 1)];
		uint64_t seen = load_acquire(&s->address);

		if (seen == address || (!seen && cas_acquire(&s->address, &seen, address)) || seen == address)
			return s;
	}
	return NULL;
}

/* What a hook of a section's start needs; begin before the real call, end after it. */
struct entry {
	struct lock_wait wait;
	uint64_t address;
	struct section *section;
	bool waits;
	bool doubtful;      /* it may not have to */
	uint64_t called_ns; /* if so: when the real call began, which is after all that a wait's begin may have to do */
};

static void section_begin(struct entry *e, uint64_t address, const struct regs *regs)
{
	struct lock_facts facts = { .address = address, .kind = MP_LOCK_OMP };
	struct section *s = section_of(address);
	struct thread *t;

	*e = (struct entry){ .address = address, .section = s };
	if (!s || __atomic_fetch_add(&s->inside, 1, __ATOMIC_ACQ_REL) <= 0)
		return;
	t = lock_enter();
	if (unlikely(!t))
		return;
	e->waits = true;
	e->doubtful = !load_relaxed(&s->taken);
	sync_wait(&e->wait, t, &facts, regs);
	e->called_ns = e->doubtful ? clock_stamp() : 0;
}

static void section_entered(const struct entry *e)
{
	bool at_once = e->doubtful && clock_stamp() - e->called_ns < AT_ONCE_NS;
	struct thread *t = lock_enter();

	if (e->section)
		store_relaxed(&e->section->taken, 1);
	if (unlikely(!t)) {
		if (e->waits)
			lock_wait_abandon(&e->wait);
		return;
	}
	if (e->waits && at_once)
		lock_wait_undo(&e->wait, t);
	else if (e->waits)
		lock_wait_end(&e->wait, t, LOCK_GOT);
	lock_acquired(t, e->address, LOCK_EXCLUSIVE);
	lock_leave(t);
}

static void released(uint64_t address, const struct regs *regs)
{
	struct thread *t = lock_enter();

	if (unlikely(!t))
		return;
	lock_releasing(t, address, LOCK_EXCLUSIVE, lock_waiters(t, address), regs);
	lock_leave(t);
}

static void section_leaving(uint64_t address, const struct regs *regs)
{
	struct section *s = section_of(address);

	released(address, regs);
	if (s)
		store_relaxed(&s->taken, 0);
	/* Not below 0, for one that was entered before anything was recorded. */
	if (s && __atomic_fetch_sub(&s->inside, 1, __ATOMIC_ACQ_REL) <= 0)
		__atomic_fetch_add(&s->inside, 1, __ATOMIC_RELAXED);
}

/* START(parameters) and END, of the section at ADDRESS. Without an OpenMP library there are no threads to keep out. */
#define SECTION(start, end, parameters, arguments, at)          \
	MP_EXPORT void start parameters                         \
	{                                                       \
		const struct omp *omp = omp_of(CALLER());       \
		struct entry e;                                 \
		struct regs regs;                               \
                                                                \
		if (!omp || !omp->start)                        \
			return;                                 \
		if (!lock_recording) {                          \
			omp->start arguments;                   \
			return;                                 \
		}                                               \
		CALLER_REGS(&regs);                             \
		section_begin(&e, (uint64_t)(at), &regs);       \
		omp->start arguments;                           \
		section_entered(&e);                            \
	}                                                       \
	MP_EXPORT void end parameters                           \
	{                                                       \
		const struct omp *omp = omp_of(CALLER());       \
		struct regs regs;                               \
                                                                \
		if (!omp || !omp->end)                          \
			return;                                 \
		if (lock_recording) {                           \
			CALLER_REGS(&regs);                     \
			section_leaving((uint64_t)(at), &regs); \
		}                                               \
		omp->end arguments;                             \
		lock_settle_open();                             \
	}
/* The unnamed ones lie inside the library; the functions that enter them stand for them. */
SECTION(GOMP_critical_start, GOMP_critical_end, (void), (), omp->GOMP_critical_start)
SECTION(GOMP_atomic_start, GOMP_atomic_end, (void), (), omp->GOMP_atomic_start)
SECTION(GOMP_critical_name_start, GOMP_critical_name_end, (void **name), (name), name)

/* --- locks --- */

/* The functions of one kind of lock: for C or Fortran, nestable or not. */
struct kind {
	void (*set)(void *);
	void (*unset)(void *);
	int (*test)(void *);
	bool nests;
};

static void lock_set(void *lock, const struct kind *k, const struct regs *regs)
{
	struct lock_facts facts = { .address = (uint64_t)lock,
				    .kind = MP_LOCK_OMP,
				    .flags = k->nests ? MP_LOCK_FLAG_RECURSIVE : 0 };
	struct entry e = { .address = facts.address, .waits = true };
	struct thread *t = k->test ? lock_enter() : NULL;
	int depth;

	if (unlikely(!t)) {
		k->set(lock);
		return;
	}
	depth = k->test(lock);
	if (!depth) {
		sync_wait(&e.wait, t, &facts, regs);
		k->set(lock);
		section_entered(&e);
		return;
	}
	if (k->nests && depth > 1)
		lock_count(t, facts.address);
	else
		lock_acquired(t, facts.address, LOCK_EXCLUSIVE);
	lock_leave(t);
}

static int lock_test(void *lock, const struct kind *k)
{
	int depth = k->test(lock);
	struct thread *t = lock_enter();

	if (unlikely(!t))
		return depth;
	if (!depth)
		lock_count_failure(t, (uint64_t)lock);
	else if (k->nests && depth > 1)
		lock_count(t, (uint64_t)lock);
	else
		lock_acquired(t, (uint64_t)lock, LOCK_EXCLUSIVE);
	lock_leave(t);
	return depth;
}

static void lock_unset(void *lock, const struct kind *k, const struct regs *regs)
{
	bool outermost = true;

	/* One level up and down again tells how many there are; the lock is ours. */
	if (k->nests && k->test) {
		outermost = k->test(lock) <= 2;
		k->unset(lock);
	}
	if (outermost)
		released((uint64_t)lock, regs);
	k->unset(lock);
	lock_settle_open();
}

#define KIND(infix, suffix, nestable)                                                                     \
	{                                                                                                 \
		.set = omp->omp_set_##infix##lock##suffix, .unset = omp->omp_unset_##infix##lock##suffix, \
		.test = omp->omp_test_##infix##lock##suffix, .nests = (nestable)                          \
	}
#define LOCK_FUNCTIONS(infix, suffix, nestable)                              \
	MP_EXPORT void omp_set_##infix##lock##suffix(void *lock)             \
	{                                                                    \
		const struct omp *omp = omp_of(CALLER());                    \
		struct regs regs;                                            \
                                                                             \
		if (!omp || !omp->omp_set_##infix##lock##suffix)             \
			return;                                              \
		if (lock_recording) {                                        \
			const struct kind k = KIND(infix, suffix, nestable); \
                                                                             \
			CALLER_REGS(&regs);                                  \
			lock_set(lock, &k, &regs);                           \
		} else {                                                     \
			omp->omp_set_##infix##lock##suffix(lock);            \
		}                                                            \
	}                                                                    \
	MP_EXPORT void omp_unset_##infix##lock##suffix(void *lock)           \
	{                                                                    \
		const struct omp *omp = omp_of(CALLER());                    \
		struct regs regs;                                            \
                                                                             \
		if (!omp || !omp->omp_unset_##infix##lock##suffix)           \
			return;                                              \
		if (lock_recording) {                                        \
			const struct kind k = KIND(infix, suffix, nestable); \
                                                                             \
			CALLER_REGS(&regs);                                  \
			lock_unset(lock, &k, &regs);                         \
		} else {                                                     \
			omp->omp_unset_##infix##lock##suffix(lock);          \
		}                                                            \
	}                                                                    \
	MP_EXPORT int omp_test_##infix##lock##suffix(void *lock)             \
	{                                                                    \
		const struct omp *omp = omp_of(CALLER());                    \
                                                                             \
		if (!omp || !omp->omp_test_##infix##lock##suffix)            \
			return 1;                                            \
		if (lock_recording) {                                        \
			const struct kind k = KIND(infix, suffix, nestable); \
                                                                             \
			return lock_test(lock, &k);                          \
		}                                                            \
		return omp->omp_test_##infix##lock##suffix(lock);            \
	}
LOCK_FUNCTIONS(, , false)
LOCK_FUNCTIONS(nest_, , true)
LOCK_FUNCTIONS(, _, false)
LOCK_FUNCTIONS(nest_, _, true)

/* --- waiting for the other threads of the team --- */

/*
 * A team has no address, so its barriers go by the place in the program where they stand. A thread that waits may run
 * tasks meanwhile, and these may wait again: only the outermost of such waits is recorded.
 */
static MP_TLS bool inside_wait;

/*
 * At the end of a parallel region's function the call is a jump, and the caller is that of the function: the library,
 * at a place for the first thread and at another for the rest. Then CALLED, the library's function, stands for both.
 */
static uint64_t address_of_place(uint64_t called, const struct regs *regs)
{
	const struct module *m = rules_module(regs->ip);

	return (m && called >= m->start && called < m->end ? called : regs->ip) | 1ull << 63;
}

/* COUNT: threads that meet here, 0 = the wait is for other reasons. */
static void team_wait(void (*wait)(void), const struct lock_facts *facts, uint32_t count, const struct regs *regs)
{
	struct thread *t = inside_wait ? NULL : lock_enter();
	struct lock_wait w;

	if (unlikely(!t)) {
		wait();
		return;
	}
	if (count == 1 || arrivals_last(facts->address, count)) {
		if (count > 1)
			lock_waking(t, facts->address, LOCK_WAKE_ALL, regs);
		lock_count(t, facts->address);
		lock_leave(t);
		wait();
		return;
	}
	sync_wait(&w, t, facts, regs);
	inside_wait = true;
	wait();
	inside_wait = false;
	sync_waited(&w, facts->address, LOCK_GOT, true);
}

/* COUNT may use omp. */
#define TEAM_WAIT(name, lock_kind, at, count)                                   \
	MP_EXPORT void name(void)                                               \
	{                                                                       \
		const struct omp *omp = omp_of(CALLER());                       \
		struct lock_facts facts = { .kind = (lock_kind), .flags = 0 };  \
		struct regs regs;                                               \
                                                                                \
		if (!omp || !omp->name)                                         \
			return;                                                 \
		if (lock_recording) {                                           \
			CALLER_REGS(&regs);                                     \
			facts.address = (uint64_t)(at);                         \
			team_wait(omp->name, &facts, (uint32_t)(count), &regs); \
		} else {                                                        \
			omp->name();                                            \
		}                                                               \
	}
#define TEAM_SIZE (omp->omp_get_num_threads ? omp->omp_get_num_threads() : 0)
TEAM_WAIT(GOMP_barrier, MP_LOCK_BARRIER, address_of_place((uint64_t)omp->GOMP_barrier, &regs), TEAM_SIZE)
TEAM_WAIT(GOMP_loop_end, MP_LOCK_BARRIER, address_of_place((uint64_t)omp->GOMP_loop_end, &regs), TEAM_SIZE)
TEAM_WAIT(GOMP_taskwait, MP_LOCK_JOIN, address_of_place((uint64_t)omp->GOMP_taskwait, &regs), 0)
TEAM_WAIT(GOMP_taskgroup_end, MP_LOCK_JOIN, address_of_place((uint64_t)omp->GOMP_taskgroup_end, &regs), 0)
/* Waits for the iteration before, whose end is the function that stands for it. */
TEAM_WAIT(GOMP_ordered_start, MP_LOCK_BARRIER, omp->GOMP_ordered_end, 0)

MP_EXPORT void GOMP_ordered_end(void)
{
	const struct omp *omp = omp_of(CALLER());
	struct thread *t;
	struct regs regs;

	if (!omp || !omp->GOMP_ordered_end)
		return;
	if (lock_recording) {
		CALLER_REGS(&regs);
		t = lock_enter();
		if (likely(t)) {
			lock_waking(t, (uint64_t)omp->GOMP_ordered_end, 0, &regs);
			lock_leave(t);
		}
	}
	omp->GOMP_ordered_end();
}

void omp_init(void)
{
	/* Most processes have nothing to do with OpenMP. */
	if ((elf_defined("GOMP_barrier", ELF_LIBRARIES) || elf_defined("omp_set_lock", ELF_LIBRARIES)) &&
	    find_all(RTLD_NEXT, &common))
		store_release(&have_common, true);
}

/* Another thread of the parent may have been inside a section, or held the lock. */
void omp_forked(void)
{
	plugins_lock.word = 0;
	for (uint32_t i = 0; i < SECTIONS; i++) {
		sections[i].inside = 0;
		sections[i].taken = 0;
	}
}
