/*
 * Runs the attacks of attack_table.h, one test each, against a live worker, beside a neighbour that holds a secret and
 * another that keeps serving. After each attack the secret must be intact and the worker the same process.
 *
 * Prints a table to attacks.txt in the build directory: row of the threats, attack, expected, seen. Runs in mode mpk,
 * and what applies there in modes process and none.
 */
#include "common/test/test.h"
#include "protect/elf_file.h"
#include "worker/test/attack/attack.h"
#include "worker/test/attack_host.h"
#include "worker/test/attack_table.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define JUMPERS 8
#define CALLS   600

static void attack_input(char *input, size_t size, const struct attack_row *row)
{
    uint64_t target = nw_attack_where(row->aim);
    size_t n = (size_t)snprintf(input, size, "%s %lx", row->how, target);

    for (size_t i = 0; i < 7; i++)
        n += (size_t)snprintf(input + n, size - n, " %lx", row->args[i] == ATTACK_TARGET ? target : row->args[i]);
}

/* Attacks while hello is asked again and again. */
static void attack_and_serve(const struct attack_row *row, char seen[NW_ATTACK_SEEN])
{
    uint32_t attacker = nw_attack_function(row->so);
    uint64_t id;
    char input[256];
    bool answered = false, asked = false;

    attack_input(input, sizeof(input), row);
    id = nw_harness_send(&nw_attack.harness, attacker, input, strlen(input));
    while (!answered || asked) {
        struct nw_answer a;

        if (!asked)
            nw_harness_send(&nw_attack.harness, nw_attack.hello, "x", 1);
        asked = true;
        a = nw_harness_receive(&nw_attack.harness);
        if (a.id == id) {
            answered = true;
            nw_attack_describe(seen, &a);
        } else {
            asked = false;
            assert_int_equal(a.status, NW_STATUS_OK);
        }
        free(a.data);
    }
}

static void run_row(void **state)
{
    const struct attack_row *row = *state;
    char seen[NW_ATTACK_SEEN] = "refused";

    if (row->keys && nw_attack.mode != NW_MODE_MPK) {
        print_message("says something only where there are keys\n");
        skip();
    }
    if (row->how)
        attack_and_serve(row, seen);
    else if (nw_attack_load("victim", row->so, 1))
        snprintf(seen, NW_ATTACK_SEEN, "deployed");
    else
        print_message("%s\n", nw_attack.harness.message.text);
    nw_attack_check(row->name);
    nw_attack_judge(row->row, row->name, row->expect, seen);
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

static void run_calls(void **state)
{
    uint32_t attacker = nw_attack_function("memory");
    uint64_t target =
        nw_attack.mode == NW_MODE_MPK ? nw_attack_where("heap") : ATTACK_OWN; /* else the kernel stops nobody */
    unsigned through = 0;
    char seen[NW_ATTACK_SEEN], input[256];

    (void)state;
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
    nw_attack_judge(6, "every system call from 0 to 600 with four kinds of arguments", "0 got through", seen);
}

/* ---- the gate ---- */

struct span {
    long start, end;       /* from nw_gate_enter_keyed on */
    long traps, traps_end; /* the gate for other modes, of which nothing is left */
};

static long symbol(const struct nw_elf *elf, const char *name)
{
    Elf64_Sym symbol;

    if (!nw_elf_find_local(elf, name, &symbol))
        fail_msg("the worker has no symbol %s", name);
    return (long)symbol.st_value;
}

static struct span gate_span(void)
{
    static uint8_t bytes[16 << 20];
    struct nw_elf elf;
    char path[512], why[64];
    struct span span;
    ssize_t size;
    long enter;
    int fd;

    snprintf(path, sizeof(path), "%s/bin/nightward-worker", nw_attack_build());
    fd = open(path, O_RDONLY);
    size = read(fd, bytes, sizeof(bytes));
    close(fd);
    assert_true(size > 0);
    if (nw_elf_open(&elf, bytes, (size_t)size, why, sizeof(why)) < 0)
        fail_msg("%s: %s", path, why);
    enter = symbol(&elf, "nw_gate_enter_keyed");
    span.start = symbol(&elf, "nw_gate_text_start") - enter;
    span.end = symbol(&elf, "nw_gate_text_end") - enter;
    span.traps = symbol(&elf, "nw_gate_enter_plain") - enter;
    span.traps_end = symbol(&elf, "nw_gate_copy") - enter;
    return span;
}

/* Functions that jump at the same time, since each must be made anew after most of its jumps. */
struct jumpers {
    const char *how;
    uint64_t target;
    struct span span;
    long next; /* offset */
    struct {
        uint32_t deployment;
        uint64_t id;
        long offset;
    } each[JUMPERS];
    unsigned pending;
    unsigned rights, torn, none, late, elsewhere; /* how the jumps ended */
};

/* The traps are tried once; they are the same whatever is in the registers. */
static void send_jump(struct jumpers *j, size_t i)
{
    char input[128];

    if (j->next == j->span.traps && strcmp(j->how, attack_jumps[0]) != 0)
        j->next = j->span.traps_end;
    if (j->next >= j->span.end)
        return;
    j->each[i].offset = j->next++;
    snprintf(input, sizeof(input), "%s %lx %lx", j->how, j->target, (unsigned long)j->each[i].offset);
    j->each[i].id = nw_harness_send(&nw_attack.harness, j->each[i].deployment, input, strlen(input));
    j->pending++;
}

/* One that answers something else came back to an older place in itself, through a way out of the gate. */
static void count_jump(struct jumpers *j, long offset, const char *seen)
{
    if (strncmp(seen, "PKRU", 4) == 0) {
        print_message("jump to gate%+ld: %s\n", offset, seen);
        j->rights++;
    } else if (strcmp(seen, "torn down") == 0) {
        j->torn++;
    } else if (strcmp(seen, "no rights") == 0) {
        j->none++;
    } else if (strcmp(seen, "timed out") == 0) {
        j->late++;
    } else {
        j->elsewhere++;
    }
}

static void receive_jump(struct jumpers *j)
{
    struct nw_answer a = nw_harness_receive(&nw_attack.harness);
    char seen[NW_ATTACK_SEEN];
    size_t i = 0;

    while (i < JUMPERS && j->each[i].id != a.id)
        i++;
    assert_true(i < JUMPERS);
    nw_attack_describe(seen, &a);
    free(a.data);
    count_jump(j, j->each[i].offset, seen);
    j->pending--;
    send_jump(j, i);
}

static void run_jumps(void **state)
{
    struct jumpers j = {.how = *state, .target = nw_attack_where("data"), .span = gate_span()};
    char name[64], seen[NW_ATTACK_SEEN];

    j.next = j.span.start;
    for (size_t i = 0; i < JUMPERS; i++) {
        snprintf(name, sizeof(name), "jump%zu", i);
        j.each[i].deployment = nw_attack_must_load(name, "jumps", 1);
        send_jump(&j, i);
    }
    while (j.pending)
        receive_jump(&j);
    nw_attack_check(j.how);
    for (size_t i = 0; i < JUMPERS; i++)
        nw_harness_tell(&nw_attack.harness, NW_CONTROL_RETIRE, j.each[i].deployment);
    snprintf(name, sizeof(name), "jump to every byte of the gate: %s", j.how);
    snprintf(seen, sizeof(seen), "%u with rights (%u torn down, %u without rights, %u elsewhere, %u timed out)",
             j.rights, j.torn, j.none, j.elsewhere, j.late);
    nw_attack_judge(4, name, "0 with rights*", seen);
}

/* ---- files ---- */

struct damage {
    const char *name;
    size_t offset; /* in the file */
    uint8_t bytes[8];
    size_t length;
    size_t keep; /* so many bytes of the file; 0: all */
};

static const struct damage damages[] = {
    {"an empty file", 0, {0}, 0, 1},
    {"cut in its ELF header", 0, {0}, 0, 40},
    {"cut in its program headers", 0, {0}, 0, 100},
    {"cut in its code", 0, {0}, 0, 4200},
    {"no ELF magic", 0, {'E'}, 1, 0},
    {"32 bit", 4, {1}, 1, 0},
    {"big endian", 5, {2}, 1, 0},
    {"another machine", 18, {0xb7}, 1, 0},
    {"an object file", 16, {1}, 1, 0},
    {"program headers outside of the file", 32, {0xff, 0xff, 0xff, 0x7f}, 4, 0},
    {"program headers that wrap", 32, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, 0},
    {"65535 program headers", 56, {0xff, 0xff}, 2, 0},
    {"a segment outside of the file", 64 + 8, {0, 0, 0, 0x7f}, 4, 0},
    {"a segment at the end of the address space", 64 + 16, {0, 0xf0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, 0},
    {"a segment larger than memory", 64 + 40, {0, 0, 0, 0, 0, 0, 0, 0x7f}, 8, 0},
    {"segments that overlap", 64 + 40, {0, 0x40}, 2, 0},
    {"a segment with an alignment of 2^62", 64 + 48, {0, 0, 0, 0, 0, 0, 0, 0x40}, 8, 0},
};

/* bare.so in memory, damaged. */
static int damaged(const struct damage *d)
{
    static uint8_t bytes[1 << 20];
    int from = open(nw_attack_path("bare"), O_RDONLY), to = memfd_create("damaged", MFD_CLOEXEC);
    ssize_t size = read(from, bytes, sizeof(bytes));

    close(from);
    assert_true(to >= 0 && size > 0);
    memcpy(bytes + d->offset, d->bytes, d->length);
    size = d->keep ? (ssize_t)d->keep : size;
    assert_int_equal(write(to, bytes, (size_t)size), size);
    return to;
}

static void run_damage(void **state)
{
    const struct damage *d = *state;
    char path[64];
    int fd = damaged(d);
    uint32_t deployment;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    deployment = nw_attack_load("victim", path, 1);
    close(fd);
    if (!deployment)
        print_message("%s\n", nw_attack.harness.message.text);
    nw_attack_check(d->name);
    nw_attack_judge(27, d->name, "refused", deployment ? "deployed" : "refused");
}

/* Overwrites the code of the file with traps. */
static void trap_code(int fd, const uint8_t *bytes, size_t size)
{
    static const uint8_t traps[4096] = {[0 ... 4095] = 0xcc};
    struct nw_elf elf;
    char why[64];

    assert_int_equal(nw_elf_open(&elf, bytes, size, why, sizeof(why)), 0);
    for (size_t i = 0; i < elf.header.e_phnum; i++) {
        const Elf64_Phdr *ph = &elf.segments[i];

        for (uint64_t at = 0; ph->p_type == PT_LOAD && ph->p_flags & PF_X && at < ph->p_filesz; at += sizeof(traps))
            assert_true(pwrite(fd, traps, sizeof(traps), (off_t)(ph->p_offset + at)) > 0);
    }
}

/* The code in the file of a function changes while the function runs: what was scanned is what runs. */
static void run_file_change(void **state)
{
    static uint8_t bytes[1 << 20];
    int from = open(nw_attack_path(NW_ATTACK_HELLO), O_RDONLY), fd = memfd_create("changing", MFD_CLOEXEC);
    ssize_t size = read(from, bytes, sizeof(bytes));
    uint32_t deployment;
    char path[64];
    struct nw_answer a;

    (void)state;
    close(from);
    assert_int_equal(write(fd, bytes, (size_t)size), size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    deployment = nw_attack_must_load("changing", path, 1);
    trap_code(fd, bytes, (size_t)size);
    close(fd);
    a = nw_attack_ask(deployment, "x");
    nw_attack_check("a change of a file");
    nw_attack_judge(7, "the file changes after the scan", "status 0", a.status == NW_STATUS_OK ? "status 0" : a.data);
    free(a.data);
}

/* ---- keys that change hands ---- */

/* More functions than keys run in turn, and in between the attacker reads what the previous owner of a key holds. */
static void run_eviction(void **state)
{
    uint32_t attacker, crowd[20];
    unsigned leaks = 0;
    char input[64], name[16], seen[NW_ATTACK_SEEN];
    uint64_t target = nw_attack_where("heap");

    (void)state;
    attacker = nw_attack_function("memory");
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "crowd%d", i);
        crowd[i] = nw_attack_must_load(name, NW_ATTACK_HELLO, 1);
    }
    for (int i = 0; i < 40; i++) {
        struct nw_answer a;

        for (int k = 0; k < 20; k++)
            free(nw_attack_ask(crowd[(i + k) % 20], "x").data);
        snprintf(input, sizeof(input), "%s %lx", i & 1 ? "read" : "write", target);
        a = nw_attack_ask(attacker, input);
        leaks += a.status != NW_STATUS_CRASHED;
        free(a.data);
    }
    nw_attack_check("eviction");
    snprintf(seen, sizeof(seen), "%u accesses", leaks);
    nw_attack_judge(29, "touch the memory of a key's previous owner, 20 functions on 13 keys", "0 accesses", seen);
}

/* ---- the tests ---- */

static struct CMUnitTest *tests;
static size_t n_tests;

static void add(int row, const char *name, CMUnitTestFunction run, const void *state)
{
    char *text;

    tests = realloc(tests, (n_tests + 1) * sizeof(*tests));
    if (!tests || asprintf(&text, "%s: row %d: %s", nw_mode_name(nw_attack.mode), row, name) < 0)
        exit(111);
    tests[n_tests++] = (struct CMUnitTest){text, run, nw_attack_begin, NULL, (void *)(uintptr_t)state};
}

static int run_mode(enum nw_mode in)
{
    nw_attack.mode = in;
    n_tests = 0;
    for (size_t i = 0; i < attack_rows_count; i++)
        add(attack_rows[i].row, attack_rows[i].name, run_row, &attack_rows[i]);
    add(6, "every system call", run_calls, NULL);
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        add(27, damages[i].name, run_damage, &damages[i]);
    add(7, "the file changes after the scan", run_file_change, NULL);
    if (nw_attack.mode != NW_MODE_MPK)
        return _cmocka_run_group_tests(nw_mode_name(nw_attack.mode), tests, n_tests, NULL, nw_attack_end);
    add(29, "keys change hands", run_eviction, NULL);
    for (size_t i = 0; i < attack_jumps_count; i++)
        add(4, attack_jumps[i], run_jumps, attack_jumps[i]);
    return _cmocka_run_group_tests(nw_mode_name(nw_attack.mode), tests, n_tests, NULL, nw_attack_end);
}

int main(void)
{
    char path[512], why[256];
    int failed = 0;

    snprintf(path, sizeof(path), "%s/attacks.txt", nw_attack_build());
    nw_attack.table = fopen(path, "w");
    if (!nw_attack.table) {
        fprintf(stderr, "attack_test: cannot write %s: %s\n", path, strerror(errno));
        return 111;
    }
    setvbuf(nw_attack.table, NULL, _IOLBF, 0);
    fprintf(nw_attack.table, "%-8s %3s  %-70s  %-32s  %s\n", "mode", "row", "attack", "expected", "seen");
    if (getenv("NW_ONLY"))
        cmocka_set_test_filter(getenv("NW_ONLY"));
    if (nw_mode_mpk_usable(why, sizeof(why)))
        failed += run_mode(NW_MODE_MPK);
    else
        print_message("mode mpk: %s\n", why);
    failed += run_mode(NW_MODE_PROCESS);
    failed += run_mode(NW_MODE_NONE);
    fclose(nw_attack.table);
    return failed != 0;
}
