// SPDX-License-Identifier: Apache-2.0
//! A step in Rust, without a crate: rustc --crate-type cdylib rusty.rs
//! A panic may not cross into the host, so each function catches it.
mod fusebox;
use fusebox::*;
use std::os::raw::{c_char, c_void};
use std::panic::{catch_unwind, AssertUnwindSafe};

struct Rusty {
    host: *const Host,
}

/// The detail of a failure: what failed, and what to do.
struct Failure(i32, &'static str, &'static str);

/// Answers one call: a panic is a failure like any other.
fn answer(
    host: &Host,
    op: *mut Op,
    body: impl FnOnce() -> Result<i32, Failure>,
) -> i32 {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(rc)) => rc,
        Ok(Err(Failure(rc, what, hint))) => (host.fail)(op, rc, Str::of(what), Str::of(hint)),
        Err(_) => (host.fail)(op, FBX_INTERNAL, Str::of("a panic"), Str::of("a bug of the plugin")),
    }
}

fn write(sink: Sink, text: &str) -> Result<i32, Failure> {
    Ok((sink.write)(sink.ctx, Str::of(text)))
}

fn known(request: Str) -> Result<(), Failure> {
    // One verb without options: no JSON library is needed to know it.
    if unsafe { request.text() }.contains("\"verb\":\"greet\"") {
        return Ok(());
    }
    Err(Failure(FBX_UNSUPPORTED, "there is no such verb", "the manifest lists them"))
}

extern "C" fn create(host: *const Host, _op: *mut Op, _context: Str, out: *mut *mut c_void) -> i32 {
    let instance = Box::new(Rusty { host });
    unsafe { *out = Box::into_raw(instance).cast() };
    FBX_OK
}

extern "C" fn destroy(instance: *mut c_void) {
    drop(unsafe { Box::from_raw(instance.cast::<Rusty>()) });
}

extern "C" fn plan(instance: *mut c_void, op: *mut Op, request: Str, result: Sink) -> i32 {
    let host = unsafe { &*(*instance.cast::<Rusty>()).host };
    answer(host, op, || {
        known(request)?;
        write(result, r#"{"summary":"would say hello","actions":["say hello"]}"#)
    })
}

extern "C" fn run(instance: *mut c_void, op: *mut Op, request: Str, result: Sink) -> i32 {
    let host = unsafe { &*(*instance.cast::<Rusty>()).host };
    answer(host, op, || {
        known(request)?;
        if (host.cancelled)(op) != 0 {
            let late = (host.remaining_ms)(op) == 0;
            let rc = if late { FBX_TIMEOUT } else { FBX_CANCELLED };
            return Err(Failure(rc, "stopped before it said hello", ""));
        }
        (host.log)(op, FBX_LOG_INFO, Str::of("about to say hello"));
        write(result, r#"{"summary":"hello from Rust","changed":false}"#)
    })
}

extern "C" fn get_interface(_instance: *mut c_void, id: Str) -> *const c_void {
    if unsafe { id.text() } == "fusebox.step/1" {
        return (&STEP as *const Step).cast();
    }
    std::ptr::null()
}

static STEP: Step =
    Step { struct_size: std::mem::size_of::<Step>() as u32, reserved: 0, plan, run, undo: None };

// The manifest's bytes, and the zero that ends them.
static MANIFEST: &str = concat!(include_str!("rusty.fusebox.toml"), "\0");

static PLUGIN: Plugin = Plugin {
    struct_size: std::mem::size_of::<Plugin>() as u32,
    flags: 0,
    manifest_toml: MANIFEST.as_ptr() as *const c_char,
    create,
    destroy,
    get_interface,
};

#[no_mangle]
#[allow(non_upper_case_globals)]
pub static fusebox_plugin_entry_v1: Entry = Entry {
    magic: FBX_MAGIC,
    struct_size: std::mem::size_of::<Entry>() as u32,
    abi_minor: 0,
    reserved: 0,
    plugin: &PLUGIN,
};
