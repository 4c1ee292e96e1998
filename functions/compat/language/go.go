// Go as a c-shared library: goroutines, one of them in the way, channels, the collector, a panic that is recovered.
package main

/*
#include <stdlib.h>
#include <faas/worker_v1_interface.h>
typedef const char const_char;
struct go_worker { void *context; faas_append_output_fn_t append; };
static void go_append(struct go_worker *w, const char *data, size_t length) { w->append(w->context, data, length); }
*/
import "C"

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

//export faas_init
func faas_init() C.int { return 0 }

//export faas_create_func_worker
func faas_create_func_worker(context unsafe.Pointer, invoke C.faas_invoke_func_fn_t, appendOutput C.faas_append_output_fn_t, handle *unsafe.Pointer) C.int {
	worker := (*C.struct_go_worker)(C.malloc(C.sizeof_struct_go_worker))
	worker.context = context
	worker.append = appendOutput
	*handle = unsafe.Pointer(worker)
	return 0
}

//export faas_destroy_func_worker
func faas_destroy_func_worker(handle unsafe.Pointer) C.int {
	C.free(handle)
	return 0
}

func recovered() (what string) {
	defer func() { what = fmt.Sprint(recover()) }()
	var nothing map[string]int
	nothing["x"] = 1
	return "no panic"
}

// A goroutine that never pauses leaves its only thread to another one when a signal tells it to.
func preempt() {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var stop atomic.Bool
	go func() {
		for !stop.Load() {
		}
	}()
	time.Sleep(20 * time.Millisecond)
	stop.Store(true)
}

//export faas_func_call
func faas_func_call(handle unsafe.Pointer, input *C.const_char, length C.size_t) C.int {
	words := strings.Fields(C.GoStringN((*C.char)(unsafe.Pointer(input)), C.int(length)))
	lengths := make(chan int)
	for _, word := range words {
		go func(word string) { lengths <- len(word) }(word)
	}
	sum := 0
	for range words {
		sum += <-lengths
	}
	preempt()
	runtime.GC()
	answer := fmt.Sprintf("%d words, %d letters, recovered: %s", len(words), sum, recovered())
	data := C.CString(answer)
	defer C.free(unsafe.Pointer(data))
	C.go_append((*C.struct_go_worker)(handle), data, C.size_t(len(answer)))
	return 0
}

func main() {}
