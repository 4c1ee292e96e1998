/*
 * Memory of a function may be pages of a file, and its file system may take as long as it likes to bring one. Here it
 * does so until it is told: a file system of this process. Only that function waits for it. Mode mpk.
 */
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/test/calls/probe_host.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define ask    nw_probe_ask
#define SIZE   (16 * 4096)
#define FILE_  2 /* its node; that of the root is 1 */
#define BUFFER 65536

static struct {
    char folder[32];
    int device;
    pthread_t thread;
    sem_t asked, may_answer; /* for a page */
} fs;

static void reply(uint64_t unique, int error, const void *data, size_t length)
{
    struct fuse_out_header header = {.len = (uint32_t)(sizeof(header) + length), .error = error, .unique = unique};
    struct iovec parts[] = {{&header, sizeof(header)}, {(void *)data, length}};

    if (writev(fs.device, parts, 2) < 0 && errno != ENOENT)
        fail_msg("cannot answer the kernel: %s", strerror(errno));
}

static struct fuse_attr attributes(uint64_t node)
{
    return (struct fuse_attr){.ino = node,
                              .size = node == FILE_ ? SIZE : 0,
                              .mode = node == FILE_ ? S_IFREG | 0600 : S_IFDIR | 0700,
                              .nlink = 1,
                              .blksize = 4096};
}

static void look_up(const struct fuse_in_header *in, const char *name)
{
    const struct fuse_entry_out entry = {
        .nodeid = FILE_, .entry_valid = 1000, .attr_valid = 1000, .attr = attributes(FILE_)};

    reply(in->unique, strcmp(name, "f") == 0 ? 0 : -ENOENT, &entry, strcmp(name, "f") == 0 ? sizeof(entry) : 0);
}

static void bring_page(const struct fuse_in_header *in, const struct fuse_read_in *wanted)
{
    static const char zeros[SIZE];

    sem_post(&fs.asked);
    sem_wait(&fs.may_answer);
    reply(in->unique, 0, zeros, wanted->size < SIZE ? wanted->size : SIZE);
}

static void serve(const struct fuse_in_header *in)
{
    const struct fuse_init_out init = {
        .major = FUSE_KERNEL_VERSION, .minor = 31, .max_background = 8, .congestion_threshold = 8, .max_write = 4096};
    const struct fuse_attr_out attr = {.attr_valid = 1000, .attr = attributes(in->nodeid)};
    const struct fuse_statfs_out space = {.st = {.bsize = 4096, .namelen = 255}};
    const struct fuse_open_out opened = {.open_flags = FOPEN_KEEP_CACHE};

    switch (in->opcode) {
    case FUSE_INIT:
        reply(in->unique, 0, &init, sizeof(init));
        break;
    case FUSE_LOOKUP:
        look_up(in, (const char *)(in + 1));
        break;
    case FUSE_GETATTR:
        reply(in->unique, 0, &attr, sizeof(attr));
        break;
    case FUSE_STATFS:
        reply(in->unique, 0, &space, sizeof(space));
        break;
    case FUSE_OPEN:
    case FUSE_OPENDIR:
        reply(in->unique, 0, &opened, sizeof(opened));
        break;
    case FUSE_READ:
        bring_page(in, (const struct fuse_read_in *)(in + 1));
        break;
    case FUSE_FORGET:
    case FUSE_BATCH_FORGET:
    case FUSE_INTERRUPT:
        break;
    default:
        reply(in->unique, -ENOSYS, NULL, 0);
    }
}

static void *file_system(void *unused)
{
    static _Alignas(8) char buffer[BUFFER];

    while (read(fs.device, buffer, sizeof(buffer)) > 0)
        serve((const struct fuse_in_header *)(void *)buffer);
    return unused;
}

static bool mount_it(void)
{
    char options[96];

    fs.device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fs.device);
    return fs.device >= 0 && unshare(CLONE_NEWNS) == 0 && mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("nightward", fs.folder, "fuse", MS_NOSUID | MS_NODEV, options) == 0;
}

static uint32_t load(const char *name)
{
    char list[48];
    const struct nw_load l = {.name = name,
                              .so = nw_probe_built(strcmp(name, "stuck") == 0 ? "stuck" : "filer"),
                              .slots = 2,
                              .timeout_ms = 20000,
                              .profile = NW_PROFILE_FILES,
                              .directories = strcmp(name, "neighbour") == 0 ? NULL : list};

    snprintf(list, sizeof(list), "%s:rw", fs.folder);
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, &l);
    if (!nw_probe.deployment)
        fail_msg("refused: %s", nw_probe.harness.message.text);
    return nw_probe.deployment;
}

static int start(void **state)
{
    (void)state;
    snprintf(fs.folder, sizeof(fs.folder), "/tmp/nw-stuck-XXXXXX");
    assert_non_null(mkdtemp(fs.folder));
    if (!mount_it())
        return 0;
    sem_init(&fs.asked, 0, 0);
    sem_init(&fs.may_answer, 0, 0);
    assert_int_equal(pthread_create(&fs.thread, NULL, file_system, NULL), 0);
    nw_harness_start(&nw_probe.harness, NW_MODE_MPK, 2);
    *state = &fs;
    return 0;
}

static int stop(void **state)
{
    if (*state) {
        sem_post(&fs.may_answer); /* one that failed left it waiting */
        nw_harness_stop(&nw_probe.harness);
        umount2(fs.folder, MNT_DETACH);
        pthread_join(fs.thread, NULL);
    }
    if (fs.device >= 0)
        close(fs.device);
    return rmdir(fs.folder);
}

/* While a page is brought that a system call of the filer's is about, its neighbour is served. */
static void try(const char *command, const char *expect)
{
    uint32_t filer = load("filer"), neighbour = load("neighbour");
    char path[48], answer[64];
    int f;

    nw_probe.deployment = filer;
    snprintf(path, sizeof(path), "%s/f", fs.folder);
    f = atoi(ask("open %s %d", path, O_RDWR));
    assert_in_range(f, 3, 100);
    assert_string_equal(ask("map %d %d %d", f, PROT_READ | PROT_WRITE, SIZE), "ok");
    nw_harness_send(&nw_probe.harness, filer, command, strlen(command));
    sem_wait(&fs.asked);
    nw_probe.deployment = neighbour;
    assert_string_equal(ask("getcwd"), "/");
    sem_post(&fs.may_answer);
    nw_probe_take(answer, sizeof(answer));
    assert_string_equal(answer, expect);
}

static void need_a_file_system(void **state)
{
    if (*state)
        return;
    print_message("no file system of its own: it takes root and /dev/fuse\n");
    skip();
}

static void a_futex_may_be_far_away(void **state)
{
    need_a_file_system(state);
    try("futex 4096", "EAGAIN");
}

static void the_number_of_a_thread_may_be_far_away(void **state)
{
    static const char *const commands[] = {"begin", "leave"};
    uint32_t stuck, neighbour;
    char command[64], answer[64];

    need_a_file_system(state);
    stuck = load("stuck");
    neighbour = load("neighbour");
    for (int i = 0; i < 2; i++) {
        const bool answers_first = i == 1; /* it is another thread that waits */

        snprintf(command, sizeof(command), "%s %s/f", commands[i], fs.folder);
        nw_harness_send(&nw_probe.harness, stuck, command, strlen(command));
        if (answers_first)
            nw_probe_take(answer, sizeof(answer));
        sem_wait(&fs.asked);
        nw_probe.deployment = neighbour;
        assert_string_equal(ask("getcwd"), "/");
        sem_post(&fs.may_answer);
        if (!answers_first)
            nw_probe_take(answer, sizeof(answer));
        assert_string_equal(answer, "ok");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_futex_may_be_far_away, start, stop),
        cmocka_unit_test_setup_teardown(the_number_of_a_thread_may_be_far_away, start, stop),
    };
    char why[256];

    if (!nw_mode_mpk_usable(why, sizeof(why))) {
        print_message("mode mpk: %s\n", why);
        return 0;
    }
    return _cmocka_run_group_tests("stuck", tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}
