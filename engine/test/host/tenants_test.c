/* Tenants: workers of their own, which come and go with their functions, and calls between them. */
#include "engine/test/host/host.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>

#include <cmocka.h>

static const char *const two_workers[] = {"--workers", "2", NULL};
static const char *const own_process[] = {"--mode", "process", "--workers", "2", NULL};
static struct host host;

static int set_up(void **state)
{
    host_start(&host, *state);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    host_stop(&host);
    return 0;
}

static void deploy_as(const char *name_and_query, const char *behaviour)
{
    char path[256];
    snprintf(path, sizeof path, "/v1/functions/%s", name_and_query);
    expect(admin(&host, "PUT", path, behaviour), 200, NULL);
}

static void remove_function(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "/v1/functions/%s", name);
    expect(admin(&host, "DELETE", path, ""), 200, "{}\n");
}

/* How many workers the engine has for a tenant. */
static int workers_of(const char *tenant)
{
    char text[80];
    int n = 0;
    struct answer answer = admin(&host, "GET", "/v1/status", "");
    snprintf(text, sizeof text, "\"tenant\":\"%s\"", tenant);
    for (const char *at = answer.body; (at = strstr(at, text)); at++)
        n++;
    answer_fini(&answer);
    return n;
}

static void await_workers(const char *tenant, int n)
{
    for (int i = 0; i < HOST_WAIT_MS && workers_of(tenant) != n; i++)
        usleep(1000);
    assert_int_equal(workers_of(tenant), n);
}

static void each_has_workers_while_it_has_functions(void **state)
{
    (void)state;
    deploy_as("a1?tenant=a", "say a1");
    deploy_as("b1?tenant=b", "say b1");
    await_workers("a", 2);
    await_workers("b", 2);
    expect(invoke(&host, "a1", ""), 200, "a1");
    expect(invoke(&host, "b1", ""), 200, "b1");
    remove_function("a1");
    await_workers("a", 0);
    assert_int_equal(workers_of("b"), 2);
    expect(invoke(&host, "b1", ""), 200, "b1");
    deploy_as("a1?tenant=a", "say again");
    expect(invoke(&host, "a1", ""), 200, "again");
    remove_function("a1");
    remove_function("b1");
    await_workers("b", 0);
}

/* A name means one function, whichever tenant has it: a deployment for another tenant moves it there. */
static void a_function_moves_with_its_next_version(void **state)
{
    (void)state;
    deploy_as("nomad?tenant=first", "say first");
    deploy_as("nomad?tenant=second", "say second");
    expect(invoke(&host, "nomad", ""), 200, "second");
    await_workers("first", 0);
    await_workers("second", 2);
    expect_error(admin(&host, "PUT", "/v1/functions/nomad?tenant=third", "refuse it"), 422, "deployment_refused");
    await_workers("third", 0);
    expect(invoke(&host, "nomad", ""), 200, "second");
    remove_function("nomad");
}

/* Whether text is in the log of a function, and in what is told of it. */
static bool is_said_of(const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/v1/logs/%s", name);
    struct answer log = admin(&host, "GET", path, "");
    snprintf(path, sizeof path, "/v1/functions/%s", name);
    struct answer function = admin(&host, "GET", path, "");
    assert_int_equal(log.status, 200);
    assert_int_equal(function.status, 200);
    bool logged = strstr(log.body, text), told = strstr(function.body, text);
    assert_int_equal(logged, told);
    answer_fini(&log);
    answer_fini(&function);
    return logged;
}

/* What a version writes when it ends is of its function, unless another tenant has that by now. */
static void has_the_last_word_of_its_tenant_alone(void **state)
{
    (void)state;
    deploy_as("speaker?tenant=first", "last-words farewell");
    deploy_as("speaker?tenant=first", "last-words adieu");
    await_at_most(&host, "deployments", 1);
    assert_true(is_said_of("speaker", "farewell"));
    deploy_as("speaker?tenant=second", "echo");
    await_workers("first", 0);
    assert_false(is_said_of("speaker", "adieu"));
    remove_function("speaker");
}

/* Versions are easily guessed. */
static void speaks_of_its_own_functions_alone(void **state)
{
    (void)state;
    deploy_as("forger?tenant=first", "hostile next-line");
    deploy_as("victim?tenant=second", "echo");
    deploy_as("own?tenant=first", "echo");
    expect(invoke(&host, "forger", ""), 200, "");
    expect(admin(&host, "GET", "/v1/logs/victim", ""), 200, "{\"lines\":[],\"next\":0,\"more\":false}\n");
    remove_function("forger");
    remove_function("victim");
    remove_function("own");
}

static void expect_refusal(const char *caller)
{
    struct answer answer = invoke_as_owner(&host, caller, "x");
    assert_non_null(strstr(answer.body, "function_not_found"));
    expect_error(answer, 500, "function_failed");
}

static void calls_need_leave(void **state)
{
    (void)state;
    deploy_as("inner?tenant=b", "echo");
    deploy_as("own?tenant=b", "call inner");
    deploy_as("outer?tenant=a", "call inner");
    long before = status_number(&host, "calls_refused");
    expect(invoke(&host, "own", "x"), 200, "x");
    expect_refusal("outer");
    assert_int_equal(status_number(&host, "calls_refused"), before + 1);
    deploy_as("inner?tenant=b&callers=ab,c", "echo");
    expect_refusal("outer");
    deploy_as("inner?tenant=b&callers=c,%20a", "echo");
    expect(invoke(&host, "outer", "x"), 200, "x");
    deploy_as("inner?tenant=b&callers=*", "echo");
    expect(invoke(&host, "outer", "x"), 200, "x");
    deploy_as("inner?tenant=b&reset=callers", "echo");
    expect_refusal("outer");
    remove_function("inner");
    remove_function("own");
    remove_function("outer");
}

static void expect_call_refused(const char *caller)
{
    long before = status_number(&host, "calls_refused");
    struct answer answer = invoke_as_owner(&host, caller, "x");
    assert_non_null(strstr(answer.body, "call_refused"));
    expect_error(answer, 500, "function_failed");
    assert_int_equal(status_number(&host, "calls_refused"), before + 1);
}

/* Its own check is the worker's; this is the engine's, for a worker that makes none. A worker can call what any of its
 * functions may, as it may say that another one calls. */
static void a_worker_calls_what_its_functions_may(void **state)
{
    (void)state;
    deploy_as("inner?tenant=d&calls=none", "echo");
    deploy_as("outer?tenant=d&calls=other,%20inner", "call inner");
    expect(invoke(&host, "outer", "x"), 200, "x");
    deploy_as("outer?tenant=d&calls=other", "call inner");
    expect_call_refused("outer");
    deploy_as("outer?tenant=d&calls=none", "forge inner");
    expect_call_refused("outer");
    deploy_as("inner?tenant=d&reset=calls", "echo");
    expect(invoke(&host, "outer", "x"), 200, "x");
    remove_function("inner");
    remove_function("outer");
}

/* A process is confined as tightly as all of its functions allow, so those that may do more have others. */
static void profiles_have_workers_of_their_own(void **state)
{
    (void)state;
    deploy_as("inner?tenant=p", "echo");
    deploy_as("outer?tenant=p&profile=net", "call inner");
    await_workers("p", 4);
    expect(invoke(&host, "outer", "x"), 200, "x");
    remove_function("outer");
    await_workers("p", 2);
    remove_function("inner");
    await_workers("p", 0);
}

static void survive_a_restart(void **state)
{
    (void)state;
    deploy_as("kept?tenant=k", "echo");
    deploy_as("caller?tenant=l", "call kept");
    host_kill_engine(&host);
    close(host.lifeline);
    host_kill_launcher(&host);
    host_start_engine(&host);
    host_start_launcher(&host);
    host_wait_ready(&host);
    expect(invoke(&host, "kept", "x"), 200, "x");
    expect_refusal("caller");
    assert_int_equal(workers_of("k"), 2); /* in mode process each starts with the first call */
    assert_int_equal(workers_of("l"), 2);
    remove_function("kept");
    remove_function("caller");
    await_workers("k", 0);
}

static void default_workers_stay(void **state)
{
    (void)state;
    assert_int_equal(workers_of("default"), 2);
    deploy(&host, "f", "say f");
    remove_function("f");
    await_at_most(&host, "deployments", 0);
    assert_int_equal(workers_of("default"), 2);
}

static void a_lost_worker_is_one_tenants_loss(void **state)
{
    (void)state;
    deploy_as("dies?tenant=d", "exit");
    deploy_as("lives?tenant=e", "slow 2000");
    int fd = host_connect(&host);
    send_text(fd, "POST /function/lives HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx");
    await_at_least(&host, "in_flight", 1);
    expect_error(invoke(&host, "dies", ""), 502, "worker_lost");
    expect(read_answer(fd), 200, "x");
    close(fd);
    remove_function("dies");
    remove_function("lives");
}

static void bad_tenants_are_refused(void **state)
{
    (void)state;
    expect_error(admin(&host, "PUT", "/v1/functions/x?tenant=", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/x?tenant=..", "echo"), 400, "bad_request");
    expect_error(admin(&host, "PUT", "/v1/functions/x?callers=a,,b", "echo"), 400, "bad_request");
}

static const struct CMUnitTest shared_tests[] = {
    cmocka_unit_test(each_has_workers_while_it_has_functions),
    cmocka_unit_test(a_function_moves_with_its_next_version),
    cmocka_unit_test(has_the_last_word_of_its_tenant_alone),
    cmocka_unit_test(speaks_of_its_own_functions_alone),
    cmocka_unit_test(calls_need_leave),
    cmocka_unit_test(a_worker_calls_what_its_functions_may),
    cmocka_unit_test(profiles_have_workers_of_their_own),
    cmocka_unit_test(survive_a_restart),
    cmocka_unit_test(default_workers_stay),
    cmocka_unit_test(a_lost_worker_is_one_tenants_loss),
    cmocka_unit_test(bad_tenants_are_refused),
};

static const struct CMUnitTest process_tests[] = {
    cmocka_unit_test(each_has_workers_while_it_has_functions),
    cmocka_unit_test(a_function_moves_with_its_next_version),
    cmocka_unit_test(calls_need_leave),
    cmocka_unit_test(survive_a_restart),
};

static int set_up_shared(void **state)
{
    *state = (void *)two_workers;
    return set_up(state);
}

static int set_up_process(void **state)
{
    *state = (void *)own_process;
    return set_up(state);
}

int main(void)
{
    int failed = cmocka_run_group_tests_name("tenants, shared workers", shared_tests, set_up_shared, tear_down);
    return failed + cmocka_run_group_tests_name("tenants, a process each", process_tests, set_up_process, tear_down);
}
