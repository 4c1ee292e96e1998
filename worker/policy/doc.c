/* Writes docs/reference/syscalls.md from the table and the rules. Explains how to read them, not why they are as they
 * are. */
#include "worker/policy/doc.h"
#include "worker/policy/policy.h"
#include <string.h>
#include <sys/syscall.h>

struct line {
    enum nw_policy_class class;
    const char *name, *profiles;
    int how;
    const struct nw_rule *rules;
    const char *words;
    long number;
};

#define ANSWERED NW_HOW_ANSWERED
#define DONE     NW_HOW_DONE
#define PASSED   NW_HOW_PASSED
#define WAITS    NW_HOW_WAITS
#define APART    NW_HOW_APART
static const struct line lines[] = {
#define CALL(class, name, profiles, how, handler, rules, words) \
    {NW_CLASS_##class, #name, #profiles, how, nw_rules_##rules, words, SYS_##name},
#include "worker/policy/policy.def"
#undef CALL
};

static const struct {
    const char *title, *about;
} classes[NW_CLASS_COUNT] = {
    [NW_CLASS_MEMORY] = {"Own memory", "Carried out inside the domain's range and counted against its limit."},
    [NW_CLASS_FILES] = {"Own files", "On the domain's own table of descriptors; every other number is EBADF."},
    [NW_CLASS_PATHS] = {"Files by name", "A path is copied once, and only the copy is looked at."},
    [NW_CLASS_SOCKETS] =
        {"Sockets",
         "Of the internet, and outwards only: none is bound, none listens. Pairs have both ends in the domain."},
    [NW_CLASS_FLOWS] = {"Threads, locks, sleep",
                        "A thread is a slot of its domain; who waits takes no kernel thread along."},
    [NW_CLASS_SIGNALS] = {"Signals", "Within the domain: the monitor's own, which the kernel knows nothing of."},
    [NW_CLASS_TIME] = {"Time and randomness", ""},
    [NW_CLASS_IDENTITY] = {"Who it is", "Nobody in particular, and alone."},
    [NW_CLASS_ABSENT] = {"What is not there", "Answered so that libraries start and go on; nothing happens."},
};

static const char intro[] =
    "# System calls of a function\n"
    "\n"
    "Written by `make docs/reference/syscalls.md` from `worker/policy/policy.def`; do not edit.\n"
    "\n"
    "Every system call of a function is caught. A call that is not in these tables is refused: it gives `EPERM`, and "
    "the\n"
    "log names the call once. The same happens when an argument breaks a rule marked *refused*; other rules give the\n"
    "error that is named with them.\n"
    "\n"
    "| how | what happens |\n"
    "| --- | --- |\n"
    "| passed | the kernel carries it out with the function's rights: pointers outside of the domain are EFAULT |\n"
    "| done | the monitor carries it out, on copies of the arguments that it has checked |\n"
    "| answered | the monitor answers, and nothing else happens |\n"
    "| waits | it may take long; another executor gets the token meanwhile |\n";

static const char *profile_name(const char *profiles)
{
    return strcmp(profiles, "COMPUTE") == 0 ? "every" : strcmp(profiles, "NET") == 0 ? "net" : "files";
}

static void print_names(FILE *to, const struct nw_rule *rule)
{
    for (size_t i = 0; i < rule->n; i++)
        fprintf(to, "%s`%s`", i ? " " : "", rule->values[i].name);
}

static void print_rule(FILE *to, const struct nw_rule *rule)
{
    static const char *const verbs[] = {
        [NW_RULE_ONE_OF] = "one of", [NW_RULE_BITS] = "any of", [NW_RULE_ALL] = "all of", [NW_RULE_PAIR] = "one of"};

    fprintf(to, "%s: %s ", rule->about, verbs[rule->kind]);
    print_names(to, rule);
    if (rule->error)
        fprintf(to, ", else %s", strerrorname_np(rule->error));
    else
        fputs(", else *refused*", to);
}

static void print_line(FILE *to, const struct line *line)
{
    static const char *const hows[] = {"answered", "done", "passed"};

    fprintf(to, "| %ld | `%s` | %s | %s%s | %s", line->number, line->name, profile_name(line->profiles),
            hows[line->how & 3], line->how & WAITS ? ", waits" : "", line->words);
    for (const struct nw_rule *rule = line->rules; rule->kind != NW_RULE_END; rule++) {
        fputs(rule != line->rules || line->words[0] ? "; " : "", to);
        print_rule(to, rule);
    }
    fputs(" |\n", to);
}

static void print_class(FILE *to, enum nw_policy_class class)
{
    fprintf(to, "\n## %s\n\n", classes[class].title);
    if (classes[class].about[0])
        fprintf(to, "%s\n\n", classes[class].about);
    fputs("| number | call | profile | how | what becomes of it |\n| --- | --- | --- | --- | --- |\n", to);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (lines[i].class == class)
            print_line(to, &lines[i]);
}

static const struct kernel_line {
    const char *name, *profiles, *mask;
    int argument;
    const char *value, *words;
} kernel_lines[] = {
#define KERNEL(name, profiles, mask, argument, value, words) {#name, #profiles, #mask, argument, #value, words},
#include "common/calls/kernel.def"
#undef KERNEL
};

static const char kernel_intro[] =
    "\n"
    "## What a worker calls itself\n"
    "\n"
    "Written from `common/calls/kernel.def`. The launcher's filter leaves a worker these calls, by the profile of its "
    "functions;\n"
    "every other is EPERM, but for `clone3`, which is ENOSYS. The launcher adds only (`launcher/filter.c`) what a "
    "worker needs\n"
    "\n"
    "* to start: `set_tid_address`, `prlimit64` to read limits, `prctl(PR_SET_DUMPABLE)`, and the one `execveat` that "
    "makes it\n"
    "  the worker;\n"
    "* in mode `mpk`: `pkey_alloc`, and `pkey_mprotect` where argument 3 has not both of `PROT_WRITE | PROT_EXEC`;\n"
    "* in modes `mpk` and `none`: `openat2` for every profile, to open libraries;\n"
    "* in mode `process`: `prctl(PR_SET_NO_NEW_PRIVS)` and `seccomp`, by which the worker installs a filter that "
    "leaves the lines\n"
    "  below and nothing else, before its function is loaded.\n"
    "\n"
    "| call | profile | only when | for |\n| --- | --- | --- | --- |\n";

static void print_kernel_test(FILE *to, const struct kernel_line *line)
{
    if (strcmp(line->mask, "ANY") == 0)
        return;
    fprintf(to, "argument %d ", line->argument + 1);
    if (strcmp(line->value, "OWN_PID") == 0)
        fputs("is the worker's process id", to);
    else if (strcmp(line->mask, "ALL") == 0)
        fprintf(to, "is `%s`", line->value);
    else if (strcmp(line->value, "0") == 0)
        fprintf(to, "has no bit of `%s`", line->mask);
    else
        fprintf(to, "has of `%s` only `%s`", line->mask, line->value);
}

static void print_kernel_line(FILE *to, const struct kernel_line *line)
{
    fprintf(to, "| `%s` | %s | ", line->name, profile_name(line->profiles));
    print_kernel_test(to, line);
    fprintf(to, " | %s |\n", line->words);
}

void nw_policy_document(FILE *to)
{
    fputs(intro, to);
    for (int class = 0; class < NW_CLASS_COUNT; class ++)
        print_class(to, (enum nw_policy_class) class);
    fputs(kernel_intro, to);
    for (size_t i = 0; i < sizeof(kernel_lines) / sizeof(kernel_lines[0]); i++)
        print_kernel_line(to, &kernel_lines[i]);
}
