/* Errors of limits name the limit, its value and what raises it; others are as strerror has them. */
#include "common/host/error_text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static char text[NW_ERROR_TEXT];

static void expect(int error, const char *words)
{
    nw_error_text(error, text);
    assert_memory_equal(text, strerror(error), strlen(strerror(error)));
    if (!strstr(text, words))
        fail_msg("no \"%s\" in: %s", words, text);
}

static void lower(int resource, rlim_t to)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(resource, &limit), 0);
    limit.rlim_cur = to;
    assert_int_equal(setrlimit(resource, &limit), 0);
}

static void names_limits_of_the_process(void **state)
{
    (void)state;
    lower(RLIMIT_NOFILE, 57);
    expect(EMFILE, ": RLIMIT_NOFILE is 57; raise it with ulimit -n or LimitNOFILE=");
    lower(RLIMIT_FSIZE, 12345);
    expect(EFBIG, ": RLIMIT_FSIZE is 12345; raise it with ulimit -f");
    lower(RLIMIT_NPROC, 4321);
    expect(EAGAIN, ": RLIMIT_NPROC is 4321; raise it with ulimit -u");
    lower(RLIMIT_AS, 8ul << 30);
    expect(ENOMEM, ": RLIMIT_AS is 8589934592; raise it with ulimit -v");
}

static void names_limits_of_the_machine(void **state)
{
    (void)state;
    expect(ENFILE, ": raise fs.file-max");
    lower(RLIMIT_AS, RLIM_INFINITY);
    expect(ENOMEM, ": the machine or a control group has no more");
}

/* Pages of another protection each, so that the kernel joins none. */
static void names_the_number_of_mappings(void **state)
{
    (void)state;
    size_t page = 4096, most = nw_kernel_setting("/proc/sys/vm/max_map_count", 0);
    if (!most || most > 300000)
        skip();
    char *at = mmap(NULL, most * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_true(at != MAP_FAILED);
    int failed = 0;
    for (size_t i = 0; i < most && !failed; i += 2)
        failed = mprotect(at + i * page, page, PROT_READ) ? errno : 0;
    nw_error_text(ENOMEM, text);
    munmap(at, most * page);
    assert_int_equal(failed, ENOMEM);
    assert_non_null(strstr(text, ": vm.max_map_count is "));
    assert_non_null(strstr(text, "mappings; raise it with sysctl"));
}

static void leaves_others_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(nw_error_text(ENOENT, text), strerror(ENOENT));
    assert_string_equal(nw_error_text(EPERM, text), strerror(EPERM));
}

static void has_a_default_for_what_cannot_be_read(void **state)
{
    (void)state;
    assert_int_equal(nw_kernel_setting("/proc/sys/no/such/setting", 17), 17);
    assert_int_equal(nw_kernel_setting("/proc/self/comm", 18), 18);
    assert_true(nw_kernel_setting("/proc/sys/kernel/pid_max", 0) > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_limits_of_the_process),           cmocka_unit_test(names_limits_of_the_machine),
        cmocka_unit_test(names_the_number_of_mappings),          cmocka_unit_test(leaves_others_as_they_are),
        cmocka_unit_test(has_a_default_for_what_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
