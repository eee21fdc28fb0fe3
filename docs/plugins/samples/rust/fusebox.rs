// SPDX-License-Identifier: Apache-2.0
//! What this sample uses of fusebox/plugin.h and fusebox/step.h, by hand: the ABI is C, so a struct
//! with repr(C) and functions with extern "C" are all it takes.
#![allow(dead_code)]
use std::os::raw::{c_char, c_void};

pub const FBX_OK: i32 = 0;
pub const FBX_UNSUPPORTED: i32 = 3;
pub const FBX_TIMEOUT: i32 = 7;
pub const FBX_CANCELLED: i32 = 8;
pub const FBX_INTERNAL: i32 = 12;
pub const FBX_MAGIC: u32 = 0x4558_4246;
pub const FBX_LOG_INFO: i32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    pub ptr: *const u8,
    pub len: u64,
}
pub type Span = Str; // the same layout

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Sink {
    pub ctx: *mut c_void,
    pub write: extern "C" fn(*mut c_void, Span) -> i32,
}

#[repr(C)]
pub struct Op {
    _opaque: [u8; 0],
}

#[repr(C)]
pub struct Host {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub get_interface: extern "C" fn(*mut Op, Str) -> *const c_void,
    pub log: extern "C" fn(*mut Op, i32, Str),
    pub fail: extern "C" fn(*mut Op, i32, Str, Str) -> i32,
    pub progress: extern "C" fn(*mut Op, u64, u64, Str, Str),
    pub cancelled: extern "C" fn(*mut Op) -> i32,
    pub cancel_fd: extern "C" fn(*mut Op) -> i32,
    pub remaining_ms: extern "C" fn(*mut Op) -> i64,
    pub checkpoint: extern "C" fn(*mut Op, Str) -> i32, // only where struct_size reaches it
}

pub type StepFn = extern "C" fn(*mut c_void, *mut Op, Str, Sink) -> i32;

#[repr(C)]
pub struct Step {
    pub struct_size: u32,
    pub reserved: u32,
    pub plan: StepFn,
    pub run: StepFn,
    pub undo: Option<StepFn>,
}

#[repr(C)]
pub struct Plugin {
    pub struct_size: u32,
    pub flags: u32,
    pub manifest_toml: *const c_char,
    pub create: extern "C" fn(*const Host, *mut Op, Str, *mut *mut c_void) -> i32,
    pub destroy: extern "C" fn(*mut c_void),
    pub get_interface: extern "C" fn(*mut c_void, Str) -> *const c_void,
}

#[repr(C)]
pub struct Entry {
    pub magic: u32,
    pub struct_size: u32,
    pub abi_minor: u32,
    pub reserved: u32,
    pub plugin: *const Plugin,
}

// Static data that nobody writes to.
unsafe impl Sync for Plugin {}
unsafe impl Sync for Entry {}

impl Str {
    pub fn of(text: &str) -> Str {
        Str { ptr: text.as_ptr(), len: text.len() as u64 }
    }
    /// Borrowed until the call returns; empty where it is no UTF-8.
    ///
    /// # Safety
    /// The host gave it, in the call that is being answered.
    pub unsafe fn text<'a>(self) -> &'a str {
        if self.ptr.is_null() {
            return "";
        }
        std::str::from_utf8(std::slice::from_raw_parts(self.ptr, self.len as usize)).unwrap_or("")
    }
}
