/*
 * Starts a domain the way the kernel starts a program: maps the stub and the host's ld.so, builds the initial stack and
 * points the first flow at ld.so's entry. Reads only files that the host vouches for; everything the function brings is
 * loaded by that ld.so, inside the domain.
 */
#include "worker/life/load.h"
#include "common/manifest/tunables.h"
#include "worker/base/config.h"
#include "worker/base/limits.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/image/programs.h"
#include "worker/memory/calls.h"
#include "worker/memory/code.h"
#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define MAIN_STACK  (1ul << 20)
#define STRINGS_MAX (160ul << 10) /* arguments and environment at the top of the stack */
#define PHDRS_MAX   16
#define ENV_MAX     512

#define CS_USER 0x33
#define SS_USER 0x2b

struct loaded {
    uint64_t bias, entry, phdr, phnum;
};

static int protection(const Elf64_Phdr *ph)
{
    return (ph->p_flags & PF_R ? PROT_READ : 0) | (ph->p_flags & PF_W ? PROT_WRITE : 0) |
           (ph->p_flags & PF_X ? PROT_EXEC : 0);
}

static uint64_t page_up(uint64_t n)
{
    return (n + NW_PAGE_SIZE - 1) & -NW_PAGE_SIZE;
}

static long map_at(struct nw_domain *d, uint64_t at, uint64_t length, int prot, int flags,
                   const struct nw_domain_fd *file, uint64_t offset)
{
    const uint64_t args[6] = {at, length, (uint64_t)prot, (uint64_t)(MAP_PRIVATE | flags), 0, offset};
    struct nw_code_call code = {.may_build = true};
    long result = nw_memory_map(NULL, &d->memory, args, file, &code);

    if (code.why[0])
        snprintf(d->reason, sizeof(d->reason), "%s", code.why);
    return result;
}

static int map_segment(struct nw_domain *d, uint64_t bias, const Elf64_Phdr *ph, const struct nw_domain_fd *file)
{
    uint64_t start = (bias + ph->p_vaddr) & -NW_PAGE_SIZE, file_end = bias + ph->p_vaddr + ph->p_filesz;
    uint64_t mapped = page_up(file_end), end = page_up(bias + ph->p_vaddr + ph->p_memsz);
    long at = map_at(d, start, mapped - start, protection(ph), MAP_FIXED, file, ph->p_offset & -NW_PAGE_SIZE);

    if (at >= 0 && end > mapped)
        at = map_at(d, mapped, end - mapped, protection(ph), MAP_FIXED | MAP_ANONYMOUS, NULL, 0);
    if (at < 0)
        return (int)at;
    if (ph->p_memsz > ph->p_filesz)
        memset((void *)file_end, 0, mapped - file_end);
    return 0;
}

static int load_elf(struct nw_domain *d, const struct nw_domain_fd *file, struct loaded *out)
{
    Elf64_Phdr ph[PHDRS_MAX];
    Elf64_Ehdr eh;
    uint64_t span = 0;
    long base;
    int error = 0;

    if (pread(file->fd, &eh, sizeof(eh), 0) != sizeof(eh) || eh.e_phnum > PHDRS_MAX ||
        pread(file->fd, ph, sizeof(*ph) * eh.e_phnum, (off_t)eh.e_phoff) != (ssize_t)(sizeof(*ph) * eh.e_phnum))
        return -ENOEXEC;
    for (size_t i = 0; i < eh.e_phnum; i++)
        if (ph[i].p_type == PT_LOAD && ph[i].p_vaddr + ph[i].p_memsz > span)
            span = ph[i].p_vaddr + ph[i].p_memsz;
    base = map_at(d, 0, page_up(span), PROT_NONE, MAP_ANONYMOUS, NULL, 0);
    if (base < 0)
        return (int)base;
    for (size_t i = 0; i < eh.e_phnum && !error; i++)
        if (ph[i].p_type == PT_LOAD)
            error = map_segment(d, (uint64_t)base, &ph[i], file);
    *out = (struct loaded){(uint64_t)base, (uint64_t)base + eh.e_entry, (uint64_t)base + eh.e_phoff, eh.e_phnum};
    return error;
}

struct stack_builder {
    char *text; /* next free byte for strings */
    char *end;
    uint64_t *word; /* next free word of the vector */
};

static uint64_t put_text(struct stack_builder *b, const void *text, size_t length)
{
    char *at = b->text;

    if ((size_t)(b->end - at) < length)
        return 0;
    memcpy(at, text, length);
    b->text += length;
    return (uint64_t)at;
}

static void put_arguments(struct stack_builder *b, const struct nw_deployed *function)
{
    const bool hooked = nw_deployed_wants_snapshot(function) && !function->fresh; /* the stub calls its hooks */
    char gate[32];

    snprintf(gate, sizeof(gate), "%lx", (unsigned long)nw_config()->gate->enter);
    *b->word++ = hooked ? 3 : 2;
    *b->word++ = put_text(b, function->name, strlen(function->name) + 1);
    *b->word++ = put_text(b, gate, strlen(gate) + 1);
    if (hooked)
        *b->word++ = put_text(b, "snapshot", sizeof("snapshot"));
    *b->word++ = 0;
}

static bool is_tunables(const char *variable)
{
    return strncmp(variable, NW_TUNABLES, strlen(NW_TUNABLES)) == 0;
}

/* Puts ours and then the function's into one variable. libc is told to keep few stacks of threads that ended, since
 * they count as the function's memory. */
static void put_tunables(struct stack_builder *b, const struct nw_deployed *function, const char *theirs)
{
    char ours[128];
    int length = snprintf(ours, sizeof(ours),
                          NW_TUNABLES "glibc.pthread.stack_cache_size=4194304:glibc.rtld.optional_static_tls=%llu",
                          (unsigned long long)function->static_tls);

    *b->word++ = put_text(b, ours, (size_t)length + !theirs);
    if (!theirs)
        return;
    put_text(b, ":", 1);
    put_text(b, theirs, strlen(theirs) + 1);
}

static void put_environment(struct stack_builder *b, const struct nw_deployed *function)
{
    static const char bind_now[] = "LD_BIND_NOW=1";
    const char *tunables = NULL;
    size_t n = 0;

    *b->word++ = put_text(b, bind_now, sizeof(bind_now));
    for (size_t i = 0; i < function->env_length && n < ENV_MAX; n++) {
        const char *variable = function->env + i;
        size_t length = strnlen(variable, function->env_length - i) + 1;

        if (i + length > function->env_length)
            break;
        if (is_tunables(variable))
            tunables = variable + strlen(NW_TUNABLES);
        else
            *b->word++ = put_text(b, variable, length);
        i += length;
    }
    put_tunables(b, function, tunables);
    *b->word++ = 0;
}

static int put_auxiliary(struct stack_builder *b, const struct loaded *stub, const struct loaded *loader)
{
    uint8_t seed[16];
    uint64_t random;

    if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
        return -EIO;
    random = put_text(b, seed, sizeof(seed));
    const uint64_t aux[] = {AT_PHDR,         stub->phdr,
                            AT_PHENT,        sizeof(Elf64_Phdr),
                            AT_PHNUM,        stub->phnum,
                            AT_PAGESZ,       NW_PAGE_SIZE,
                            AT_BASE,         loader->bias,
                            AT_ENTRY,        stub->entry,
                            AT_RANDOM,       random,
                            AT_UID,          0,
                            AT_EUID,         0,
                            AT_GID,          0,
                            AT_EGID,         0,
                            AT_SECURE,       0,
                            AT_CLKTCK,       100,
                            AT_HWCAP,        getauxval(AT_HWCAP),
                            AT_HWCAP2,       getauxval(AT_HWCAP2),
                            AT_MINSIGSTKSZ,  getauxval(AT_MINSIGSTKSZ),
                            AT_SYSINFO_EHDR, nw_config()->vdso,
                            AT_NULL,         0};
    memcpy(b->word, aux, sizeof(aux));
    return 0;
}

static int build_stack(struct nw_domain *d, struct nw_slot *first, const struct loaded *stub,
                       const struct loaded *loader)
{
    long stack = map_at(d, 0, MAIN_STACK, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | MAP_STACK, NULL, 0);
    uint64_t top, sp;
    int error;

    if (stack < 0)
        return (int)stack;
    top = (uint64_t)stack + MAIN_STACK;
    sp = (top - STRINGS_MAX - sizeof(uint64_t) * (ENV_MAX + 64)) & -64ull;
    struct stack_builder b = {(char *)(top - STRINGS_MAX), (char *)top, (uint64_t *)sp};
    put_arguments(&b, d->function);
    put_environment(&b, d->function);
    error = put_auxiliary(&b, stub, loader);
    first->gate.regs =
        (struct nw_gate_regs){.rip = loader->entry, .rsp = sp, .cs = CS_USER, .ss = SS_USER, .rflags = 0x202};
    return error;
}

int nw_domain_load(struct nw_domain *domain, struct nw_slot *first)
{
    /* Duplicates, to fail here with a reason where two descriptors cannot be had: ld.so could only end the program. */
    const struct nw_domain_fd program = {.fd = dup(nw_program_stub()), .trust = true, .host = true},
                              linker = {.fd = dup(nw_program_loader()), .trust = true, .host = true};
    int error = program.fd < 0 || linker.fd < 0 ? -errno : 0;
    struct loaded stub, loader;

    if (!error)
        error = load_elf(domain, &program, &stub);
    if (!error)
        error = load_elf(domain, &linker, &loader);
    if (!error)
        error = build_stack(domain, first, &stub, &loader);
    if (program.fd >= 0)
        close(program.fd);
    if (linker.fd >= 0)
        close(linker.fd);
    return error;
}
