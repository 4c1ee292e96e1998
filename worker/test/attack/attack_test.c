/*
 * Runs the attacks of attack_table.h, one test each, against a live worker, beside a neighbour that holds a secret and
 * another that keeps serving. After each attack the secret must be intact and the worker the same process.
 *
 * Prints a table to attacks.txt in the build directory: row of the threats, attack, expected, seen. Runs in mode mpk,
 * and what applies there in modes process and none.
 */
#include "common/test/test.h"
#include "protect/gate/state.h"
#include "worker/test/attack/attack.h"
#include "worker/test/attack/attack_forged.h"
#include "worker/test/attack/attack_host.h"
#include "worker/test/attack/attack_table.h"
#include "worker/test/attack/driver/attack_damage.h"
#include "worker/test/attack/driver/attack_jumps.h"
#include "worker/test/attack/driver/attack_row.h"
#include "worker/test/attack/driver/attack_shares.h"
#include "worker/test/attack/driver/attack_transient.h"
#include "worker/test/attack/driver/attack_turns.h"
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CALLS    600
#define ATTEMPTS 20

#define TRANSIENT_ATTEMPTS 8
#define LONG_WORK          34 /* the row of what takes long while others wait */
#define TOO_FAST           "this machine is too fast for it to be felt"
#define SHARE_ATTEMPTS     8 /* whether anybody has to wait depends on which CPU the kernel runs each thread */
#define REFUSED_LATER      "refused by ld.so in the domain:*|ld.so crashed in the domain:*"

/* A test: an attack, and the defences that the worker leaves out, if any. */
struct trial {
    const void *attack; /* what the function that runs it takes */
    void (*run)(const struct trial *trial);
    const char *without;
};

static void run_trial(void **state)
{
    const struct trial *trial = *state;

    nw_attack_begin(trial->without);
    trial->run(trial);
}

static struct attack_line *line_of(int row, const char *name, const char *expected)
{
    return attack_report_begin(nw_mode_name(nw_attack.mode), row, name, expected);
}

static void skip_if_impossible(const struct attack_row *row, struct attack_line *line)
{
    const char *why = nw_attack_obstacle(row);

    if (!why)
        return;
    attack_report_skip(line, why);
    print_message("%s\n", why);
    skip();
}

static void run_row(const struct trial *trial)
{
    const struct attack_row *row = trial->attack;
    struct attack_line *line = line_of(row->row, row->name, row->expect);
    char seen[NW_ATTACK_SEEN];

    skip_if_impossible(row, line);
    if (!row->without)
        attack_report_not_left_out(line, row->then);
    if (row->how)
        nw_attack_and_serve(row, seen);
    else
        nw_attack_deploy(row, seen);
    nw_attack_add_written(seen);
    nw_attack_check(row->name);
    attack_report_seen(line, seen);
}

/* What the attack "names" made. */
static void remove_names(void)
{
    char name[64];

    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "/tmp/nightward-attack-%d%s", nw_attack.harness.pid, i ? "-other" : "");
        unlink(name);
    }
}

/* Effects that show only later: where the next input is placed, and what is in the log. */
static void add_consequences(const struct attack_row *row, char seen[NW_ATTACK_SEEN])
{
    struct nw_answer a;
    unsigned lines = 0;

    if (strcmp(seen, "no answer") != 0 && nw_attack_try(nw_attacker_of(row), "nothing", &a) == 0)
        free(a.data);
    for (const char *at = nw_attack_output(); (at = strstr(at, "a line of a flood")); at++)
        lines++;
    nw_attack_add_written(seen);
    if (lines)
        snprintf(seen + strlen(seen), NW_ATTACK_SEEN - strlen(seen), ", %u lines in the log", lines);
}

/* Who refused a file that was not checked before: ld.so names it, the stub does not. */
static void describe_refusal(char seen[NW_ATTACK_SEEN])
{
    const char *text = nw_attack.harness.message.text, *file = "/function/victim: ", *named = strstr(text, file);

    if (strncmp(text, "SIG", 3) == 0 && strstr(text, " in ld-linux"))
        snprintf(seen, NW_ATTACK_SEEN, "ld.so crashed in the domain: %.*s", (int)strcspn(text, " "), text);
    else if (named)
        snprintf(seen, NW_ATTACK_SEEN, "refused by ld.so in the domain: %.100s", named + strlen(file));
    else
        snprintf(seen, NW_ATTACK_SEEN, "refused by the stub in the domain: %.100s", text);
}

static void attack_without(const struct attack_row *row, char seen[NW_ATTACK_SEEN])
{
    char input[256];
    struct nw_answer a;

    snprintf(seen, NW_ATTACK_SEEN, "no answer");
    if (row->how) {
        nw_attack_input(input, sizeof(input), row);
        if (nw_attack_try(nw_attacker_of(row), input, &a) == 0)
            nw_attack_describe(seen, &a);
        add_consequences(row, seen);
        remove_names();
    } else {
        nw_attack_deploy(row, seen);
        if (strcmp(seen, "refused") == 0)
            describe_refusal(seen);
    }
    nw_attack_describe_harm(seen);
}

/* ... against a worker that leaves its defence out: the attack must work, a race after some attempts. */
static void run_row_without(const struct trial *trial)
{
    const struct attack_row *row = trial->attack;
    struct attack_line *line = line_of(row->row, row->name, row->expect);
    char seen[NW_ATTACK_SEEN] = "";

    skip_if_impossible(row, line);
    if (row->root && geteuid() != 0) {
        attack_report_not_left_out(line, "the kernel refuses it to all but root");
        print_message("the kernel refuses it to all but root\n");
        skip();
    }
    attack_report_will_leave_out(line, row->without);
    for (int i = 0; i < ATTEMPTS && fnmatch(row->then, seen, 0) != 0; i++) {
        nw_attack_begin(trial->without);
        attack_without(row, seen);
    }
    attack_report_left_out(line, row->then, seen);
}

/* ---- every system call ---- */

static bool is_known(int number)
{
    for (size_t i = 0; i < attack_known_calls_count; i++)
        if (attack_known_calls[i] == number)
            return true;
    return false;
}

/* Arguments of a system call: nothing, small, a neighbour's memory, and what mmap would take. */
static void call_input(char input[256], int number, int shape, uint64_t target)
{
    const uint64_t map[6] = {ATTACK_OWN, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, ATTACK_OWN, 0};
    int n = snprintf(input, 256, "call 0 %x", (unsigned)number);

    for (int i = 0; i < 6; i++)
        n += snprintf(input + n, 256 - (size_t)n, " %lx", shape == 2 ? target : shape == 3 ? map[i] : (uint64_t)shape);
}

static void run_calls(const struct trial *trial)
{
    struct attack_line *line =
        line_of(6, "every system call from 0 to 600 with four kinds of arguments", "0 got through");
    uint32_t attacker = nw_attack_function("memory", NW_ATTACK_HASTY); /* some wait */
    uint64_t target =
        nw_attack.mode == NW_MODE_MPK ? nw_attack_where("heap") : ATTACK_OWN; /* else the kernel stops nobody */
    unsigned through = 0;
    char seen[NW_ATTACK_SEEN], input[256];

    (void)trial;
    attack_report_not_left_out(line, "see the rows of single calls");
    for (int number = 0; number <= CALLS; number++)
        for (int shape = 0; shape < 4; shape++) {
            struct nw_answer a;

            call_input(input, number, shape, target);
            a = nw_attack_ask(attacker, input);
            nw_attack_describe(seen, &a);
            free(a.data);
            nw_attack_must_live(input);
            if (is_known(number) || strcmp(seen, "EPERM") == 0 || strcmp(seen, "ENOSYS") == 0)
                continue;
            through++;
            print_message("system call %d: %s\n", number, seen);
        }
    nw_attack_check("every system call");
    snprintf(seen, sizeof(seen), "%u got through", through);
    attack_report_seen(line, seen);
}

/* ---- files ---- */

static void run_damage(const struct trial *trial)
{
    const struct attack_damage *d = trial->attack;
    struct attack_line *line = line_of(27, d->name, "refused");
    char path[64], seen[NW_ATTACK_SEEN];
    int fd = nw_attack_damaged(d);
    uint32_t deployment;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    deployment = nw_attack_load("victim", path, 1, NW_ATTACK_PATIENT);
    close(fd);
    if (!deployment)
        print_message("%s\n", nw_attack.harness.message.text);
    snprintf(seen, sizeof(seen), "%s", deployment ? "deployed" : "refused");
    if (trial->without) {
        attack_report_will_leave_out(line, trial->without);
        if (!deployment)
            describe_refusal(seen);
        nw_attack_describe_harm(seen);
        attack_report_left_out(line, "deployed|" REFUSED_LATER, seen);
    } else {
        nw_attack_check(d->name);
        attack_report_seen(line, seen);
    }
}

/* The code in the file of a function changes while the function runs: what was scanned is what runs. */
static void run_file_change(const struct trial *trial)
{
    struct attack_line *line = line_of(7, "the file changes after the scan", "unchanged");
    uint32_t deployment = nw_attack_load_changing();
    char input[64], seen[NW_ATTACK_SEEN];
    struct nw_answer a;

    snprintf(input, sizeof(input), "changed %lx", nw_attack_where(NULL));
    a = nw_attack_ask(deployment, input);
    nw_attack_describe(seen, &a);
    free(a.data);
    if (trial->without) {
        attack_report_will_leave_out(line, trial->without);
        attack_report_left_out(line, "read 0x5e", seen);
    } else {
        nw_attack_check("a change of a file");
        attack_report_seen(line, seen);
    }
}

/* ---- keys that change hands ---- */

/* More functions than keys run in turn, and in between the attacker reads what the previous owner of a key holds. */
static void run_eviction(const struct trial *trial)
{
    struct attack_line *line =
        line_of(29, "touch the memory of a key's previous owner, 20 functions on 13 keys", "0 accesses");
    uint32_t attacker, crowd[20];
    unsigned leaks = 0;
    char input[64], name[16], seen[NW_ATTACK_SEEN];
    uint64_t target = nw_attack_where("heap");

    attacker = nw_attack_function("memory", NW_ATTACK_PATIENT);
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "crowd%d", i);
        crowd[i] = nw_attack_must_load(name, NW_ATTACK_HELLO, 1, NW_ATTACK_PATIENT);
    }
    /* Which key the attacker gets is a matter of chance. */
    for (int i = 0; i < (trial->without ? 400 : 40) && !leaks; i++) {
        struct nw_answer a;

        for (int k = 0; k < 20; k++)
            free(nw_attack_ask(crowd[(i + k) % 20], "x").data);
        snprintf(input, sizeof(input), "%s %lx", i & 1 ? "write" : "read", target);
        a = nw_attack_ask(attacker, input);
        leaks += a.status != NW_STATUS_CRASHED;
        free(a.data);
    }
    snprintf(seen, sizeof(seen), "%u accesses", leaks);
    if (trial->without) {
        attack_report_will_leave_out(line, trial->without);
        attack_report_left_out(line, "1 accesses", seen);
    } else {
        nw_attack_check("eviction");
        attack_report_seen(line, seen);
    }
}

/* ---- what an earlier invocation left ---- */

/* Where memory is not taken back it is found in every place that the function looks at. */
static void run_fresh(const struct trial *trial)
{
    struct attack_line *line = line_of(37, "what an invocation of a fresh function left", "found nothing");
    uint32_t deployment = nw_attack_must_load("fresh", "fresh", 1, NW_ATTACK_PATIENT);
    char seen[NW_ATTACK_SEEN] = "";

    for (int i = 0; i < 3 && (i == 0 || strcmp(seen, "found nothing") == 0); i++) {
        struct nw_answer a = nw_attack_ask(deployment, "plant");

        free(a.data);
        a = nw_attack_ask(deployment, "look");
        nw_attack_describe(seen, &a);
        free(a.data);
    }
    nw_harness_tell(&nw_attack.harness, NW_CONTROL_RETIRE, deployment);
    nw_harness_expect(&nw_attack.harness, NW_CONTROL_RETIRED);
    if (trial->without) {
        attack_report_will_leave_out(line, trial->without);
        attack_report_left_out(line, "found data heap large stack stream arena thread-local environment", seen);
    } else {
        nw_attack_check("what was left");
        attack_report_seen(line, seen);
    }
}

static void run_turns(const struct trial *trial)
{
    const struct attack_turn *attack = trial->attack;
    struct attack_line *line = line_of(attack->row, attack->name, attack->expect);
    char seen[NW_ATTACK_SEEN];

    if (!attack->without)
        attack_report_not_left_out(line, attack->then);
    nw_attack_turn(attack, trial->without, seen);
    if (trial->without) {
        attack_report_will_leave_out(line, trial->without);
        nw_attack_describe_harm(seen);
        attack_report_left_out(line, attack->then, seen);
    } else {
        nw_attack_check(attack->name);
        nw_attack_end(NULL);
        attack_report_seen(line, seen);
    }
}

static void run_jumps(const struct trial *trial)
{
    const struct attack_jump *jump = trial->attack;
    char name[80], seen[NW_ATTACK_SEEN];
    struct attack_line *line;

    snprintf(name, sizeof(name), "jump to every byte of the gate: %s", jump->how);
    line = line_of(4, name, "0 with rights*");
    nw_attack_jump(jump->how, jump == attack_jumps, seen);
    if (trial->without) {
        attack_report_will_leave_out(line, trial->without);
        nw_attack_describe_harm(seen);
        attack_report_left_out(line, "*, secret changed", seen);
    } else {
        attack_report_not_left_out(line, jump->why_not);
        nw_attack_check(jump->how);
        attack_report_seen(line, seen);
    }
}

/* Work that delays others noticeably on one machine may not do so on a faster one. */
static bool is_too_short(const struct attack_share *attack, const char *seen)
{
    return attack->row == LONG_WORK && fnmatch(attack->expect, seen, 0) == 0;
}

/* What one function takes of what all need. The next test gets a new worker. */
static void run_share(const struct trial *trial)
{
    const struct attack_share *attack = trial->attack;
    struct attack_line *line = line_of(attack->row, attack->name, attack->expect);
    char seen[NW_ATTACK_SEEN];

    if (trial->without)
        attack_report_will_leave_out(line, trial->without);
    if (!attack->without)
        attack_report_not_left_out(line, attack->then);
    for (int i = 0; i < (trial->without ? SHARE_ATTEMPTS : 1); i++) {
        nw_attack_share(attack, trial->without, seen);
        if (!trial->without)
            nw_attack_check(attack->name);
        nw_attack_discard();
        if (trial->without && fnmatch(attack->then, seen, 0) == 0)
            break;
    }
    if (trial->without && is_too_short(attack, seen)) {
        attack_report_not_left_out(line, TOO_FAST);
        print_message(TOO_FAST "\n");
        skip();
    } else if (trial->without) {
        attack_report_left_out(line, attack->then, seen);
    } else {
        attack_report_seen(line, seen);
    }
}

static void run_transient(const struct trial *trial)
{
    const struct attack_transient *attack = trial->attack;
    struct attack_line *line = line_of(31, attack->name, "read nothing");
    char seen[NW_ATTACK_SEEN] = "";

    if (!trial->without) {
        nw_attack_transient(attack, seen);
        attack_report_seen(line, seen);
        return;
    }
    attack_report_will_leave_out(line, trial->without);
    for (int i = 0; i < TRANSIENT_ATTEMPTS && strcmp(seen, "read 0x5e") != 0; i++)
        nw_attack_transient(attack, seen);
    if (strcmp(seen, "read 0x5e") != 0) {
        attack_report_not_left_out(line, "this CPU, or a busy one, does not show it");
        print_message("this CPU, or a busy one, does not show it\n");
        skip();
    }
    attack_report_left_out(line, "read 0x5e", seen);
}

/* ---- the tests ---- */

static struct CMUnitTest *tests;
static size_t n_tests;

static void add(int row, const char *name, void (*run)(const struct trial *), const void *attack, const char *without)
{
    struct trial *trial = malloc(sizeof(*trial));
    char *text;

    tests = realloc(tests, (n_tests + 1) * sizeof(*tests));
    if (!tests || !trial ||
        asprintf(&text, "%s%s%s: row %d: %s", nw_mode_name(nw_attack.mode), without ? " without " : "",
                 without ? without : "", row, name) < 0)
        exit(111);
    *trial = (struct trial){attack, run, without};
    tests[n_tests++] = (struct CMUnitTest){text, run_trial, NULL, NULL, trial};
}

static void add_damages(const char *without)
{
    for (size_t i = 0; i < attack_damages_count; i++)
        add(27, attack_damages[i].name, run_damage, &attack_damages[i], without);
}

static void add_forgeries(bool without)
{
    for (size_t i = 0; i < attack_forgeries_count; i++)
        if (!without || attack_forgeries[i].without)
            add(attack_forgeries[i].row, attack_forgeries[i].name, run_turns, &attack_forgeries[i],
                without ? attack_forgeries[i].without : NULL);
}

static int run_all(const char *name)
{
    int failed = _cmocka_run_group_tests(name, tests, n_tests, NULL, nw_attack_end);

    n_tests = 0;
    return failed;
}

static int run_mode(enum nw_mode in)
{
    nw_attack.mode = in;
    for (size_t i = 0; i < attack_rows_count; i++)
        add(attack_rows[i].row, attack_rows[i].name, run_row, &attack_rows[i], NULL);
    add(6, "every system call", run_calls, NULL, NULL);
    for (size_t i = 0; i < attack_shares_count; i++)
        add(attack_shares[i].row, attack_shares[i].name, run_share, &attack_shares[i], NULL);
    add_damages(NULL);
    add(7, "the file changes after the scan", run_file_change, NULL, NULL);
    add(37, "what an invocation left", run_fresh, NULL, NULL);
    if (in == NW_MODE_MPK) {
        add(29, "keys change hands", run_eviction, NULL, NULL);
        for (size_t i = 0; i < attack_turns_count; i++)
            add(attack_turns[i].row, attack_turns[i].name, run_turns, &attack_turns[i], NULL);
        add_forgeries(false);
        for (size_t i = 0; i < attack_jumps_count; i++)
            add(4, attack_jumps[i].how, run_jumps, &attack_jumps[i], NULL);
        for (size_t i = 0; i < attack_transients_count; i++)
            add(31, attack_transients[i].name, run_transient, &attack_transients[i], NULL);
    }
    return run_all(nw_mode_name(in));
}

static int run_without(void)
{
    nw_attack.mode = NW_MODE_MPK;
    for (size_t i = 0; i < attack_rows_count; i++)
        if (attack_rows[i].without)
            add(attack_rows[i].row, attack_rows[i].name, run_row_without, &attack_rows[i], attack_rows[i].without);
    for (size_t i = 0; i < attack_shares_count; i++)
        if (attack_shares[i].without)
            add(attack_shares[i].row, attack_shares[i].name, run_share, &attack_shares[i], attack_shares[i].without);
    add_damages("elf");
    add(7, "the file changes after the scan", run_file_change, NULL, "copies");
    add(29, "keys change hands", run_eviction, NULL, "rekey");
    add(37, "what an invocation left", run_fresh, NULL, "fresh");
    for (size_t i = 0; i < attack_turns_count; i++)
        add(attack_turns[i].row, attack_turns[i].name, run_turns, &attack_turns[i], attack_turns[i].without);
    add_forgeries(true);
    for (size_t i = 0; i < attack_jumps_count; i++)
        if (!attack_jumps[i].why_not)
            add(4, attack_jumps[i].how, run_jumps, &attack_jumps[i], "exit");
    for (size_t i = 0; i < attack_transients_count; i++)
        add(31, attack_transients[i].name, run_transient, &attack_transients[i], attack_transients[i].without);
    return run_all("mpk, one defence left out");
}

int main(void)
{
    char path[512], why[256];
    int failed = 0;

    if (getenv("NW_ONLY"))
        cmocka_set_test_filter(getenv("NW_ONLY"));
    if (nw_mode_mpk_usable(why, sizeof(why)))
        failed += run_mode(NW_MODE_MPK) + run_without();
    else
        print_message("mode mpk: %s\n", why);
    failed += run_mode(NW_MODE_PROCESS);
    failed += run_mode(NW_MODE_NONE);
    snprintf(path, sizeof(path), "%s/attacks.txt", nw_attack_build());
    attack_report_write(path);
    return failed != 0;
}
