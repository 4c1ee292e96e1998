/* The names that nested calls of a worker may use: whom each means, and that there are no more than there is room for.
 */
#include "common/base/log.h"
#include "common/test/test.h"
#include "worker/domain/deployed.h"
#include "worker/reach/route.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct nw_deployed function;

static const char *name_of(unsigned i)
{
    snprintf(function.name, sizeof(function.name), "f%u", i);
    return function.name;
}

static int set(unsigned i)
{
    const char *name = name_of(i);

    nw_route_set(&function);
    return nw_route_find(name);
}

/* What is logged meanwhile; it is read when both are set. */
static const char *set_two(unsigned i)
{
    static char text[4096];
    int log = memfd_create("log", MFD_CLOEXEC), usual = dup(STDERR_FILENO);
    ssize_t length;

    assert_true(log >= 0 && usual >= 0 && dup2(log, STDERR_FILENO) >= 0);
    assert_int_equal(set(i), -ENOENT);
    assert_int_equal(set(i + 1), -ENOENT);
    assert_true(dup2(usual, STDERR_FILENO) >= 0);
    close(usual);
    length = pread(log, text, sizeof(text) - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    close(log);
    return text;
}

static void one_line_says_that_there_are_no_more_names(void **state)
{
    const char *line;

    (void)state;
    for (unsigned i = 0; i < NW_DEPLOYED_MAX; i++)
        assert_int_equal(set(i), i);
    nw_routes_clear(&function);
    assert_int_equal(nw_route_find(name_of(3)), -ENOENT);
    line = set_two(NW_DEPLOYED_MAX);
    assert_non_null(strstr(line, "f1024"));
    assert_null(strstr(line, "f1025"));
    assert_int_equal(set(3), 3); /* a name that it had is known as ever */
    assert_ptr_equal(nw_route_function(nw_route_at(3)), &function);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_says_that_there_are_no_more_names),
    };

    nw_log_init("route", NW_LOG_INFO);
    return cmocka_run_group_tests_name("worker/route", tests, NULL, NULL);
}
