/* SPDX-License-Identifier: MIT */
/* Rust's own locks, which are futex words (P32): a Mutex that is held while another thread waits, and a Condvar. */
use std::fs;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};
use std::thread;
use std::time::Duration;

const ROUNDS: u32 = 5;
const HOLD: Duration = Duration::from_millis(2);

static THE_LOCK: Mutex<u64> = Mutex::new(0);
static READY: Mutex<bool> = Mutex::new(false);
static THE_COND: Condvar = Condvar::new();
static WAITER: AtomicU32 = AtomicU32::new(0);
static HELD: AtomicBool = AtomicBool::new(false);

/* Says that this thread is about to wait. */
fn about_to_wait() {
    let path = fs::read_link("/proc/thread-self").unwrap();
    let tid = path.file_name().unwrap().to_str().unwrap().parse().unwrap();
    WAITER.store(tid, Ordering::Release);
}

/* Returns when the thread that said so sleeps and time has passed since. */
fn let_it_wait() {
    loop {
        let tid = WAITER.load(Ordering::Acquire);
        let stat = fs::read_to_string(format!("/proc/self/task/{tid}/stat")).unwrap_or_default();
        if tid != 0 && stat.rsplit(')').next().unwrap().starts_with(" S") {
            break;
        }
        thread::yield_now();
    }
    thread::sleep(HOLD);
    WAITER.store(0, Ordering::Release);
}

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
