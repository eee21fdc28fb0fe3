// SPDX-License-Identifier: Apache-2.0

// A step in Go. Go's runtime starts threads and takes signals when the library is loaded, which a
// plugin in the host's own process must not do: run it with isolation = "process".
package main

/*
#include <fusebox/step.h>
#include <stdlib.h>

static fbx_rc gopher_write(fbx_sink sink, const char* text, uint64_t size) {
  fbx_span bytes = {(const uint8_t*)text, size};
  return sink.write(sink.ctx, bytes);
}
static fbx_rc gopher_fail(fbx_host* host, fbx_op* op, fbx_rc rc, const char* what, uint64_t what_size,
                          const char* hint, uint64_t hint_size) {
  fbx_str w = {what, what_size}, h = {hint, hint_size};
  return host->fail(op, rc, w, h);
}
static int32_t gopher_cancelled(fbx_host* host, fbx_op* op) { return host->cancelled(op); }
static int64_t gopher_remaining(fbx_host* host, fbx_op* op) { return host->remaining_ms(op); }
*/
import "C"

import (
	"encoding/json"
	"unsafe"
)

// What is passed to the host must be C's memory: Go may move its own.
func write(sink C.fbx_sink, text string) C.fbx_rc {
	bytes := C.CString(text)
	defer C.free(unsafe.Pointer(bytes))
	return C.gopher_write(sink, bytes, C.uint64_t(len(text)))
}

func fail(host *C.fbx_host, op *C.fbx_op, rc C.fbx_rc, what, hint string) C.fbx_rc {
	w, h := C.CString(what), C.CString(hint)
	defer C.free(unsafe.Pointer(w))
	defer C.free(unsafe.Pointer(h))
	return C.gopher_fail(host, op, rc, w, C.uint64_t(len(what)), h, C.uint64_t(len(hint)))
}

// Answers one call: a panic is a failure like any other.
func answer(host *C.fbx_host, op *C.fbx_op, request C.fbx_str, body func() C.fbx_rc) (rc C.fbx_rc) {
	defer func() {
		if recover() != nil {
			rc = fail(host, op, C.FBX_INTERNAL, "a panic", "this is a bug of the plugin")
		}
	}()
	var asked struct{ Verb string }
	if err := json.Unmarshal(C.GoBytes(unsafe.Pointer(request.ptr), C.int(request.len)), &asked); err != nil {
		return fail(host, op, C.FBX_ARGUMENT, "the request is no JSON object: "+err.Error(), "")
	}
	if asked.Verb != "greet" {
		return fail(host, op, C.FBX_UNSUPPORTED, "there is no such verb", "the manifest lists them")
	}
	return body()
}

//export gopher_plan
func gopher_plan(host *C.fbx_host, op *C.fbx_op, request C.fbx_str, result C.fbx_sink) C.fbx_rc {
	return answer(host, op, request, func() C.fbx_rc {
		return write(result, `{"summary":"would say hello","actions":["say hello"]}`)
	})
}

//export gopher_run
func gopher_run(host *C.fbx_host, op *C.fbx_op, request C.fbx_str, result C.fbx_sink) C.fbx_rc {
	return answer(host, op, request, func() C.fbx_rc {
		if C.gopher_cancelled(host, op) != 0 {
			rc := C.fbx_rc(C.FBX_CANCELLED)
			if C.gopher_remaining(host, op) == 0 {
				rc = C.FBX_TIMEOUT
			}
			return fail(host, op, rc, "stopped before it said hello", "")
		}
		return write(result, `{"summary":"hello from Go","changed":false}`)
	})
}

func main() {}
