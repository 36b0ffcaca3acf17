/* SPDX-License-Identifier: MIT */
/* Locks of the crate parking_lot, where each thread sleeps on a word of its own (P32, P33), so no word is the lock. */
use parking_lot::{Condvar, Mutex, RwLock};
use std::hint::black_box;
use std::sync::atomic::AtomicBool;

include!("meet.rs");

const ROUNDS: u32 = 5;

static THE_LOCK: Mutex<u64> = Mutex::new(0);
static THE_RWLOCK: RwLock<u64> = RwLock::new(0);
static READY: Mutex<bool> = Mutex::new(false);
static THE_COND: Condvar = Condvar::new();
static HELD: AtomicBool = AtomicBool::new(false);

#[inline(never)]
#[no_mangle]
extern "C" fn mutex_wait_here() {
    about_to_wait();
    *black_box(THE_LOCK.lock()) += 1;
}

#[inline(never)]
#[no_mangle]
extern "C" fn mutex_hold_here() {
    let mut guard = black_box(THE_LOCK.lock());
    *guard += 1;
    HELD.store(true, Ordering::Release);
    let_it_wait();
}

#[inline(never)]
#[no_mangle]
extern "C" fn read_wait_here() {
    about_to_wait();
    black_box(*THE_RWLOCK.read());
}

#[inline(never)]
#[no_mangle]
extern "C" fn write_hold_here() {
    let mut guard = black_box(THE_RWLOCK.write());
    *guard += 1;
    HELD.store(true, Ordering::Release);
    let_it_wait();
}

#[inline(never)]
#[no_mangle]
extern "C" fn cond_wait_here() {
    let mut ready = READY.lock();
    about_to_wait();
    while !*ready {
        THE_COND.wait(&mut ready);
    }
    black_box(&ready);
}

#[inline(never)]
#[no_mangle]
extern "C" fn notify_here() {
    *black_box(READY.lock()) = true;
    black_box(THE_COND.notify_one());
}

fn rounds(hold: extern "C" fn(), wait: extern "C" fn()) {
    for _ in 0..ROUNDS {
        HELD.store(false, Ordering::Release);
        let holder = thread::spawn(move || hold());
        while !HELD.load(Ordering::Acquire) {
            thread::yield_now();
        }
        wait();
        holder.join().unwrap();
    }
}

fn main() {
    rounds(mutex_hold_here, mutex_wait_here);
    rounds(write_hold_here, read_wait_here);
    let waiter = thread::spawn(|| cond_wait_here());
    let_it_wait();
    notify_here();
    waiter.join().unwrap();
    println!("{} {}", *THE_LOCK.lock(), *THE_RWLOCK.read());
}
