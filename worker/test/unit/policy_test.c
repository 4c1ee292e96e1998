/* The table of system calls is sound, the rules do what they say, and docs/reference/syscalls.md is what follows from
 * them. */
#include "common/test/test.h"
#include "worker/policy/doc.h"
#include "worker/policy/policy.h"
#include "worker/syscall/handlers.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

static const struct {
    long number;
    const struct nw_rule *rules;
} calls[] = {
#define CALL(class, name, profiles, how, handler, rules, words) {SYS_##name, nw_rules_##rules},
#include "worker/policy/policy.def"
#undef CALL
};

static void each_call_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
        for (size_t k = 0; k < i; k++)
            assert_int_not_equal(calls[i].number, calls[k].number);
}

/* The names that messages say, which have their numbers written beside them. */
static void names_are_those_of_the_kernel(void **state)
{
    static const struct {
        long number;
        const char *name;
    } named[] = {
#define NAME(number, name) {number, #name},
#include "worker/policy/syscall_names.def"
#undef NAME
    };
    static const struct {
        long number;
        const char *name;
    } known[] = {
#define CALL(class, name, ...) {SYS_##name, #name},
#include "worker/policy/policy.def"
#undef CALL
#define KERNEL(name, ...) {SYS_##name, #name},
#include "common/calls/kernel.def"
#undef KERNEL
        {SYS_execve, "execve"},
        {SYS_vfork, "vfork"},
        {SYS_ptrace, "ptrace"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t k = 0;

        while (k < sizeof(named) / sizeof(named[0]) && named[k].number != known[i].number)
            k++;
        assert_true(k < sizeof(named) / sizeof(named[0]));
        assert_string_equal(named[k].name, known[i].name);
    }
}

/* What nobody may call, whatever else is changed. */
static void never_these(void **state)
{
    static const long never[] = {
        SYS_pkey_alloc,
        SYS_pkey_free,
        SYS_pkey_mprotect,
        SYS_ptrace,
        SYS_userfaultfd,
        SYS_io_uring_setup,
        SYS_io_setup,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_personality,
        SYS_modify_ldt,
        SYS_seccomp,
        SYS_execve,
        SYS_fork,
        SYS_vfork,
        SYS_vmsplice,
        SYS_splice,
        SYS_mount,
        SYS_setns,
        SYS_unshare,
        SYS_chroot,
        SYS_bpf,
        SYS_memfd_create,
        SYS_mknod,
        SYS_mknodat,
        SYS_process_madvise,
        SYS_remap_file_pages,
        SYS_perf_event_open,
        SYS_pidfd_getfd,
        SYS_execveat,
    };

    (void)state;
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        for (size_t k = 0; k < sizeof(calls) / sizeof(calls[0]); k++)
            assert_int_not_equal(never[i], calls[k].number);
}

static const struct nw_rule_value values[] = {{"one", 1}, {"four", 4}};

static int check(struct nw_rule rule, uint64_t a0, uint64_t a1)
{
    const struct nw_rule rules[] = {rule, {0}};
    uint64_t args[6] = {a0, a1};
    int error = -1;

    return nw_rules_check(rules, args, &error) ? error : -1;
}

static void rules_hold(void **state)
{
    const struct nw_rule one = {NW_RULE_ONE_OF, 0, .error = EINVAL, .values = values, .n = 2};
    const struct nw_rule bits = {NW_RULE_BITS, 0, .error = ENOTTY, .values = values, .n = 2};
    const struct nw_rule all = {NW_RULE_ALL, 0, .values = values, .n = 2};
    struct nw_rule wide = bits;

    (void)state;
    wide.wide = true;
    assert_int_equal(check(one, 4, 0), -1);
    assert_int_equal(check(one, 5, 0), EINVAL);
    assert_int_equal(check(one, 1ull << 32 | 4, 0), -1);
    assert_int_equal(check(bits, 5, 0), -1);
    assert_int_equal(check(bits, 0, 0), -1);
    assert_int_equal(check(bits, 2, 0), ENOTTY);
    assert_int_equal(check(bits, 1ull << 32, 0), -1);
    assert_int_equal(check(wide, 1ull << 32, 0), ENOTTY);
    assert_int_equal(check(all, 13, 0), -1);
    assert_int_equal(check(all, 4, 0), 0);
}

static void pairs_hold(void **state)
{
    static const struct nw_rule_value pair[] = {{"one, two", 1ull << 32 | 2}};
    const struct nw_rule rule = {NW_RULE_PAIR, 0, .error = EPERM, .values = pair, .n = 1};

    (void)state;
    assert_int_equal(check(rule, 1, 2), -1);
    assert_int_equal(check(rule, 1, 3), EPERM);
    assert_int_equal(check(rule, 2, 1), EPERM);
}

/* Bits of an argument that the kernel ignores are cut off before the handler sees it. */
static void arguments_are_cut(void **state)
{
    const struct nw_rule rules[] = {{NW_RULE_BITS, 0, .values = values, .n = 2}, {0}};
    uint64_t args[6] = {1ull << 40 | 1};
    int error;

    (void)state;
    assert_int_equal(nw_rules_check(rules, args, &error), 0);
    assert_int_equal(args[0], 1);
}

static void the_document_is_current(void **state)
{
    char *made = NULL, *there = calloc(1, 1 << 20);
    size_t length = 0;
    FILE *to = open_memstream(&made, &length), *from = fopen("docs/reference/syscalls.md", "re");

    (void)state;
    assert_non_null(from);
    assert_non_null(there);
    nw_policy_document(to);
    fclose(to);
    assert_in_range(fread(there, 1, (1 << 20) - 1, from), 1, (1 << 20) - 2);
    fclose(from);
    if (strcmp(made, there) != 0)
        fail_msg("docs/reference/syscalls.md is stale: make docs/reference/syscalls.md");
    free(made);
    free(there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_once),
        cmocka_unit_test(names_are_those_of_the_kernel),
        cmocka_unit_test(never_these),
        cmocka_unit_test(rules_hold),
        cmocka_unit_test(pairs_hold),
        cmocka_unit_test(arguments_are_cut),
        cmocka_unit_test(the_document_is_current),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
