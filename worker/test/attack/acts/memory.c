/* Attacks through memory calls, files and code that was looked at before (rows 1, 2, 3, 7, 9, 10, 21, 22). */
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE 4096
#define RX   (PROT_READ | PROT_EXEC)
#define RW   (PROT_READ | PROT_WRITE)

/* Pages of this file that are no code until someone maps them as such. */
#define RETURN 0xc3
#define WHOLE  64 /* where in the page its code begins */
static const uint8_t whole[PAGE]
    __attribute__((aligned(PAGE))) = {'w', 'h', 'o', 'l', 'e', [WHOLE] = 0x0f, 0x01, 0xef, RETURN};
static const uint8_t first_half[PAGE] __attribute__((aligned(PAGE))) = {'f', 'i', 'r', 's', 't', [4094] = 0x0f, 0x01};
static const uint8_t last_half[PAGE] __attribute__((aligned(PAGE))) = {0xef, RETURN, 'l', 'a', 's', 't'};
static const uint8_t harmless[PAGE] __attribute__((aligned(PAGE))) = {'h', 'a', 'r', 'm', 'l', 'e', 's', 's'};

/* This function's own file: the only one that the attacker wrote. */
static int own_file(void)
{
    return open("/function/memory", O_RDONLY);
}

/* Where in the file a page lies; -1 when it is not there. */
static off_t offset_of(int fd, const uint8_t *page)
{
    static uint8_t read[PAGE];

    for (off_t at = 0; pread(fd, read, PAGE, at) > 0; at += PAGE)
        if (memcmp(read, page, PAGE) == 0)
            return at;
    return -1;
}

static uint8_t *map_page(int fd, const uint8_t *page, void *at, int prot, int flags)
{
    return mmap(at, PAGE, prot, flags, fd, offset_of(fd, page));
}

/* Uses a page of code that holds WRPKRU and a return at `offset`: with it every domain's memory can be read. */
static const char *run(struct attacker *a, const uint8_t *page, long offset)
{
    return page == MAP_FAILED ? attack_outcome(a, -1) : attack_use_rights(a, page + offset);
}

static const char *try_map_whole(struct attacker *a)
{
    return run(a, map_page(own_file(), whole, NULL, RX, MAP_PRIVATE), WHOLE);
}

static uint8_t *two_pages(void)
{
    return mmap(NULL, 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static const char *try_join(struct attacker *a)
{
    int fd = own_file();
    uint8_t *at = two_pages();

    if (map_page(fd, first_half, at, RX, MAP_PRIVATE | MAP_FIXED) == MAP_FAILED)
        return "the first half was refused";
    return run(a, map_page(fd, last_half, at + PAGE, RX, MAP_PRIVATE | MAP_FIXED), -2);
}

static const char *try_join_backwards(struct attacker *a)
{
    int fd = own_file();
    uint8_t *at = two_pages();

    if (map_page(fd, last_half, at + PAGE, RX, MAP_PRIVATE | MAP_FIXED) == MAP_FAILED)
        return "the last half was refused";
    return run(a, map_page(fd, first_half, at, RX, MAP_PRIVATE | MAP_FIXED), PAGE - 2);
}

/* The second half of the instruction is mapped while the page with the first half is not executable. */
static const char *try_join_hidden(struct attacker *a)
{
    int fd = own_file();
    uint8_t *at = two_pages();

    if (map_page(fd, first_half, at, RX, MAP_PRIVATE | MAP_FIXED) == MAP_FAILED)
        return "the first half was refused";
    mprotect(at, PAGE, PROT_NONE);
    at = map_page(fd, last_half, at + PAGE, RX, MAP_PRIVATE | MAP_FIXED);
    if (at != MAP_FAILED)
        mprotect(at - PAGE, PAGE, RX);
    return run(a, at, -2);
}

static const char *try_join_moving(struct attacker *a)
{
    int fd = own_file();
    uint8_t *at = two_pages(), *other = map_page(fd, last_half, NULL, RX, MAP_PRIVATE);

    if (other == MAP_FAILED || map_page(fd, first_half, at, RX, MAP_PRIVATE | MAP_FIXED) == MAP_FAILED)
        return "a half was refused";
    return run(a, mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at + PAGE), -2);
}

/* Makes a page that was written executable. */
static const char *execute(struct attacker *a, uint8_t *page)
{
    return mprotect(page, PAGE, RX) < 0 ? attack_outcome(a, -1) : run(a, page, WHOLE);
}

static const char *try_map_rwx(struct attacker *a)
{
    uint8_t *at = mmap(NULL, PAGE, RX | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at != MAP_FAILED)
        memcpy(at, whole, PAGE);
    return run(a, at, WHOLE);
}

static const char *try_map_anonymous(struct attacker *a)
{
    uint8_t *at = mmap(NULL, PAGE, RX, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at != MAP_FAILED && mprotect(at, PAGE, RW) == 0)
        memcpy(at, whole, PAGE);
    return at == MAP_FAILED ? run(a, at, 0) : execute(a, at);
}

static const char *try_write_then_execute(struct attacker *a)
{
    uint8_t *at = mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memcpy(at, whole, PAGE);
    return execute(a, at);
}

/* The same through a private copy of a file's page. */
static const char *try_write_file_then_execute(struct attacker *a)
{
    uint8_t *at = map_page(own_file(), harmless, NULL, RW, MAP_PRIVATE);

    memcpy(at, whole, PAGE);
    return execute(a, at);
}

static const char *try_make_code_writable(struct attacker *a)
{
    uint8_t *at = map_page(own_file(), harmless, NULL, RX, MAP_PRIVATE);

    if (mprotect(at, PAGE, RW) < 0)
        return attack_outcome(a, -1);
    memcpy(at, whole, PAGE);
    return execute(a, at);
}

/* One page of the file, once executable and once writable and shared. */
static const char *try_map_twice(struct attacker *a)
{
    int fd = own_file();
    uint8_t *code = map_page(fd, harmless, NULL, RX, MAP_SHARED);
    uint8_t *other = map_page(fd, harmless, NULL, RW, MAP_SHARED);

    if (code == MAP_FAILED || other == MAP_FAILED)
        return attack_outcome(a, -1);
    other[0] = 'X';
    return code[0] == 'X' ? "the code changed" : "unchanged";
}

/* The kernel drops the pages; what comes back is the code that was looked at. */
static const char *try_drop_code(struct attacker *a)
{
    uint8_t *code = map_page(own_file(), harmless, NULL, RX, MAP_PRIVATE);

    if (code == MAP_FAILED || madvise(code, PAGE, MADV_DONTNEED) < 0)
        return attack_outcome(a, -1);
    return memcmp(code, harmless, PAGE) == 0 ? "unchanged" : "the code changed";
}

/* What was written beside code is made executable, alone and together with the code. */
static const char *try_grow_code(struct attacker *a)
{
    uint8_t *at = two_pages();

    if (map_page(own_file(), first_half, at, RX, MAP_PRIVATE | MAP_FIXED) == MAP_FAILED ||
        mprotect(at + PAGE, PAGE, RW) < 0)
        return "a half was refused";
    at[PAGE] = 0xef;
    if (mprotect(at, 2 * PAGE, RX) == 0)
        return "executable";
    return attack_outcome(a, mprotect(at + PAGE, PAGE, RX));
}

/* Only returns; attack_test.c overwrites its bytes in the file with WRPKRU. */
__asm__(".text; changing: movabsq $0x676e69676e616863, %rax; ret");
extern const uint8_t changing[];

static const char *try_changed(struct attacker *a)
{
    uint64_t result = 0;

    __asm__ volatile("call *%1" : "+a"(result) : "r"(changing) : "rcx", "rdx", "memory", "cc");
    return result ? "unchanged" : attack_say(a, "read %#x", *(volatile uint8_t *)a->arg[0]);
}

static const char *try_run_data(struct attacker *a)
{
    static uint8_t code[PAGE] = {0xc3};

    (void)a;
    ((void (*)(void))(uintptr_t)code)();
    return "executed";
}

/* ---- what is left in executable memory ---- */

static int forbidden(const uint8_t *p)
{
    unsigned reg = p[2] >> 3 & 7, is_register = p[2] >> 6 == 3;

    if (p[0] != 0x0f)
        return 0;
    if (p[1] == 0x01)
        return p[2] == 0xef;
    return p[1] == 0xae && ((reg == 5 && !is_register) || (is_register && p[-1] == 0xf3 && (reg == 2 || reg == 3)) ||
                            (is_register && p[-2] == 0xf3 && (reg == 2 || reg == 3)));
}

static int count(struct dl_phdr_info *info, size_t size, void *total)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        const uint8_t *start = (const uint8_t *)(info->dlpi_addr + ph->p_vaddr);

        if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
            continue;
        for (size_t k = 2; k + 3 <= ph->p_memsz; k++)
            *(long *)total += forbidden(start + k);
    }
    return 0;
}

/* The operands spell WRPKRU; the compiler might have made them as well as an attacker. */
__attribute__((noinline, used)) static uint32_t accident(uint32_t value)
{
    return value ^ 0x90ef010f;
}

static const char *try_search(struct attacker *a)
{
    long found = 0;

    if (accident(0x90ef010f) != 0)
        return "the code is broken";
    dl_iterate_phdr(count, &found);
    return found ? attack_say(a, "%ld left", found) : "none left";
}

/* ---- files ---- */

static const char *try_open_memory(struct attacker *a)
{
    static const char *const names[] = {
        "/proc/self/mem",
        "/proc/thread-self/mem",
        "/proc/1/mem",
        "//proc/self/mem",
        "/proc//self/./mem",
        "/lib/../proc/self/mem",
        "/usr/lib/../../proc/self/mem",
        "proc/self/mem",
        "../proc/self/mem",
        "/proc/self/maps",
        "/proc/self/pagemap",
        "/proc/self/task",
        "/proc/self/fd",
        "/proc/self/fd/3",
        "/proc/self/root/proc/self/mem",
        "/dev/fd/3",
        "/dev/mem",
        "/dev/shm/x",
        "/function/secret",
        "/function/../function/secret",
        "/etc/passwd",
        "/lib/x86_64-linux-gnu/../../../proc/self/mem",
    };
    uint8_t byte;
    int fd;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        for (int flags = O_RDONLY; flags <= O_RDWR; flags++)
            if ((fd = open(names[i], flags)) >= 0 && pread(fd, &byte, 1, (off_t)a->arg[0]) == 1)
                return attack_say(a, "%s: read %#x", names[i], byte);
            else if (fd >= 0 || errno != ENOENT)
                return attack_say(a, "%s: %s", names[i], strerrorname_np(errno));
    return "ENOENT";
}

static const char *try_write_library(struct attacker *a)
{
    return attack_outcome(a, open("/lib/x86_64-linux-gnu/libm.so.6", O_RDWR));
}

static const char *const paths[] = {"/dev/null", "/proc/self/maps"};
static char path[32];
static int flipping, flips;

static void *flip(void *unused)
{
    (void)unused;
    for (unsigned i = 0; __atomic_load_n(&flipping, __ATOMIC_RELAXED); i++) {
        strcpy(path, paths[i & 1]);
        __atomic_store_n(&flips, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

/* A second thread changes the name while it is looked at: what is opened must be what was allowed. */
static const char *try_path_race(struct attacker *a)
{
    pthread_t thread;
    int wrong = 0;

    flipping = 1;
    flips = 0;
    if (pthread_create(&thread, NULL, flip, NULL))
        return attack_outcome(a, -1);
    while (!__atomic_load_n(&flips, __ATOMIC_RELAXED))
        sched_yield();
    for (int i = 0; i < 3000 && !wrong; i++) {
        int fd = open(path, O_RDONLY);
        struct stat st;

        wrong += fd >= 0 && fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode);
        if (fd >= 0)
            close(fd);
    }
    __atomic_store_n(&flipping, 0, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    return wrong ? attack_say(a, "%d wrong files", wrong) : "ENOENT";
}

/* Numbers below 3 are the standard streams, which every domain has; it opened nothing itself. */
static const char *try_foreign_files(struct attacker *a)
{
    static const int calls[] = {SYS_read, SYS_write, SYS_pread64, SYS_fstat, SYS_lseek, SYS_getdents64, SYS_dup};
    static char buffer[PAGE];

    for (long fd = 3; fd < 300; fd++) {
        for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
            if (syscall(calls[i], fd, buffer, 16, 0) >= 0 || errno != EBADF)
                return attack_say(a, "file %ld, call %d: %s", fd, calls[i], strerrorname_np(errno));
        if (close((int)fd) == 0)
            return attack_say(a, "closed %ld", fd);
    }
    return "EBADF";
}

static const char *try_watch_files(struct attacker *a)
{
    struct epoll_event event = {.events = EPOLLIN};
    int own = epoll_create1(0);

    for (int fd = 3; fd < 300; fd++)
        if (fd != own && epoll_ctl(own, EPOLL_CTL_ADD, fd, &event) == 0)
            return attack_say(a, "watches file %d", fd);
    return strerrorname_np(errno);
}

static const char *try_dup_over(struct attacker *a)
{
    int ends[2];

    if (pipe(ends) < 0)
        return attack_outcome(a, -1);
    for (int fd = 3; fd < 200; fd++) /* its own table fills; nobody else's changes */
        dup2(ends[0], fd);
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    return "done";
}

const struct attack attacks[] = {
    {"map-whole", try_map_whole},
    {"join", try_join},
    {"join-backwards", try_join_backwards},
    {"join-hidden", try_join_hidden},
    {"join-moving", try_join_moving},
    {"map-rwx", try_map_rwx},
    {"map-anonymous", try_map_anonymous},
    {"write-then-execute", try_write_then_execute},
    {"write-file-then-execute", try_write_file_then_execute},
    {"make-code-writable", try_make_code_writable},
    {"map-twice", try_map_twice},
    {"drop-code", try_drop_code},
    {"grow-code", try_grow_code},
    {"run-data", try_run_data},
    {"changed", try_changed},
    {"search", try_search},
    {"open-memory", try_open_memory},
    {"write-library", try_write_library},
    {"path-race", try_path_race},
    {"foreign-files", try_foreign_files},
    {"watch-files", try_watch_files},
    {"dup-over", try_dup_over},
    {0},
};
