// SPDX-License-Identifier: MIT
// A program whose global allocator is a jemalloc of its own, linked in statically under other names, as Rust does it.

use std::alloc::{GlobalAlloc, Layout};
use std::os::raw::{c_int, c_void};

struct Jemalloc;

// MALLOCX_LG_ALIGN
fn flags(layout: Layout) -> c_int {
    layout.align().trailing_zeros() as c_int
}

unsafe impl GlobalAlloc for Jemalloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        jemalloc_sys::mallocx(layout.size(), flags(layout)) as *mut u8
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        jemalloc_sys::sdallocx(block as *mut c_void, layout.size(), flags(layout))
    }
}

#[global_allocator]
static GLOBAL: Jemalloc = Jemalloc;

fn main() {
    // 48 MiB that come past malloc, a page touched at a time.
    let blocks: Vec<Vec<u8>> = (0..48u8).map(|i| vec![i + 1; 1 << 20]).collect();
    let sum: u64 = blocks.iter().map(|block| block.iter().map(|b| u64::from(*b)).sum::<u64>()).sum();
    println!("{}", sum);
}
