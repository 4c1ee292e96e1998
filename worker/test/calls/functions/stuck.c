/* A function whose threads begin and end with their numbers in a page of a file: its input is how, and the file. */
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
#define KIND (CLONE_VM | CLONE_THREAD | CLONE_SIGHAND | CLONE_FS | CLONE_FILES | CLONE_SYSVSEM)

static faas_append_output_fn_t append_;

int faas_init(void)
{
    return 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    (void)invoke;
    append_ = append;
    *handle = context;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    (void)handle;
    return 0;
}

static void *leave(void *page)
{
    syscall(SYS_set_tid_address, page);
    return NULL;
}

/* The new thread ends at once. */
static long begin(void *page)
{
    static char stack[PAGE];
    long result = SYS_clone;

    __asm__ volatile("syscall\n\t"
                     "test %%rax, %%rax\n\t"
                     "jne 1f\n\t"
                     "mov %[exit], %%eax\n\t"
                     "syscall\n\t"
                     "1:"
                     : "+a"(result)
                     : "D"(KIND | CLONE_PARENT_SETTID), "S"(stack + PAGE), "d"(page), [exit] "i"(SYS_exit)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    char copy[128], *path = copy;
    pthread_t thread;
    void *page;
    bool begins, done;

    snprintf(copy, sizeof(copy), "%.*s", (int)length, input);
    strsep(&path, " ");
    begins = strcmp(copy, "begin") == 0;
    page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, open(path, O_RDWR), begins ? PAGE : 8 * PAGE);
    if (page == MAP_FAILED)
        return -1;
    done = begins ? begin(page) > 0 : !pthread_create(&thread, NULL, leave, page) && !pthread_detach(thread);
    append_(handle, done ? "ok" : "failed", done ? 2 : 6);
    return 0;
}
