/* The names that nested calls of a worker may use: whom each means, and that there are no more than there is room for.
 */
#include "common/base/log.h"
#include "common/test/test.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
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

static struct nw_domain caller = {.index = 70};

/* Every name is one that the caller has called, so their routes stay theirs. */
static void one_line_says_that_there_are_no_more_names(void **state)
{
    const char *line;

    (void)state;
    for (unsigned i = 0; i < NW_DEPLOYED_MAX; i++) {
        assert_int_equal(set(i), i);
        assert_int_equal(nw_route_tell(&caller, function.name), i);
    }
    nw_routes_clear(&function);
    assert_int_equal(nw_route_find(name_of(3)), -ENOENT);
    line = set_two(NW_DEPLOYED_MAX);
    assert_non_null(strstr(line, "f1024"));
    assert_null(strstr(line, "f1025"));
    assert_int_equal(set(3), 3); /* a name that it had is known as ever */
    assert_ptr_equal(nw_route_function(nw_route_at(3)), &function);
}

/* Behind the test above: all routes are there, one is in use. */
static void a_route_that_nobody_knows_gets_another_name(void **state)
{
    const struct nw_domain other = {.index = 71};
    struct nw_deployed *strict = nw_deployed_take(1);
    char names[] = "f3";

    (void)state;
    assert_non_null(strict);
    nw_deployed_move(strict, NW_DEPLOYED_LOAD);
    strict->callees.names = names;
    assert_int_equal(nw_route_tell(&other, "f3"), 3);
    nw_routes_clear(&function);
    nw_routes_forget(&caller);
    for (unsigned i = 0; i + 1 < NW_DEPLOYED_MAX; i++)
        assert_int_equal(set(2000 + i), i < 3 ? i : i + 1); /* but the one that the other may call */
    assert_int_equal(set(4000), -ENOENT);
    nw_routes_forget(&other);
    strict->callees.routes[0] = 1 << 3;
    assert_int_equal(set(4000), -ENOENT);
    strict->callees.routes[0] = ~(1ull << 3);
    assert_int_equal(set(4000), 3);
    assert_int_equal(nw_route_find("f3"), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_line_says_that_there_are_no_more_names),
        cmocka_unit_test(a_route_that_nobody_knows_gets_another_name),
    };

    nw_log_init("route", NW_LOG_INFO);
    return cmocka_run_group_tests_name("worker/route", tests, NULL, NULL);
}
