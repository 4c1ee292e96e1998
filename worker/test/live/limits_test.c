/* A worker that comes to a limit of its process says which, how high it is and what raises it; and goes on. */
#include "common/test/test.h"
#include "worker/test/live/logged.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

/* The lowest free descriptor, which is also how many are open: there are no gaps. */
static rlim_t next_file(void)
{
    char path[64];
    rlim_t n = 0;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)nw_logged.harness.pid);
    dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* Loads a function while this limit is so low, and then, when it was refused with these words, while it is not. */
static void refused_at(int resource, rlim_t value, const char *words)
{
    const struct nw_load load = {.so = "swollen", .memory = 256ull << 20, .slots = 2};
    const char *text = nw_logged.harness.message.text;
    pid_t pid = nw_logged.harness.pid;
    struct rlimit was, low;

    assert_int_equal(prlimit(pid, resource, NULL, &was), 0);
    low = (struct rlimit){value, was.rlim_max};
    assert_int_equal(prlimit(pid, resource, &low, NULL), 0);
    assert_int_equal(nw_logged_load(load), 0);
    assert_int_equal(prlimit(pid, resource, &was, NULL), 0);
    if (!strstr(text, words))
        fail_msg("no \"%s\" in: %s", words, text);
    assert_int_not_equal(nw_logged_load(load), 0);
}

/* The function's own file arrives, those that its domain begins with do not find room. */
static void names_the_limit_of_descriptors(void **state)
{
    char words[96];
    rlim_t first = next_file();

    (void)state;
    snprintf(words, sizeof(words), "Too many open files: RLIMIT_NOFILE is %lu; raise it with ulimit -n",
             (unsigned long)(first + 1));
    if (nw_logged.mode == NW_MODE_PROCESS) /* its filter refuses getrlimit: it knows the limits of its start */
        words[strcspn(words, "0123456789")] = '\0';
    refused_at(RLIMIT_NOFILE, first + 1, words);
}

static void names_the_limit_of_the_other_file_that_a_domain_begins_with(void **state)
{
    (void)state;
    refused_at(RLIMIT_NOFILE, next_file() + 2, "Too many open files: RLIMIT_NOFILE is ");
}

static void names_the_limit_of_address_space(void **state)
{
    (void)state;
    refused_at(RLIMIT_AS, 1 << 20,
               nw_logged.mode == NW_MODE_PROCESS
                   ? "Cannot allocate memory: "
                   : "Cannot allocate memory: RLIMIT_AS is 1048576; raise it with ulimit -v");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(names_the_limit_of_descriptors, nw_logged_setup, nw_logged_teardown),
        cmocka_unit_test_setup_teardown(names_the_limit_of_the_other_file_that_a_domain_begins_with, nw_logged_setup,
                                        nw_logged_teardown),
        cmocka_unit_test_setup_teardown(names_the_limit_of_address_space, nw_logged_setup, nw_logged_teardown),
    };

    return NW_LOGGED_RUN("limits", tests);
}
