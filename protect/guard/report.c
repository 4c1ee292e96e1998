/*
 * What a refused call prints: the function, its caller and the callers above, each once. Composed in one buffer and
 * written at once, without memory of malloc. Not responsible for who may call.
 */
#define UNW_LOCAL_ONLY
#include "common/base/atomic.h"
#include "protect/guard/guard.h"

#include <dlfcn.h>
#include <errno.h>
#include <libunwind.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CALL_SITES   512 /* a power of two */
#define CALLERS      8
#define NAME_SIZE    128
#define MESSAGE_SIZE 4096
#define TEXT_OF(x)   #x
#define TEXT(x)      TEXT_OF(x) /* of a macro, the name that it stands for */

struct message {
    size_t length;
    char text[MESSAGE_SIZE];
};

/* What is used of libunwind. */
struct unwinder {
    int (*getcontext)(unw_context_t *);
    int (*init_local)(unw_cursor_t *, unw_context_t *);
    int (*step)(unw_cursor_t *);
    int (*get_reg)(unw_cursor_t *, int, unw_word_t *);
    int (*get_proc_info)(unw_cursor_t *, unw_proc_info_t *);
    int (*get_proc_name)(unw_cursor_t *, char *, size_t, unw_word_t *);
};

static uintptr_t reported[CALL_SITES];

/* Without a lock of ours: a constructor may be refused while the loader's lock is held, and another thread may wait for
 * that one here. Loading it twice only counts it twice. */
static bool load_unwinder(struct unwinder *unwinder)
{
    void *library = nw__refuse_all ? NULL : dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

    if (library == NULL)
        return false;
    *unwinder = (struct unwinder){
        .getcontext = dlsym(library, TEXT(unw_tdep_getcontext)),
        .init_local = dlsym(library, TEXT(unw_init_local)),
        .step = dlsym(library, TEXT(unw_step)),
        .get_reg = dlsym(library, TEXT(unw_get_reg)),
        .get_proc_info = dlsym(library, TEXT(unw_get_proc_info)),
        .get_proc_name = dlsym(library, TEXT(unw_get_proc_name)),
    };
    return unwinder->getcontext != NULL && unwinder->init_local != NULL && unwinder->step != NULL &&
           unwinder->get_reg != NULL && unwinder->get_proc_info != NULL && unwinder->get_proc_name != NULL;
}

__attribute__((format(printf, 2, 3))) static void append(struct message *message, const char *format, ...)
{
    va_list arguments;
    size_t room = sizeof message->text - message->length;

    va_start(arguments, format);
    int length = vsnprintf(message->text + message->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        message->length += (size_t)length < room ? (size_t)length : room - 1;
}

/* "function+0x12 in module (at offset 0x345)"; `name` is what libunwind knows, "" when that is nothing. */
static void append_place(struct message *message, uintptr_t address, const char *name, uintptr_t offset)
{
    const struct link_map *module = nw__module_of(address - 1);
    Dl_info info;

    if (module == NULL) {
        append(message, "code at %#lx that belongs to no module", address);
        return;
    }
    const char *file = module->l_name[0] != '\0' ? module->l_name : program_invocation_name;
    if (name[0] == '\0' && dladdr((void *)(address - 1), &info) != 0 && info.dli_sname != NULL) {
        name = info.dli_sname;
        offset = address - (uintptr_t)info.dli_saddr;
    }
    if (name[0] == '\0')
        append(message, "a function without a name in %s", file);
    else
        append(message, "%s+%#lx in %s", name, offset, file);
    append(message, " (at offset %#lx)", address - module->l_addr);
}

static void append_frame(struct message *message, const struct unwinder *unwinder, unw_cursor_t *cursor,
                         uintptr_t address)
{
    char name[NAME_SIZE] = "";
    unw_word_t offset = 0;

    if (unwinder->get_proc_name(cursor, name, sizeof name, &offset) < 0)
        name[0] = '\0';
    append_place(message, address, name, offset);
}

/* The callers above the one that the cursor is at. */
static void append_callers(struct message *message, const struct unwinder *unwinder, unw_cursor_t *cursor)
{
    unw_proc_info_t info;
    unw_word_t address;

    for (int i = 0; i < CALLERS; i++) {
        /* libunwind describes code that it knows nothing about as a function of one byte. */
        if (unwinder->get_proc_info(cursor, &info) < 0 || info.end_ip <= info.start_ip + 1) {
            append(message, "libnwguard:   that code has no unwind information; its callers are not known\n");
            return;
        }
        if (unwinder->step(cursor) <= 0 || unwinder->get_reg(cursor, UNW_REG_IP, &address) < 0 || address == 0)
            return;
        append(message, "libnwguard:   called by ");
        append_frame(message, unwinder, cursor, address);
        append(message, "\n");
    }
}

/* Moves the cursor from this library to the frame that the call returns to. */
static bool find_frame(const struct unwinder *unwinder, unw_cursor_t *cursor, uintptr_t return_address)
{
    unw_word_t address = 0;

    for (int i = 0; i < CALLERS && address != return_address; i++) {
        if (unwinder->step(cursor) <= 0 || unwinder->get_reg(cursor, UNW_REG_IP, &address) < 0)
            return false;
    }
    return address == return_address;
}

static void append_stack(struct message *message, uintptr_t return_address)
{
    struct unwinder unwinder;
    unw_context_t context;
    unw_cursor_t cursor;

    if (!load_unwinder(&unwinder) || unwinder.getcontext(&context) < 0 || unwinder.init_local(&cursor, &context) < 0 ||
        !find_frame(&unwinder, &cursor, return_address)) {
        append_place(message, return_address, "", 0);
        append(message, "\n");
        return;
    }
    append_frame(message, &unwinder, &cursor, return_address);
    append(message, "\n");
    append_callers(message, &unwinder, &cursor);
}

/* A call site is an address in a module: another module may come to lie at the same address. Never 0. */
static uintptr_t site_of(uintptr_t return_address)
{
    const struct link_map *module = nw__module_of(return_address - 1);
    uintptr_t hash = 0;

    for (const char *p = module != NULL ? module->l_name : ""; *p != '\0'; p++)
        hash = hash * 31 + (unsigned char)*p;
    uintptr_t site = return_address ^ (hash << 48);
    return site != 0 ? site : 1;
}

/* Whether this call site was not reported before; false also when there is no room to remember it. */
static bool is_new(uintptr_t site)
{
    for (size_t i = 0; i < CALL_SITES; i++) {
        uintptr_t *slot = &reported[(site + i) % CALL_SITES], seen = nw_load_relaxed(slot);
        /* Nothing else is published with the slot: the exchange orders only itself. */
        if (seen == 0 && nw_compare_exchange(slot, &seen, site))
            return true;
        if (seen == site)
            return false;
    }
    return false;
}

void nw__report(const char *name, const char *instead, uintptr_t return_address)
{
    struct message message = {.length = 0};
    int saved_errno = errno;

    if (!is_new(site_of(return_address)))
        return;
    append(&message, "libnwguard: %s refused with EPERM: ", name);
    if (nw__refuse_all)
        append(&message, "a function has no protection keys\n");
    else
        append(&message, "only libprotect.so may call it; use %s of <nightward/protect.h>\n", instead);
    append(&message, "libnwguard:   called by %s",
           nw__caller_of(return_address) == NW__CALLER_HIDDEN ? "a tail call below " : "");
    append_stack(&message, return_address);
    ssize_t written = write(STDERR_FILENO, message.text, message.length);
    (void)written; /* there is nobody else to tell */
    errno = saved_errno;
}
