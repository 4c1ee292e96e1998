/*
 * The program inside every domain: loads the function's shared object with the domain's own ld.so, makes its first func
 * worker and more when they are wanted, one thread each, and carries the function ABI over the gate. It is as untrusted
 * as the function itself.
 */
#include "common/manifest/manifest.h"
#include "protect/guard/guard.h"
#include "worker/base/limits.h"
#include "worker/base/ops.h"
#include "worker/stub/exchange.h"
#include "worker/stub/gate.h"
#include <dlfcn.h>
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <nightward/function.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>

#define OUTPUT_LEAST 4096
#define KEPT_MAX     (4ul << 20) /* larger buffers are given back to the worker after the call that needed them */
#define MAPPED_MIN   (256ul << 10)
#define INBOX_SIZE   (16ul << 10)
#define REPLY_SIZE   (32ul << 10)
#define REPLY_LEAST  (4ul << 10)
#define ROUTES       8
#define NAME_SIZE    (NW_NAME_MAX + 1)

struct function {
    int (*init)(void);
    int (*create)(void *, faas_invoke_func_fn_t, faas_append_output_fn_t, void **);
    int (*call)(void *, const char *, size_t);
    int (*destroy)(void *);
};

/* Outputs of nested calls, which must stay where they are until the surrounding call returns. */
struct chunk {
    struct chunk *older;
    size_t size, used;
    char data[] __attribute__((aligned(16)));
};

struct worker {
    void *handle;
    char *inbox;
    size_t inbox_size;
    char *output;
    size_t output_size, output_length;
    int failed; /* the output could not be kept */
    struct chunk *replies;
    size_t last_reply;
    struct {
        char name[NAME_SIZE];
        long index;
    } routes[ROUTES];
    unsigned next_route;
    struct nw__exchange exchange;
};

const bool nw__refuse_all = true; /* whatever runs here is user code */

static struct function function;
static struct {
    int (*poll)(void);
    void (*hook)(void);
} renewal; /* what makes anew that which no two copies may have in common; NULL: there is none */
static sem_t made;
static int create_status;

/* Large buffers are no business of malloc: its heaps, one for each thread, never give up address space that they once
 * had, and that counts against the function's memory. */
static void *buffer_new(size_t size)
{
    void *buffer;

    if (size < MAPPED_MIN)
        return aligned_alloc(64, (size + 63) & ~63ul);
    buffer = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return buffer == MAP_FAILED ? NULL : buffer;
}

static void buffer_free(void *buffer, size_t size)
{
    if (size < MAPPED_MIN)
        free(buffer);
    else
        munmap(buffer, size);
}

/* Room for `wanted` bytes, and some for those that will follow. */
static int output_grow(struct worker *w, size_t wanted)
{
    size_t size = 2 * w->output_size;
    char *output;

    size = size < OUTPUT_LEAST ? OUTPUT_LEAST : size > NW_PAYLOAD_MAX ? NW_PAYLOAD_MAX : size;
    size = size < wanted ? wanted : size;
    output = buffer_new(size);
    if (!output)
        return -ENOMEM;
    if (w->output_length)
        memcpy(output, w->output, w->output_length);
    buffer_free(w->output, w->output_size);
    w->output = output;
    w->output_size = size;
    return 0;
}

static void append_output(void *context, const char *data, size_t length)
{
    struct worker *w = context;
    size_t wanted = w->output_length + length;

    if (wanted < length || wanted > NW_PAYLOAD_MAX || w->failed) {
        w->output_length = wanted > w->output_length ? wanted : NW_PAYLOAD_MAX + 1;
        return;
    }
    if (wanted > w->output_size && output_grow(w, wanted)) {
        w->failed = 1;
        return;
    }
    memcpy(w->output + w->output_length, data, length);
    w->output_length = wanted;
}

static struct chunk *reply_space(struct worker *w, size_t least)
{
    struct chunk *c = w->replies;
    size_t size = least > REPLY_SIZE ? least : REPLY_SIZE;

    if (c && c->size - c->used >= least)
        return c;
    c = buffer_new(sizeof(*c) + size);
    if (!c)
        return NULL;
    *c = (struct chunk){.older = w->replies, .size = size};
    return w->replies = c;
}

/* One chunk of ordinary size stays for the next call. */
static void replies_reset(struct worker *w)
{
    struct chunk *c = w->replies, *older, *keep = NULL;

    for (; c; c = older) {
        older = c->older;
        if (!keep && sizeof(*c) + c->size <= KEPT_MAX)
            keep = c;
        else
            buffer_free(c, sizeof(*c) + c->size);
    }
    if (keep) {
        keep->older = NULL;
        keep->used = 0;
    }
    w->replies = keep;
    w->last_reply = 0;
}

/* For names of a few bytes faster than libc's, which must be called. */
static int same_name(const char *a, const char *b)
{
    while (*a && *a == *b)
        a++, b++;
    return *a == *b;
}

/* The route of a name, or a negative errno; a few are remembered, with the name beside them. */
static long route_of(struct worker *w, const char *name, int again)
{
    size_t length;
    long index;

    for (unsigned i = 0; i < ROUTES && !again; i++)
        if (w->routes[i].name[0] && same_name(w->routes[i].name, name))
            return w->routes[i].index;
    length = strlen(name);
    if (length >= NAME_SIZE)
        return -ENOENT;
    index = nw__gate_call(NW_OP_ROUTE, 0, name, length, NULL, 0, NULL);
    if (index < 0)
        return index;
    memcpy(w->routes[w->next_route].name, name, length + 1);
    w->routes[w->next_route].index = index;
    w->next_route = (w->next_route + 1) % ROUTES;
    return index;
}

__attribute__((visibility("default"))) long nw_time_left(void)
{
    long left = nw__gate_call(NW_OP_TIME_LEFT, 0, NULL, 0, NULL, 0, NULL);

    return left < 0 ? -1 : left;
}

/* Calls a function in this worker, else one elsewhere. Returns the length of the output, or a negative errno. */
static long call_out(struct worker *w, const char *name, const char *input, size_t length, struct chunk *space,
                     uint64_t *needed)
{
    size_t name_length, room = space->size - space->used;
    char *reply = space->data + space->used;
    long route = -ENOENT, result;

    for (int again = 0; again < 2; again++) {
        route = route_of(w, name, again);
        if (route == -EPERM)
            return route;
        if (route < 0)
            break;
        result = nw__gate_call(NW_OP_CALL, (uint32_t)route, input, length, reply, room, needed);
        if (result != -ENOENT && result != -ESTALE)
            return result;
    }
    name_length = strlen(name);
    if (name_length >= NAME_SIZE)
        return -ENOENT;
    result = nw__gate_call(NW_OP_REPLY, 0, reply, room, NULL, 0, NULL);
    if (result < 0)
        return result;
    return nw__gate_call(NW_OP_CALL_NAME, 0, input, length, name, name_length, needed);
}

static int invoke(void *context, const char *name, const char *input, size_t length, const char **output,
                  size_t *output_length)
{
    struct worker *w = context;
    struct chunk *space = reply_space(w, w->last_reply > REPLY_LEAST ? w->last_reply : REPLY_LEAST);
    uint64_t needed = 0;
    long result = space ? call_out(w, name, input, length, space, &needed) : -ENOMEM;

    *output = NULL;
    *output_length = 0;
    if (result == -ENOBUFS) {
        space = reply_space(w, needed);
        result = nw__gate_call(NW_OP_FETCH, 0, space ? space->data + space->used : NULL,
                               space ? space->size - space->used : 0, NULL, 0, NULL);
    }
    if (result < 0) {
        errno = (int)-result;
        return -1;
    }
    *output = space->data + space->used;
    *output_length = (size_t)result;
    space->used += ((size_t)result + 15) & ~15ul;
    if (space->used > space->size)
        space->used = space->size;
    w->last_reply = (size_t)result;
    return 0;
}

static void inbox_grow(struct worker *w, size_t size)
{
    char *inbox = buffer_new(size);

    if (!inbox)
        return;
    buffer_free(w->inbox, w->inbox_size);
    w->inbox = inbox;
    w->inbox_size = size;
}

static void trim_output(struct worker *w)
{
    if (w->output_size <= KEPT_MAX)
        return;
    buffer_free(w->output, w->output_size);
    w->output = NULL;
    w->output_size = 0;
}

static void trim_inbox(struct worker *w)
{
    if (w->inbox_size <= KEPT_MAX)
        return;
    buffer_free(w->inbox, w->inbox_size);
    w->inbox = NULL;
    w->inbox_size = 0;
    inbox_grow(w, INBOX_SIZE);
}

/* What was printed without an end of line belongs to what has printed it. Who holds the stream is printing, and comes
 * here later. */
static void flush_output(void)
{
    if (!__fpending(stdout) || ftrylockfile(stdout))
        return;
    fflush_unlocked(stdout);
    funlockfile(stdout);
}

/* What no two copies may have in common. */
static void renew_copy(void)
{
    if (renewal.poll)
        renewal.poll();
    if (renewal.hook)
        renewal.hook();
}

/* Until there is no more to do. */
static void serve(struct worker *w)
{
    int status = 0;

    for (;;) {
        uint64_t more = 0;
        long n =
            nw__gate_call(NW_OP_WAIT, (uint32_t)status, w->inbox, w->inbox_size, w->output, w->output_length, &more);

        if (n < 0)
            abort();
        status = 0;
        w->output_length = 0;
        w->failed = 0;
        trim_output(w);
        if (more == NW_NO_MORE)
            return;
        if (more == NW_MORE_ROOM) {
            inbox_grow(w, (size_t)n);
            continue;
        }
        if (more == NW_RESTORED)
            renew_copy();
        status = function.call(w->handle, w->inbox, (size_t)n);
        w->failed |= nw__exchange_end(&w->exchange) < 0;
        flush_output();
        replies_reset(w);
        trim_inbox(w);
        if (w->failed) {
            status = -ENOMEM;
            w->output_length = 0;
        }
    }
}

static void worker_free(struct worker *w)
{
    struct chunk *older;

    for (struct chunk *c = w->replies; c; c = older) {
        older = c->older;
        buffer_free(c, sizeof(*c) + c->size);
    }
    buffer_free(w->output, w->output_size);
    buffer_free(w->inbox, w->inbox_size);
    nw__exchange_fini(&w->exchange);
    free(w);
}

static void *worker_main(void *argument)
{
    struct worker *w = argument;

    inbox_grow(w, INBOX_SIZE);
    create_status = w->inbox ? function.create(w, invoke, append_output, &w->handle) : -ENOMEM;
    sem_post(&made);
    if (create_status)
        return NULL;
    nw__exchange_own(&w->exchange); /* not before: what is asked or said while it is made is of no invocation */
    serve(w);
    nw__exchange_own(NULL);
    function.destroy(w->handle);
    worker_free(w);
    return NULL;
}

static void fail(const char *format, const char *detail, int value)
{
    char text[256];
    int n = snprintf(text, sizeof(text), format, detail, value);

    nw__gate_call(NW_OP_READY, 1, text, (uint64_t)n < sizeof(text) ? (uint64_t)n : sizeof(text) - 1, NULL, 0, NULL);
    abort();
}

static void call_hook(void *library, const char *name)
{
    void (*hook)(void);

    *(void **)&hook = dlsym(library, name);
    if (hook)
        hook();
}

/* libcrypto's generators notice a fork by the process's number, but not that they were copied. Those of all threads are
 * seeded anew once the first of them was. */
static int (*libcrypto_poll(void))(void)
{
    void *libcrypto = dlopen("libcrypto.so.3", RTLD_LAZY | RTLD_NOLOAD);
    int (*poll)(void) = NULL;

    if (libcrypto)
        *(void **)&poll = dlsym(libcrypto, "RAND_poll");
    return poll;
}

/* Looked up before a snapshot is taken: a fresh function is renewed at each invocation. */
static void find_renewal(void *library)
{
    renewal.poll = libcrypto_poll();
    *(void **)&renewal.hook = dlsym(library, "nw_after_restore");
}

/* What no two instances may have in common. */
static void renew(void)
{
    void *seed = (void *)getauxval(AT_RANDOM);

    if (seed && getrandom(seed, 16, 0) < 0)
        abort();
    renew_copy();
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);

    if (!found)
        fail("symbol %s not found; build it against include/faas/worker_v1_interface.h", name, 0);
    return found;
}

static void *load(const char *name)
{
    char path[128];
    void *library;

    snprintf(path, sizeof(path), NW_OWN_FOLDER "%s", name);
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *why = dlerror();

        fail(strstr(why, "static TLS") ? "%s; raise static-tls" : "%s", why, 0);
    }
    *(void **)&function.init = symbol(library, "faas_init");
    *(void **)&function.create = symbol(library, "faas_create_func_worker");
    *(void **)&function.call = symbol(library, "faas_func_call");
    *(void **)&function.destroy = symbol(library, "faas_destroy_func_worker");
    return library;
}

/* Func workers are made one after the other: a function may do anything in faas_create_func_worker. */
static int make_worker(void)
{
    struct worker *w = calloc(1, sizeof(*w));
    pthread_attr_t attr;
    pthread_t thread;
    int error;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, NW_WORKER_STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    error = w ? pthread_create(&thread, &attr, worker_main, w) : ENOMEM;
    if (error) {
        free(w);
        return -error;
    }
    while (sem_wait(&made) < 0)
        continue;
    return create_status;
}

/* Says that the function is up, and makes func workers as they are wanted, until all have ended. */
static void grow(void)
{
    int status = 0;

    for (;;) {
        uint64_t more = 0;
        long result;

        flush_output();
        result = nw__gate_call(NW_OP_READY, status != 0, NULL, 0, NULL, 0, &more);
        if (more == NW_NO_MORE)
            return;
        if (more == NW_RESTORED) {
            nw__gate = (const void *)result;
            renew();
            status = 0;
        } else {
            status = make_worker();
        }
    }
}

/* argv: the function's name, the address of the gate, and, if a snapshot is to be taken, one more. Returns when all
 * func workers have ended: then exit handlers run and destructors, as in any program. */
int main(int argc, char **argv)
{
    void *library;
    int status;

    if (argc < 2)
        return 2;
    nw__gate = (const void *)strtoul(argv[1], NULL, 16);
    setvbuf(stdout, NULL, _IOLBF, 0); /* it goes to the log: a line that was printed is there even after a crash */
    library = load(argv[0]);
    status = function.init();
    if (status)
        fail("%s returned %d", "faas_init", status);
    sem_init(&made, 0, 0);
    status = make_worker();
    if (status == -ENOMEM || status == -EAGAIN)
        fail("a func worker, whose stack takes 1 MiB, cannot be made: %s", strerror(-status), 0);
    if (status)
        fail("%s returned %d", "faas_create_func_worker", status);
    if (argc > 2)
        call_hook(library, "nw_before_snapshot");
    find_renewal(library);
    grow();
    return 0;
}
