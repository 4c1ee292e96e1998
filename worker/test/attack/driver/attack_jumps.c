/* See attack_jumps.h. */
#include "worker/test/attack/driver/attack_jumps.h"
#include "common/test/test.h"
#include "protect/gate/gate.h"
#include "protect/scan/elf_file.h"
#include "worker/call/invoke.h"
#include "worker/test/attack/attack.h"
#include "worker/test/attack/attack_host.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#define JUMPERS 8

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

/* The file of the worker, valid until the next call. */
static struct nw_elf worker_file(void)
{
    static uint8_t bytes[16 << 20];
    struct nw_elf elf;
    char path[512], why[64];
    ssize_t size;
    int fd;

    snprintf(path, sizeof(path), "%s/%s", nw_attack_build(),
             nw_attack.without ? "test/worker/nightward-worker-without" : "bin/nightward-worker");
    fd = open(path, O_RDONLY);
    size = read(fd, bytes, sizeof(bytes));
    close(fd);
    assert_true(size > 0);
    if (nw_elf_open(&elf, bytes, (size_t)size, why, sizeof(why)) < 0)
        fail_msg("%s: %s", path, why);
    return elf;
}

static struct span gate_span(void)
{
    struct nw_elf elf = worker_file();
    long enter = symbol(&elf, "nw_gate_enter_keyed");

    return (struct span){
        .start = symbol(&elf, "nw_gate_text_start") - enter,
        .end = symbol(&elf, "nw_gate_text_end") - enter,
        .traps = symbol(&elf, "nw_gate_enter_plain") - enter,
        .traps_end = symbol(&elf, "nw_gate_copy") - enter,
    };
}

uint64_t nw_attack_gate_offset(const char *name)
{
    struct nw_elf elf = worker_file();

    return (uint64_t)(symbol(&elf, name) - symbol(&elf, "nw_gate_enter_keyed"));
}

uint64_t nw_attack_xrstor_offset(void)
{
    static const uint8_t xrstor64_at_rsi[] = {0x48, 0x0f, 0xae, 0x2e};
    struct nw_elf elf = worker_file();
    uint64_t start = (uint64_t)symbol(&elf, "nw_gate_exit_keyed"), at;
    uint64_t length = (uint64_t)symbol(&elf, "nw_gate_exit_end_keyed") - start;
    const uint8_t *found;

    assert_true(nw_elf_file_offset(&elf, start, length, PF_X, &at));
    found = memmem(elf.bytes + at, length, xrstor64_at_rsi, sizeof(xrstor64_at_rsi));
    assert_non_null(found);
    return start + (uint64_t)(found - (elf.bytes + at)) - (uint64_t)symbol(&elf, "nw_gate_enter_keyed");
}

uint64_t nw_attack_wrpkru_offset(const char *name, int which)
{
    static const uint8_t wrpkru[] = {0x0f, 0x01, 0xef};
    struct nw_elf elf = worker_file();
    uint64_t start = (uint64_t)symbol(&elf, name), at;
    uint64_t length = (uint64_t)symbol(&elf, "nw_gate_text_end") - start;
    const uint8_t *found;

    assert_true(nw_elf_file_offset(&elf, start, length, PF_X, &at));
    found = elf.bytes + at;
    for (const uint8_t *end = found + length; which && found; which--) {
        found = memmem(found, (size_t)(end - found), wrpkru, sizeof(wrpkru));
        found = found ? found + sizeof(wrpkru) : NULL;
    }
    assert_non_null(found);
    return start + (uint64_t)(found - sizeof(wrpkru) - (elf.bytes + at)) -
           (uint64_t)symbol(&elf, "nw_gate_enter_keyed");
}

static bool through_register(const uint8_t *code)
{
    return code[0] == 0xff && ((code[1] & 0xf8) == 0xd0 || (code[1] & 0xf8) == 0xe0);
}

uint64_t nw_attack_jump_offset(const char *function)
{
    static const char *const thunks[] = {"__x86_indirect_thunk_r13", "__x86_indirect_thunk_rax",
                                         "__llvm_retpoline_r11"};
    struct nw_elf elf = worker_file();
    uint64_t gate = (uint64_t)symbol(&elf, "nw_gate_enter_keyed"), at, offset = 0;
    Elf64_Sym code;

    for (size_t i = 0; i < sizeof(thunks) / sizeof(thunks[0]) && !nw_attack.without; i++)
        if (nw_elf_find_local(&elf, thunks[i], &code))
            return code.st_value - gate;
    assert_true(nw_elf_find_local(&elf, function, &code));
    assert_true(nw_elf_file_offset(&elf, code.st_value, code.st_size, PF_X, &at));
    while (offset + 2 < code.st_size && !through_register(elf.bytes + at + offset))
        offset++;
    assert_true(offset + 2 < code.st_size);
    return code.st_value + offset - (elf.bytes[at + offset - 1] == 0x41) - gate; /* REX names one of eight more */
}

/* Where the program begins, or where the memory ends that is shared with the engine; 0: this user may not know. */
static uint64_t mapped(const char *file, bool end)
{
    char path[64], line[512];
    unsigned long bounds[2] = {0, 0};
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", nw_attack.harness.pid);
    maps = fopen(path, "re");
    while (maps && !bounds[1] && fgets(line, sizeof(line), maps))
        if (strstr(line, file) && sscanf(line, "%lx-%lx", &bounds[0], &bounds[1]) != 2)
            break;
    if (maps)
        fclose(maps);
    return bounds[end];
}

static bool peek(uint64_t at, uint64_t *word)
{
    struct iovec to = {word, sizeof(*word)}, from = {(void *)at, sizeof(*word)};

    return process_vm_readv(nw_attack.harness.pid, &to, 1, &from, 1, 0) == (ssize_t)sizeof(*word);
}

bool nw_attack_look(uint64_t which, uint64_t *value)
{
    struct nw_elf elf = worker_file();
    uint64_t base = mapped("/nightward-worker", false), alternate;

    if (!base || !peek(base + (uint64_t)symbol(&elf, "nw_gate_alt_base"), &alternate))
        return false;
    if (which == ATTACK_SHARED) {
        *value = mapped("/memfd:nightward-channel", true) - ATTACK_UNUSED;
        return true;
    }
    if (which == ATTACK_ALTERNATE) {
        *value = alternate;
        return true;
    }
    if (which == ATTACK_STACK)
        return peek(alternate, value) && peek(*value + NW_THREAD_STACK, value);
    return peek(alternate + (which - ATTACK_RECORD(0)) * NW_ALT_SIZE, value);
}

bool nw_attack_look_record(unsigned which, uint64_t *at)
{
    struct nw_elf elf = worker_file();
    uint64_t base = mapped("/nightward-worker", false);

    return base && peek(base + (uint64_t)symbol(&elf, "nw__domains") + which * sizeof(struct nw_domain *), at);
}

/* Functions that jump at the same time, since each must be made anew after most of its jumps. */
struct jumpers {
    const char *how;
    uint64_t target;
    struct span span;
    bool traps; /* whether to jump to them */
    long next;  /* offset */
    struct {
        uint32_t deployment;
        uint64_t id;
        long offset;
    } each[JUMPERS];
    unsigned pending;
    unsigned rights, torn, none, late, elsewhere; /* how the jumps ended */
};

/* The traps are tried once; they are the same whatever is in the registers. One jump with rights is enough. */
static void send_jump(struct jumpers *j, size_t i)
{
    char input[128];

    if (j->next == j->span.traps && !j->traps)
        j->next = j->span.traps_end;
    if (j->next >= j->span.end || (j->rights && nw_attack.without))
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
        if (!nw_attack.without)
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

/* False: the worker is gone. */
static bool receive_jump(struct jumpers *j)
{
    struct nw_answer a;
    char seen[NW_ATTACK_SEEN];
    size_t i = 0;

    if (!nw_attack.without)
        a = nw_harness_receive(&nw_attack.harness);
    else if (nw_harness_try_receive(&nw_attack.harness, 1000, &a) < 0)
        return false;
    while (i < JUMPERS && j->each[i].id != a.id)
        i++;
    assert_true(i < JUMPERS);
    nw_attack_describe(seen, &a);
    free(a.data);
    count_jump(j, j->each[i].offset, seen);
    j->pending--;
    send_jump(j, i);
    return true;
}

void nw_attack_jump(const char *how, bool traps, char seen[NW_ATTACK_SEEN])
{
    struct jumpers j = {.how = how, .target = nw_attack_where("data"), .span = gate_span(), .traps = traps};
    char name[64];

    j.next = j.span.start;
    for (size_t i = 0; i < JUMPERS; i++) {
        snprintf(name, sizeof(name), "jump%zu", i);
        j.each[i].deployment = nw_attack_must_load(name, "jumps", 1, NW_ATTACK_HASTY);
        send_jump(&j, i);
    }
    while (j.pending && receive_jump(&j))
        continue;
    for (size_t i = 0; i < JUMPERS && !nw_attack.without; i++)
        nw_harness_tell(&nw_attack.harness, NW_CONTROL_RETIRE, j.each[i].deployment);
    snprintf(seen, NW_ATTACK_SEEN, "%u with rights (%u torn down, %u without rights, %u elsewhere, %u timed out)",
             j.rights, j.torn, j.none, j.elsewhere, j.late);
}
