/* Functions whose files are wrong or attack while they are loaded, one per build (BAD_...; bare.c is the rest). */
#include <stdint.h>

void bad(void);

/* A neighbour is unknown at this time; that there is nothing at address 16 is not. */
#if defined(BAD_constructor)
__attribute__((constructor)) void bad(void)
{
    *(volatile int *)16 = 1;
}
#elif defined(BAD_ifunc)
static void nothing(void)
{
}

__attribute__((used)) static void (*choose(void))(void)
{
    *(volatile int *)16 = 1;
    return nothing;
}

void bad(void) __attribute__((ifunc("choose")));
extern void (*const bad_pointer)(void);
void (*const bad_pointer)(void) = bad;
#elif defined(BAD_huge)
extern char bad_huge[8ull << 30];
char bad_huge[8ull << 30];
#elif defined(BAD_textrel)
/* An address in the code itself. */
__asm__(".text; .quad faas_init");
#elif defined(BAD_wx)
__asm__(".section .both, \"awx\", @progbits; ret; .text");
#endif
