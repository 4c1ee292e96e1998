/* A function whose code holds an instruction that it may not have (forbidden.S): it runs it and uses what it gave. */
#include "worker/test/attack/attack.h"

void forbidden(void);

/* What an XRSTOR finds: no state at all, which makes PKRU 0; what WRGSBASE is given: a page of its own. */
static uint64_t zeros[1024] __attribute__((aligned(4096)));

#if defined(FORBIDDEN_xrstor) || defined(FORBIDDEN_xrstor64)
#define RAX 0x200 /* the state component of PKRU */
#elif defined(FORBIDDEN_wrgsbase_prefixes)
#define RAX zeros
#else
#define RAX 0
#endif

static const char *try_forbidden(struct attacker *a)
{
    uint64_t *rdi = zeros;

    __asm__ volatile("movq %%rdi, %%r15; call forbidden"
                     : "+D"(rdi)
                     : "a"((uint64_t)RAX), "c"(0), "d"(0)
                     : "r15", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7");
    return attack_say(a, "read %#x", *(volatile uint8_t *)a->arg[0]);
}

const struct attack attacks[] = {{"forbidden", try_forbidden}, {0}};
