/* What functions of profile files find and do in a live worker, in modes mpk and process: see filer.c. What they may
 * not do at all is in profiles_test.c. */
#include "common/manifest/manifest.h"
#include "common/test/test.h"
#include "worker/test/calls/probe_host.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ask nw_probe_ask

/* The folder holds "open", which is granted, and "closed", which is not. */

static int start(void **state)
{
    (void)state;
    nw_probe_folder_make();
    nw_probe_shell(
        "cd %s && mkdir -p open/inner/deep closed && printf granted >open/file && printf deeper >open/inner/file && "
        "printf secret >closed/secret && ln -s inner open/link && ln -s ../closed open/out",
        nw_probe_folder);
    nw_harness_start(&nw_probe.harness, nw_probe.mode, 2);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    nw_harness_stop(&nw_probe.harness);
    nw_probe_folder_remove();
    return 0;
}

/* The filer, with "open" granted. */
static struct nw_load filer(const char *kind)
{
    static char list[96];

    snprintf(list, sizeof(list), "%s/open:%s", nw_probe_folder, kind);
    return (struct nw_load){.name = "filer",
                            .so = nw_probe_built("filer"),
                            .slots = 2,
                            .timeout_ms = 5000,
                            .profile = NW_PROFILE_FILES,
                            .directories = list};
}

static void load(const struct nw_load *l)
{
    nw_probe.deployment = nw_harness_load(&nw_probe.harness, l);
    if (!nw_probe.deployment)
        fail_msg("refused: %s", nw_probe.harness.message.text);
}

/* ---- the working directory ---- */

static void relative_paths_begin_at_the_working_directory(void **state)
{
    struct nw_load l = filer("rw");
    char cwd[96], inner[96];

    (void)state;
    snprintf(cwd, sizeof(cwd), "%s/open", nw_probe_folder);
    snprintf(inner, sizeof(inner), "%s/open/inner", nw_probe_folder);
    l.cwd = cwd;
    l.env = "NEEDS=inner/file"; /* while it is loaded, too */
    load(&l);
    assert_string_equal(ask("getcwd"), cwd);
    assert_string_equal(ask("read file"), "granted");
    assert_string_equal(ask("read ./inner/../file"), "granted");
    assert_string_equal(ask("read ../open/file"), "granted");
    assert_string_equal(ask("write inner/new text"), "ok");
    assert_string_equal(ask("stat inner/new"), "100644 4");
    assert_string_equal(ask("chdir link"), "ok");
    assert_string_equal(ask("getcwd"), inner); /* links are resolved */
    assert_string_equal(ask("read new"), "text");
    assert_string_equal(ask("chdir deep"), "ok");
    assert_string_equal(ask("read ../file"), "deeper");
    assert_string_equal(ask("chdir ../../.."), "ok"); /* above what is granted */
    assert_string_equal(ask("getcwd"), nw_probe_folder);
    assert_string_equal(ask("read open/file"), "granted");
    assert_string_equal(ask("chdir /"), "ok");
    assert_string_equal(ask("getcwd"), "/");
    assert_string_equal(ask("read %s", inner + 1), "EISDIR");
    assert_string_equal(ask("getcwd 1"), "ERANGE");
}

static void the_working_directory_is_a_directory_that_is_granted(void **state)
{
    struct nw_load l = filer("rw");
    char cwd[96];

    (void)state;
    snprintf(cwd, sizeof(cwd), "%s/open/none", nw_probe_folder);
    l.cwd = cwd;
    assert_int_equal(nw_harness_load(&nw_probe.harness, &l), 0);
    assert_non_null(strstr(nw_probe.harness.message.text, "make the directory that cwd names"));
    l.cwd = NULL;
    load(&l);
    assert_string_equal(ask("getcwd"), "/");
    assert_string_equal(ask("chdir %s/open", nw_probe_folder), "ok");
    assert_string_equal(ask("chdir file"), "ENOTDIR");
    assert_string_equal(ask("chdir none"), "ENOENT");
    assert_string_equal(ask("chdir out"), "ENOENT");
    assert_string_equal(ask("chdir ../closed"), "ENOENT");
    assert_string_equal(ask("read ../closed/secret"), "ENOENT");
    assert_string_equal(ask("read out/secret"), "ENOENT");
    assert_string_equal(ask("chdir /usr/lib/x86_64-linux-gnu"), "EACCES");
    assert_string_equal(ask("chdir /proc/self"), "ENOENT");
    assert_string_equal(ask("getcwd"), nw_probe_ask("realpath ."));
    snprintf(cwd, sizeof(cwd), "fchdir %s", ask("open inner %d", O_RDONLY | O_DIRECTORY));
    assert_string_equal(ask("%s", cwd), "ok");
    assert_string_equal(ask("read file"), "deeper");
    snprintf(cwd, sizeof(cwd), "fchdir %s", ask("open file 0"));
    assert_string_equal(ask("%s", cwd), "ENOTDIR");
}

/* Directories that were moved or removed are not found by their old path. */
static void the_working_directory_is_a_path(void **state)
{
    struct nw_load l = filer("rw");

    (void)state;
    load(&l);
    assert_string_equal(ask("chdir %s/open/inner/deep", nw_probe_folder), "ok");
    assert_string_equal(ask("rmdir ../deep"), "ok");
    assert_string_equal(ask("write x y"), "ENOENT");
    assert_string_equal(ask("chdir ."), "ENOENT");
    assert_string_equal(ask("mkdir %s/open/inner/deep", nw_probe_folder), "ok");
    assert_string_equal(ask("write x y"), "ok");
}

static void each_domain_has_a_working_directory(void **state)
{
    struct nw_load l = filer("rw");
    uint32_t first;

    (void)state;
    if (nw_probe.mode == NW_MODE_PROCESS) {
        print_message("a worker has one domain in mode process\n");
        skip();
    }
    load(&l);
    first = nw_probe.deployment;
    l.name = "other";
    load(&l);
    assert_string_equal(ask("chdir %s/open/inner", nw_probe_folder), "ok");
    nw_probe.deployment = first;
    assert_string_equal(ask("getcwd"), "/");
}

/* What leads to a granted directory can be passed and named. */
static void what_lies_above_can_be_passed(void **state)
{
    struct nw_load l = filer("ro");
    char path[96];

    (void)state;
    snprintf(path, sizeof(path), "%s/open/inner/file", nw_probe_folder);
    load(&l);
    assert_string_equal(ask("realpath %s/open/link/../link/file", nw_probe_folder), path);
    assert_string_equal(ask("realpath %s/closed/secret", nw_probe_folder), "ENOENT");
    assert_string_equal(ask("realpath %s/../%s/open/out", nw_probe_folder, nw_probe_folder + 5), "ENOENT");
    assert_string_equal(ask("stat /"), "40111 0");
    assert_string_equal(ask("stat %s/", nw_probe_folder), "40111 0");
    assert_string_equal(ask("stat %s/closed", nw_probe_folder), "ENOENT");
    assert_string_equal(ask("access /tmp %d", X_OK), "ok");
    assert_string_equal(ask("access /tmp %d", R_OK), "EACCES");
    assert_string_equal(ask("open /tmp %d", O_RDONLY | O_DIRECTORY), "EACCES");
    assert_string_equal(ask("write %s/new x", nw_probe_folder), "ENOENT");
    assert_string_equal(ask("mkdir %s", nw_probe_folder), "EEXIST");
    assert_string_equal(ask("mkdir %s/new", nw_probe_folder), "ENOENT");
    assert_string_equal(ask("rmdir %s", nw_probe_folder), "EBUSY");
}

/* ---- copies, modes, times, lengths ---- */

/* A file is open under the number that it answers. */
static int opened(const char *format, ...)
{
    char command[256];
    va_list args;
    const char *answer;

    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    answer = ask("open %s", command);
    if (answer[0] < '0' || answer[0] > '9')
        fail_msg("open %s: %s", command, answer);
    return atoi(answer);
}

static struct nw_load in_open(const char *kind)
{
    static char cwd[96];
    struct nw_load l = filer(kind);

    snprintf(cwd, sizeof(cwd), "%s/open", nw_probe_folder);
    l.cwd = cwd;
    return l;
}

static void files_are_copied_in_the_kernel(void **state)
{
    struct nw_load l = in_open("rw");
    char expect[64];

    (void)state;
    load(&l);
    nw_probe_shell("head -c 3000000 /dev/urandom >%s/open/large", nw_probe_folder); /* many pieces */
    assert_string_equal(ask("send large copy"), "3000000 0");
    nw_probe_shell("cmp %s/open/large %s/open/copy", nw_probe_folder, nw_probe_folder);
    assert_string_equal(ask("send file part 3"), "4 7");
    assert_string_equal(ask("read part"), "nted");
    assert_string_equal(ask("copy-range large copied 1 0 3000000"), "2999999 3000000 2999999");
    nw_probe_shell("tail -c +2 %s/open/large | cmp - %s/open/copied", nw_probe_folder, nw_probe_folder);
    assert_string_equal(ask("copy-range file part 0 2 2"), "2 2 4");
    assert_string_equal(ask("read part"), "ntgr");
    snprintf(expect, sizeof(expect), "send-to %d %d", opened("part %d", O_WRONLY), opened("file 0"));
    assert_string_equal(ask("%s 8", expect), "EFAULT"); /* where the place should be kept */
    assert_string_equal(ask("%s 0", expect), "ok");
    assert_string_equal(ask("send-to %d 0 0", opened("file 0")), "EBADF");
    assert_string_equal(ask("send-to %d %d 0", opened("part %d", O_WRONLY), opened("inner %d", O_DIRECTORY)), "EINVAL");
}

static void modes_times_and_lengths_are_set(void **state)
{
    struct nw_load l = in_open("rw");

    (void)state;
    load(&l);
    assert_string_equal(ask("chmod file 06640"), "ok"); /* no set-user-ID */
    assert_string_equal(ask("stat file"), "100640 7");
    assert_string_equal(ask("fchmod %d 0600", opened("file 0")), "ok");
    assert_string_equal(ask("stat file"), "100600 7");
    assert_string_equal(ask("chmod link 0700"), "ok");
    assert_memory_equal(ask("stat inner"), "40700 ", 6);
    assert_string_equal(ask("chown file"), "EPERM");
    assert_string_equal(ask("truncate file 3"), "ok");
    assert_string_equal(ask("read file"), "gra");
    assert_string_equal(ask("truncate file -1"), "EINVAL");
    assert_string_equal(ask("truncate inner 1"), "EISDIR");
    assert_string_equal(ask("creat file"), "ok");
    assert_string_equal(ask("stat file"), "100600 0");
    assert_string_equal(ask("touch file 1000000"), "1000000");
    assert_string_equal(ask("touch %d 2000000", opened("file 0")), "2000000");
    assert_string_equal(ask("touch link 3000000 itself"), "3000000");
    assert_string_equal(ask("touch inner 4000000"), "4000000");
    assert_string_equal(ask("touch link 5000000"), "5000000");
    assert_string_equal(ask("touch inner 6000000"), "6000000");
    assert_string_equal(ask("space ."), "ok");
    assert_string_equal(ask("space %d", opened("file 0")), "ok");
    assert_string_equal(ask("space /tmp"), "EACCES");
}

static void links_stay_inside(void **state)
{
    struct nw_load l = in_open("rw");

    (void)state;
    load(&l);
    assert_string_equal(ask("symlink file name"), "ok");
    assert_string_equal(ask("read name"), "granted");
    assert_string_equal(ask("symlink inner//./deep deep"), "ok");
    assert_string_equal(ask("symlink file name"), "EEXIST");
    assert_string_equal(ask("symlink /etc/passwd x"), "EPERM");
    assert_string_equal(ask("symlink %s/open/file x", nw_probe_folder), "EPERM");
    assert_string_equal(ask("symlink ../closed/secret x"), "EPERM");
    assert_string_equal(ask("symlink inner/.. x"), "EPERM"); /* moved, the link would lead out */
    assert_string_equal(ask("symlink ..x inner/x"), "ok");
    assert_string_equal(ask("link file inner/again"), "ok");
    assert_string_equal(ask("write inner/again more"), "ok");
    assert_string_equal(ask("read file"), "more");
    assert_string_equal(ask("link name inner/name"), "ok"); /* the link, not what it leads to */
    assert_string_equal(ask("read inner/name"), "deeper");
    assert_string_equal(ask("link-at name other"), "EINVAL");
    assert_string_equal(ask("link ../closed/secret x"), "ENOENT");
    assert_string_equal(ask("link out/secret x"), "ENOENT");
    assert_string_equal(ask("link file ../closed/x"), "ENOENT");
    assert_string_equal(ask("link file out/x"), "ENOENT");
    assert_string_equal(ask("symlink file out/x"), "ENOENT");
    assert_string_equal(ask("link /usr/lib/x86_64-linux-gnu/libm.so.6 x"), "EROFS");
    assert_string_equal(ask("chmod out/secret 0777"), "ENOENT");
    assert_string_equal(ask("truncate out/secret 0"), "ENOENT");
    assert_string_equal(ask("touch out/secret 0"), "ENOENT");
    nw_probe_shell("[ $(cat %s/closed/secret) = secret ]", nw_probe_folder);
}

static const char *race(const char *times)
{
    struct nw_load l = in_open("rw");

    l.timeout_ms = 60000;
    nw_probe_shell("mkdir -p %s/open/folder", nw_probe_folder);
    load(&l);
    return ask("race %s", times);
}

/* A directory turns into a link that leads out while something in it is looked up. */
static void links_that_come_and_go_lead_nowhere(void **state)
{
    (void)state;
    assert_string_equal(race("3000"), "0");
    nw_probe_shell("cd %s && [ $(cat closed/secret) = secret ] && [ $(ls closed) = secret ]", nw_probe_folder);
    nw_harness_stop(&nw_probe.harness);
    nw_harness_start_without(&nw_probe.harness, nw_probe.mode, 2, "beneath", -1);
    assert_string_equal(race("100000"), "1");
}

/* ---- memory that is shared with a file ---- */

/* The content of the first page of a file, as text. */
static const char *content(const char *name)
{
    static char text[4096];
    char path[128];
    int fd;

    snprintf(path, sizeof(path), "%s/open/%s", nw_probe_folder, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(read(fd, text, sizeof(text)) > 0);
    close(fd);
    return text;
}

static void memory_of_a_file_is_shared(void **state)
{
    struct nw_load l = in_open("rw");
    int fd;

    (void)state;
    load(&l);
    fd = opened("data %d", O_RDWR | O_CREAT);
    assert_string_equal(ask("truncate data 8192"), "ok");
    assert_string_equal(ask("map %d %d 8192", fd, PROT_READ | PROT_WRITE), "ok");
    assert_string_equal(ask("close %d", fd), "ok");
    assert_string_equal(ask("poke 0 words"), "ok");
    assert_string_equal(content("data"), "words");
    nw_probe_shell("cd %s/open && printf others | dd conv=notrunc bs=1 seek=100 of=data 2>/dev/null", nw_probe_folder);
    assert_string_equal(ask("peek 100"), "others");
    assert_string_equal(ask("protect %d", PROT_READ | PROT_EXEC), "EACCES");
    assert_string_equal(ask("protect %d", PROT_READ), "ok");
    assert_string_equal(ask("protect %d", PROT_READ | PROT_WRITE), "ok");
    assert_string_equal(ask("poke 0 again"), "ok");
    assert_string_equal(content("data"), "again");
    assert_string_equal(ask("msync 0 0x7fffffffffff"), "ENOMEM");
    assert_string_equal(ask("msync 0x1000 0x1000"), "ENOMEM");
    assert_string_equal(ask("unmap 8192"), "ok");
    assert_string_equal(ask("map %d %d 4096", opened("data 0"), PROT_READ), "ok");
    assert_string_equal(ask("peek 0"), "again");
    assert_string_equal(ask("map %d %d 4096", opened("data 0"), PROT_READ | PROT_WRITE), "EACCES");
    assert_string_equal(ask("map %d %d 4096", opened("data %d", O_WRONLY), PROT_READ | PROT_WRITE), "EACCES");
}

/* A domain that touches pages behind the end of a file that was shortened meanwhile is torn down; nothing else
 * happens. */
static void memory_of_a_file_can_go(void **state)
{
    struct nw_load l = in_open("rw");

    (void)state;
    load(&l);
    assert_string_equal(ask("map %d %d 4096", opened("file %d", O_RDWR), PROT_READ | PROT_WRITE), "ok");
    nw_probe_shell("truncate -s 0 %s/open/file", nw_probe_folder);
    assert_string_equal(ask("lend"), "refused"); /* the monitor finds nothing there, and goes on */
    assert_non_null(strstr(ask("poke 0 x"), "SIGBUS"));
    assert_string_equal(ask("map %d %d 4096", opened("inner/file %d", O_RDWR), PROT_READ | PROT_WRITE), "ok");
    assert_string_equal(ask("peek 0"), "deeper");
}

/* It counts as memory of the domain, and is in its key: see also the attacks. */
static void memory_of_a_file_is_limited(void **state)
{
    struct nw_load l = in_open("rw");
    int fd;

    (void)state;
    l.memory = 64ul << 20;
    load(&l);
    fd = opened("data %d", O_RDWR | O_CREAT);
    assert_string_equal(ask("truncate data %ld", 256l << 20), "ok");
    assert_string_equal(ask("map %d %d %ld", fd, PROT_READ | PROT_WRITE, 256l << 20), "ENOMEM");
    assert_string_equal(ask("map %d %d %ld", fd, PROT_READ, 256l << 20), "ok");
    assert_string_equal(ask("map %d %d %ld", fd, PROT_READ | PROT_WRITE, 1l << 20), "ok");
}

/* Nothing of it is changed, and no file of it gets a name where it could be. */
static void what_is_granted_ro_stays(void **state)
{
    struct nw_load l = in_open("ro");
    char list[192];

    (void)state;
    snprintf(list, sizeof(list), "%s/open:ro, %s/closed:rw", nw_probe_folder, nw_probe_folder);
    l.directories = list;
    load(&l);
    assert_string_equal(ask("chmod file 0777"), "EROFS");
    assert_string_equal(ask("fchmod %d 0777", opened("file 0")), "EROFS");
    assert_string_equal(ask("truncate file 0"), "EROFS");
    assert_string_equal(ask("creat file"), "EROFS");
    assert_string_equal(ask("touch file 0"), "EROFS");
    assert_string_equal(ask("touch %d 0", opened("file 0")), "EROFS");
    assert_string_equal(ask("symlink file x"), "EROFS");
    assert_string_equal(ask("link file x"), "EROFS");
    assert_string_equal(ask("link file ../closed/x"), "EROFS");
    assert_string_equal(ask("map %d %d 4096", opened("file 0"), PROT_READ | PROT_WRITE), "EACCES");
    assert_string_equal(ask("map %d %d 4096", opened("file 0"), PROT_READ), "ok");
    assert_string_equal(ask("protect %d", PROT_READ | PROT_WRITE), "ok"); /* a copy */
    assert_string_equal(ask("poke 0 x"), "ok");
    assert_string_equal(content("file"), "granted");
    assert_string_equal(ask("link ../closed/secret x"), "EROFS");
    assert_string_equal(ask("copy-range file ../closed/x 0 0 7"), "7 7 7");
    assert_string_equal(ask("space file"), "ok");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

static int run_mode(enum nw_mode in)
{
    const struct CMUnitTest tests[] = {
        TEST(relative_paths_begin_at_the_working_directory),
        TEST(the_working_directory_is_a_directory_that_is_granted),
        TEST(the_working_directory_is_a_path),
        TEST(each_domain_has_a_working_directory),
        TEST(what_lies_above_can_be_passed),
        TEST(files_are_copied_in_the_kernel),
        TEST(modes_times_and_lengths_are_set),
        TEST(links_stay_inside),
        TEST(memory_of_a_file_is_shared),
        TEST(memory_of_a_file_can_go),
        TEST(memory_of_a_file_is_limited),
        TEST(links_that_come_and_go_lead_nowhere),
        TEST(what_is_granted_ro_stays),
    };

    nw_probe.mode = in;
    return _cmocka_run_group_tests(nw_mode_name(in), tests, sizeof(tests) / sizeof(tests[0]), NULL, NULL);
}

int main(void)
{
    return nw_harness_run_modes(run_mode);
}
