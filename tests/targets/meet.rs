/* SPDX-License-Identifier: MIT */
/* How two threads meet: one is about to wait, the other lets it. To be put in by include!(). */
use std::fs;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

const HOLD: Duration = Duration::from_millis(2);

static WAITER: AtomicU32 = AtomicU32::new(0);

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
