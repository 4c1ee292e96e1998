//! Rust as a cdylib: threads, channels, a collection, a panic that is caught.

use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_void};
use std::{panic, slice, sync::mpsc, thread};

pub type Append = unsafe extern "C" fn(*mut c_void, *const c_char, usize);

pub struct Worker {
    context: *mut c_void,
    append: Append,
}

#[no_mangle]
pub extern "C" fn faas_init() -> c_int {
    0
}

#[no_mangle]
pub unsafe extern "C" fn faas_create_func_worker(
    context: *mut c_void,
    _invoke: *const c_void,
    append: Append,
    handle: *mut *mut Worker,
) -> c_int {
    *handle = Box::into_raw(Box::new(Worker { context, append }));
    0
}

#[no_mangle]
pub unsafe extern "C" fn faas_destroy_func_worker(handle: *mut Worker) -> c_int {
    drop(Box::from_raw(handle));
    0
}

/// Words and how often each occurs, counted by a thread for each line.
fn count(text: &str) -> String {
    let (send, receive) = mpsc::channel();
    let threads: Vec<_> = text
        .lines()
        .map(|line| {
            let (send, line) = (send.clone(), line.to_owned());
            thread::spawn(move || line.split_whitespace().for_each(|word| send.send(word.to_owned()).unwrap()))
        })
        .collect();
    drop(send);
    let mut counts = BTreeMap::new();
    receive.iter().for_each(|word: String| *counts.entry(word).or_insert(0) += 1);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let caught = panic::catch_unwind(|| text.lines().nth(1000).unwrap().len()).is_err();
    format!("{counts:?}, a panic {}", if caught { "was caught" } else { "was not caught" })
}

#[no_mangle]
pub unsafe extern "C" fn faas_func_call(handle: *mut Worker, input: *const c_char, length: usize) -> c_int {
    let bytes = slice::from_raw_parts(input.cast::<u8>(), length);
    let answer = count(&String::from_utf8_lossy(bytes));
    ((*handle).append)((*handle).context, answer.as_ptr().cast(), answer.len());
    0
}
