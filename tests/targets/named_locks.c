/* SPDX-License-Identifier: MIT */
/* named_locks: locks of all kinds under names that the program gives them, and what becomes of the names. */
#include <linux/futex.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <threads.h>

#include "meet.h"
#include "memprof.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t late = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t reused = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t rwlock = PTHREAD_RWLOCK_INITIALIZER;
static pthread_mutex_t *heap;
static mtx_t c11;
static sem_t semaphore;
static uint32_t word;
static int tid;
static void (*wait_on)(void);

static void *waiter(void *arg)
{
	(void)arg;
	__atomic_store_n(&tid, (int)syscall(SYS_gettid), __ATOMIC_RELEASE);
	wait_on();
	return NULL;
}

/* Another thread waits until LET_GO has been called. */
static void contend(void (*wait)(void), void (*let_go)(void))
{
	pthread_t thread;

	wait_on = wait;
	tid = 0;
	require(pthread_create(&thread, NULL, waiter, NULL) == 0);
	let_it_wait(&tid);
	let_go();
	pthread_join(thread, NULL);
}

#define WAIT_AND_GO(name, take, give) \
	static void wait_##name(void) \
	{                             \
		take;                 \
		give;                 \
	}                             \
	static void go_##name(void)   \
	{                             \
		give;                 \
	}
WAIT_AND_GO(mutex, pthread_mutex_lock(&mutex), pthread_mutex_unlock(&mutex))
WAIT_AND_GO(late, pthread_mutex_lock(&late), pthread_mutex_unlock(&late))
WAIT_AND_GO(reused, pthread_mutex_lock(&reused), pthread_mutex_unlock(&reused))
WAIT_AND_GO(heap, pthread_mutex_lock(heap), pthread_mutex_unlock(heap))
WAIT_AND_GO(rwlock, pthread_rwlock_rdlock(&rwlock), pthread_rwlock_unlock(&rwlock))
WAIT_AND_GO(c11, mtx_lock(&c11), mtx_unlock(&c11))

static void wait_semaphore(void)
{
	while (sem_wait(&semaphore) != 0)
		;
}

static void go_semaphore(void)
{
	sem_post(&semaphore);
}

static void wait_word(void)
{
	syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

static void go_word(void)
{
	__atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void contend_mutex(pthread_mutex_t *m, void (*wait)(void), void (*let_go)(void))
{
	pthread_mutex_lock(m);
	contend(wait, let_go);
}

static void kinds(void)
{
	char name[] = "a mutex";

	memprof_name_lock(&mutex, name);
	name[0] = 'x'; /* the text was copied */
	contend_mutex(&mutex, wait_mutex, go_mutex);

	contend_mutex(&late, wait_late, go_late);
	memprof_name_lock(&late, "named-late");
	fact("lock named-late kind=mutex bond=given contentions=1");

	memprof_name_lock(&rwlock, "a-rwlock");
	pthread_rwlock_wrlock(&rwlock);
	contend(wait_rwlock, go_rwlock);
	fact("lock a-rwlock kind=rwlock contentions=1");

	mtx_init(&c11, mtx_plain);
	memprof_name_lock(&c11, "a-mtx_t");
	mtx_lock(&c11);
	contend(wait_c11, go_c11);
	fact("lock a-mtx_t kind=mutex contentions=1");

	sem_init(&semaphore, 0, 0);
	memprof_name_lock(&semaphore, "a-semaphore");
	contend(wait_semaphore, go_semaphore);
	fact("lock a-semaphore kind=semaphore contentions=1");

	memprof_name_lock(&word, "a-futex");
	contend(wait_word, go_word);
	fact("lock a-futex kind=futex contentions=1");
}

static void *last_block;

static void heap_lock(const char *name)
{
	heap = keep(malloc(sizeof(*heap)));
	last_block = heap;
	pthread_mutex_init(heap, NULL);
	if (name)
		memprof_name_lock(heap, name);
	contend_mutex(heap, wait_heap, go_heap);
}

/* A name is gone with its lock: destroyed, or freed without that; also when nobody ever waited for it. */
static void ends(void)
{
	pthread_mutex_t *same;

	memprof_name_lock(&reused, "before");
	pthread_mutex_destroy(&reused);
	pthread_mutex_init(&reused, NULL);
	contend_mutex(&reused, wait_reused, go_reused);
	fact("lock before contentions=0");
	fact("lock reused contentions=1");

	heap_lock("in-a-block");
	free(heap);
	heap_lock(NULL);
	require(heap == last_block);
	free(heap);
	fact("lock in-a-block contentions=1");

	same = keep(malloc(sizeof(*same)));
	pthread_mutex_init(same, NULL);
	memprof_name_lock(same, "never-contended");
	free(same);
	heap_lock(NULL);
	free(heap);
	fact("lock never-contended contentions=0");
}

/* The child has the name, and the lock, though not in its own dump before somebody waits. */
static void in_child(void)
{
	pid_t child = fork();

	if (child == 0) {
		contend_mutex(&mutex, wait_mutex, go_mutex);
		contend_mutex(&late, wait_late, go_late);
		fact("lock named-late contentions=1");
		_exit(0);
	}
	require(waitpid(child, NULL, 0) == child);
}

/* More than there is room for. */
static void too_many(void)
{
	static pthread_mutex_t many[5000];
	char name[32];

	for (unsigned i = 0; i < 5000; i++) {
		snprintf(name, sizeof(name), "m%u", i % 10);
		memprof_name_lock(&many[i], name);
	}
	for (unsigned i = 0; i < 5000; i++)
		pthread_mutex_destroy(&many[i]);
	memprof_name_lock(&many[4999], "room-again");
	fact("loss lock_names_full=900..920");
}

int main(void)
{
	memprof_name_lock(NULL, "none");
	memprof_name_lock(&mutex, NULL);
	kinds();
	ends();
	in_child();
	too_many();
	return 0;
}
