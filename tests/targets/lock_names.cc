/* SPDX-License-Identifier: MIT */
/*
 * Locks as a static object's member, in blocks of malloc, as members of objects of C++ and in an array (P20, P22): the
 * report names each, and the function that held it while another waited.
 */
#include <memory>
#include <mutex>

#include "handoff.h"

#define ROUNDS 4
#define CONNS  3

struct table {
	long entries;
	pthread_mutex_t lock;
};

struct conn {
	int descriptor;
	pthread_mutex_t lock;
	char buffer[100];
};

struct duel;

namespace bank
{
class Account
{
public:
	pthread_mutex_t *handle() { return mutex_.native_handle(); }
	SITE void audit_here(struct duel *duel);
	SITE void deposit_here();

private:
	long balance_ = 0;
	std::mutex mutex_;
};
}

static table directory = { 0, PTHREAD_MUTEX_INITIALIZER };
static pthread_mutex_t stripes[4] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
				      PTHREAD_MUTEX_INITIALIZER };

/* The holder keeps the lock until the other thread is seen to wait for it. */
struct duel {
	pthread_mutex_t *mutex;
	bank::Account *account;
	void (*hold)(struct duel *duel);
	void (*wait)(struct duel *duel);
	int round, done;
};

static void while_held(struct duel *duel)
{
	__atomic_add_fetch(&duel->round, 1, __ATOMIC_RELEASE);
	wait_until_blocked(duel->mutex);
	spin_ns(HANDOFF_HOLD_NS);
}

void bank::Account::audit_here(struct duel *duel)
{
	std::lock_guard<std::mutex> guard(mutex_);

	while_held(duel);
}

void bank::Account::deposit_here()
{
	std::lock_guard<std::mutex> guard(mutex_);

	balance_++;
}

SITE static void audit(struct duel *duel)
{
	duel->account->audit_here(duel);
	keep(duel);
}

SITE static void deposit(struct duel *duel)
{
	duel->account->deposit_here();
	keep(duel);
}

#define PAIR(name)                                                   \
	SITE static void name##_hold_here(struct duel *duel)         \
	{                                                            \
		require(pthread_mutex_lock(duel->mutex) == 0);       \
		while_held(duel);                                    \
		require(pthread_mutex_unlock(duel->mutex) == 0);     \
		keep(duel);                                          \
	}                                                            \
	SITE static void name##_wait_here(struct duel *duel)         \
	{                                                            \
		require(pthread_mutex_lock(duel->mutex) == 0);       \
		require(pthread_mutex_unlock(duel->mutex) == 0);     \
		keep(duel);                                          \
	}

PAIR(table)
PAIR(conn)
PAIR(stripe)

SITE static struct conn *conn_new_here(void)
{
	struct conn *conn = (struct conn *)keep(malloc(sizeof(*conn)));

	require(pthread_mutex_init(&conn->lock, NULL) == 0);
	return conn;
}

static void *waiter_main(void *argument)
{
	struct duel *duel = (struct duel *)argument;

	for (int i = 1; i <= ROUNDS; i++) {
		wait_for(&duel->round, i);
		duel->wait(duel);
		__atomic_store_n(&duel->done, i, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void fight(pthread_mutex_t *mutex, void (*hold)(struct duel *), void (*wait)(struct duel *),
		  bank::Account *account = NULL)
{
	struct duel duel = { mutex, account, hold, wait, 0, 0 };
	pthread_t thread;

	require(pthread_create(&thread, NULL, waiter_main, &duel) == 0);
	for (int i = 1; i <= ROUNDS; i++) {
		hold(&duel);
		wait_for(&duel.done, i);
	}
	require(pthread_join(thread, NULL) == 0);
}

int main()
{
	auto account = std::make_unique<bank::Account>();
	struct conn *conns[CONNS];

	fight(&directory.lock, table_hold_here, table_wait_here);
	for (int i = 0; i < CONNS; i++) {
		conns[i] = conn_new_here();
		fight(&conns[i]->lock, conn_hold_here, conn_wait_here);
	}
	fight(account->handle(), audit, deposit, account.get());
	fight(&stripes[1], stripe_hold_here, stripe_wait_here);
	fight(&stripes[3], stripe_hold_here, stripe_wait_here);

	fact("lock directory.lock instances=1 acquisitions=%d contentions=%d bond=static", 2 * ROUNDS, ROUNDS);
	fact("waiter directory.lock in=table_wait_here(duel*) count=%d", ROUNDS);
	fact("culprit directory.lock in=table_hold_here(duel*) count=%d wait_ns=%u..", ROUNDS,
	     ROUNDS * HANDOFF_HOLD_NS / 2);
	fact("lock conn.lock instances=%d contentions=%d bond=member", CONNS, CONNS * ROUNDS);
	fact("culprit conn.lock in=conn_hold_here(duel*) count=%d", CONNS * ROUNDS);
	fact("lock bank::Account.mutex_ instances=1 contentions=%d bond=member", ROUNDS);
	fact("waiter bank::Account.mutex_ in=bank::Account::deposit_here() count=%d", ROUNDS);
	fact("culprit bank::Account.mutex_ in=audit(duel*) count=%d", ROUNDS);
	fact("lock stripes[] instances=2 contentions=%d bond=static", 2 * ROUNDS);
	return 0;
}
