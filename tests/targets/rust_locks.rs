/* SPDX-License-Identifier: MIT */
/* Rust's own locks, which are futex words (P32): a Mutex that is held while another thread waits, and a Condvar. */
use std::hint::black_box;
use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex};

include!("meet.rs");

const ROUNDS: u32 = 5;

static THE_LOCK: Mutex<u64> = Mutex::new(0);
static READY: Mutex<bool> = Mutex::new(false);
static THE_COND: Condvar = Condvar::new();
static HELD: AtomicBool = AtomicBool::new(false);

#[inline(never)]
#[no_mangle]
extern "C" fn rust_wait_here() {
    about_to_wait();
    *black_box(THE_LOCK.lock().unwrap()) += 1;
}

#[inline(never)]
#[no_mangle]
extern "C" fn rust_hold_here() {
    let mut guard = black_box(THE_LOCK.lock().unwrap());
    *guard += 1;
    HELD.store(true, Ordering::Release);
    let_it_wait();
}

#[inline(never)]
#[no_mangle]
extern "C" fn rust_cond_here() {
    let mut ready = READY.lock().unwrap();
    about_to_wait();
    while !*ready {
        ready = THE_COND.wait(ready).unwrap();
    }
    black_box(&ready);
}

#[inline(never)]
#[no_mangle]
extern "C" fn rust_notify_here() {
    *black_box(READY.lock().unwrap()) = true;
    THE_COND.notify_one();
    black_box(&THE_COND);
}

fn main() {
    for _ in 0..ROUNDS {
        HELD.store(false, Ordering::Release);
        let holder = thread::spawn(|| rust_hold_here());
        while !HELD.load(Ordering::Acquire) {
            thread::yield_now();
        }
        rust_wait_here();
        holder.join().unwrap();
    }
    let waiter = thread::spawn(|| rust_cond_here());
    let_it_wait();
    rust_notify_here();
    waiter.join().unwrap();
    println!("{}", *THE_LOCK.lock().unwrap());
}
