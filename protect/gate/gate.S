/*
 * The gate. Every instruction of the process that can write PKRU or FS base lies in this section.
 *
 * What must hold, whatever address of this section a domain jumps to with whatever registers:
 *  - After every WRPKRU and XRSTOR the result is compared before control can leave: towards the monitor with 0,
 *    towards a domain with the word that only the monitor can write (page.pkru). A mismatch traps.
 *  - With the monitor's rights, nothing is stored or loaded through a register that was not loaded from GS since.
 *    GS itself is the thread's page, or 0 when a domain loaded a null selector; then the access faults.
 *  - GS base is set by a system call, which in a domain is mediated like any other: no instruction here writes it.
 *  - A system call is made with the rights of the running domain, or with others only while nw_gate_as is under way.
 *  - What holds of these comparisons also holds of what runs ahead of them: a processor guesses how they end and goes on
 *    with rights that it should not have. LFENCE stands between each of them and the jump that leaves the gate.
 * A trap is UD2: the kernel delivers it on the alternate stack, and the domain is torn down.
 */
#define __ASSEMBLER__ 1
#include "common/base/xstate.h"
#include "protect/gate/gate.h"
#include "protect/gate/without.h"
#include <asm-generic/errno-base.h>
#include <asm/prctl.h>
#include <asm/unistd_64.h>

#define EFLAGS_REFUSED 0x44500  /* AC, NT, DF, TF */
#define EFLAGS_ID      0x200000 /* tells nothing and can be set by anybody */
#define EFLAGS_CLEAN   2

#define EXIT_TWO_CLAIM_FRAME 112 /* the exit status of the process */

    .section .nw_gate, "ax", @progbits
    .globl nw_gate_text_start
    .hidden nw_gate_text_start
nw_gate_text_start:

    .macro entry name
    .balign 64
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    .endm

    .macro mark name
    .globl \name
    .hidden \name
\name:
    .endm

    /* Ends with the monitor's rights, or traps. Clobbers rax, rcx, rdx. */
    .macro take_rights keyed
    .if \keyed
    xorl %eax, %eax
    xorl %ecx, %ecx
    xorl %edx, %edx
    wrpkru
    .endif
    .endm

    /* Traps on a condition, unless a test build leaves the check out. */
    .macro trap_if condition defence
#ifdef NW_WITHOUT
    j\condition .Lcheck\@
    jmp .Lpassed\@
.Lcheck\@:
    cmpb $0, nw_left_out + \defence(%rip)
    je nw_gate_trap_here
.Lpassed\@:
#else
    j\condition nw_gate_trap_here
#endif
    .endm

    /* In a test build, jumps when a defence is left out. */
    .macro skip_if_left_out to defence
#ifdef NW_WITHOUT
    cmpb $0, nw_left_out + \defence(%rip)
    jne \to
#endif
    .endm

    .macro check_taken keyed
    .if \keyed
    testl %eax, %eax
    trap_if ne, NW_DEFENCE_ENTER
    .endif
    .endm

    /* From eax = rights of the running context: WRPKRU leaves it as it is, so it is what is compared. Clobbers rcx, rdx. */
    .macro give_rights keyed
    .if \keyed
    xorl %ecx, %ecx
    xorl %edx, %edx
    wrpkru
    cmpl %gs:NW_PAGE_PKRU, %eax
    trap_if ne, NW_DEFENCE_EXIT
    .endif
    .endm

    .macro gate suffix keyed

/* rdi = operation, rsi r10 r8 r9 = arguments; the return address is on the stack. The pushes run with the domain's own
 * rights, on its own stack. DF, which no compiler leaves set, is refused rather than cleared: that is cheaper. */
    entry nw_gate_enter_\suffix
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, %r11
    take_rights \keyed
    mark nw_gate_inside_\suffix
    check_taken \keyed
    movq %gs:NW_PAGE_THREAD, %r12
    movq NW_THREAD_STACK(%r12), %rsp
    movq NW_THREAD_CURRENT(%r12), %rbx
    stmxcsr NW_CTX_MXCSR(%rbx) /* these two before PUSHFQ, which makes them slower */
    fnstcw NW_CTX_FCW(%rbx)
    pushfq
    popq %rax
    testl $EFLAGS_REFUSED, %eax
    trap_if nz, NW_DEFENCE_FLAGS
    testl $EFLAGS_ID, %eax
    jnz 5f
6:  movb $NW_SELECTOR_ALLOW, %gs:NW_PAGE_SELECTOR
    movq %r11, NW_CTX_RSP(%rbx)
    movl $NW_CTX_KIND_CALL, NW_CTX_KIND(%rbx)
    cmpl $NW_MXCSR_DEFAULT, NW_CTX_MXCSR(%rbx)
    jne 2f
1:  cmpw $NW_FCW_DEFAULT, NW_CTX_FCW(%rbx)
    jne 3f
4:  movq %rsi, %rdx
    movq %rdi, %rsi
    movq %r12, %rdi
    movq %r10, %rcx
    call nw_gate_dispatch
    movq %rax, %rdi
    jmp nw_gate_leave_\suffix
2:  ldmxcsr nw_gate_mxcsr(%rip)
    jmp 1b
3:  fldcw nw_gate_fcw(%rip)
    jmp 4b
5:  skip_if_left_out 6b, NW_DEFENCE_STATE
    andl $~EFLAGS_ID, %eax
    pushq %rax
    popfq
    jmp 6b

/* rdi = context. From nw_gate_exit on, a signal discards what was done and starts again from the context. */
    entry nw_gate_leave_\suffix
    movq %gs:NW_PAGE_THREAD, %r12
    movq %rdi, NW_THREAD_CURRENT(%r12)
    mark nw_gate_exit_\suffix
    cmpl $0, NW_THREAD_PENDING(%r12)
    jne 9f

    /* Nothing of another context is left in the x87: no data (MMX writes all its registers), no address of an
     * instruction or operand (FLDS leaves its own), no status. FSTP takes the top back to 0: elsewhere each MMX
     * instruction needs an assist on Intel. A status may also be an exception that is yet to trap, so FNSTSW comes
     * first; also before WRFSBASE, which makes it slower. WRFSBASE takes long, but what follows need not wait. */
    movq NW_CTX_FS(%rdi), %rcx
    fnstsw %ax
    wrfsbase %rcx
    testw %ax, %ax
    jne 1f
0:  .irp n, 0,1,2,3,4,5,6,7
    pxor %mm\n, %mm\n
    .endr
    emms
    flds nw_gate_zero(%rip)
    fstp %st(0)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    vpxor %xmm\n, %xmm\n, %xmm\n /* all of it, up to zmm */
    .endr
    vzeroupper /* nothing left to zero, but some CPUs are told only by this */

    /* Any selector but 0 was loaded by a domain. That of GS is 0 wherever GS leads to the page. */
    movl %ds, %eax
    movl %es, %ecx
    movl %fs, %edx
    orl %ecx, %eax
    orl %edx, %eax
    jne 12f
11: movl NW_CTX_PKRU(%rdi), %eax
    movl %eax, %gs:NW_PAGE_PKRU
#ifdef NW_WITHOUT
    cmpb $0, nw_left_out + NW_DEFENCE_SELECTOR(%rip)
    jne 10f
#endif
    movb $NW_SELECTOR_BLOCK, %gs:NW_PAGE_SELECTOR
10:
    cmpl $0, nw__gate_state(%rip) /* close to WRPKRU, where it costs least */
    jne 3f
4:
    cmpl $NW_CTX_KIND_FULL, NW_CTX_KIND(%rdi)
    je 5f

    /* Back from a call: nothing but the results may be seen. */
    cmpl $NW_MXCSR_DEFAULT, NW_CTX_MXCSR(%rdi)
    jne 6f
7:  cmpw $NW_FCW_DEFAULT, NW_CTX_FCW(%rdi)
    jne 8f
2:  movq NW_CTX_RESULT(%rdi), %r9
    movq NW_CTX_RESULT2(%rdi), %r10
    movq NW_CTX_RSP(%rdi), %rsp
    movl NW_CTX_PKRU(%rdi), %eax
    xorl %esi, %esi
    xorl %edi, %edi
    xorl %r8d, %r8d
    xorl %r11d, %r11d
    give_rights \keyed
    movq %r9, %rax
    movq %r10, %rdx
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    popq %rcx
    .if \keyed
    lfence
    .endif
    jmp *%rcx /* RET would be predicted to go to the last who called, often another domain */
    int3

1:  fninit
    jmp 0b
6:  ldmxcsr NW_CTX_MXCSR(%rdi)
    jmp 7b
8:  fldcw NW_CTX_FCW(%rdi)
    jmp 2b
12: skip_if_left_out 11b, NW_DEFENCE_STATE
    xorl %eax, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movq NW_CTX_FS(%rdi), %rcx
    wrfsbase %rcx /* once more: loading the selector took the base away */
    jmp 11b
3:  testl $NW_STATE_TILES, nw__gate_state(%rip)
    jz 13f
    skip_if_left_out 13f, NW_DEFENCE_STATE
    tilerelease
13: testl $NW_STATE_AVX512, nw__gate_state(%rip)
    jz 4b
    .irp n, 16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    vpxorq %zmm\n, %zmm\n, %zmm\n
    .endr
    xorl %eax, %eax
    .irp n, 0,1,2,3
    kxorw %k\n, %k\n, %k\n /* all 64 bits; the other half by another unit of the processor */
    .endr
    .irp n, 4,5,6,7
    kmovw %eax, %k\n
    .endr
    jmp 4b

    /* Every register counts. XRSTOR could have been jumped to: what follows trusts nothing from before it. */
5:  movq NW_CTX_XSAVE(%rdi), %rsi
    movl $NW_XFEATURES_KEPT, %eax
    xorl %edx, %edx
    xrstor64 (%rsi)
    .if \keyed
    xorl %ecx, %ecx
    rdpkru
    testl %eax, %eax
    trap_if ne, NW_DEFENCE_RESTORE
    .endif
    movq %gs:NW_PAGE_THREAD, %r12
    movq NW_THREAD_CURRENT(%r12), %rdi
    movq NW_CTX_AREA(%rdi), %rdx
    movl NW_CTX_PKRU(%rdi), %eax
    .set word, 0
    .rept NW_REGS_WORDS
    movq NW_CTX_REGS + word * 8(%rdi), %rcx
    movq %rcx, word * 8(%rdx)
    .set word, word + 1
    .endr
    movq %rdx, %rsp
    give_rights \keyed
    .if \keyed
    lfence
    .endif
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rbp
    popq %rdi
    popq %rsi
    popq %rdx
    popq %rcx
    popq %rbx
    popq %rax
    iretq
    mark nw_gate_exit_end_\suffix

9:  movl $0, NW_THREAD_PENDING(%r12)
    movq NW_THREAD_STACK(%r12), %rsp
    movq %r12, %rdi
    call nw_gate_interrupted
    movq %rax, %rdi
    jmp nw_gate_leave_\suffix

/* Entered by rt_sigreturn on the monitor's stack with the monitor's rights. */
    entry nw_gate_resume_\suffix
    .if \keyed
    xorl %ecx, %ecx
    rdpkru
    testl %eax, %eax
    jne nw_gate_trap_here
    .endif
    movq %gs:NW_PAGE_THREAD, %rdi
    movq NW_THREAD_STACK(%rdi), %rsp
    movb $NW_SELECTOR_ALLOW, %gs:NW_PAGE_SELECTOR
    call nw_gate_trap
    movq %rax, %rdi
    jmp nw_gate_leave_\suffix

/*
 * The kernel enters with RSP at a fresh frame and access to key 0 only. A domain may jump here with any RSP: nothing is
 * written before RSP is known to be the one place where the kernel puts this thread's frames, and the frame to be new.
 */
    entry nw_gate_signal_\suffix
    take_rights \keyed
    check_taken \keyed
    movq %rsp, %rax
    andq $-NW_ALT_SIZE, %rax
    movq %rax, %r8
    subq nw_gate_alt_base(%rip), %r8
    cmpq nw_gate_alt_bytes(%rip), %r8
    trap_if ae, NW_DEFENCE_FRAME
    lfence /* RAX is anything otherwise */
    movq (%rax), %r12
    cmpq %rsp, NW_THREAD_FRAME(%r12)
    jne nw_gate_trap_here
    rdgsbase %rcx
    movq NW_THREAD_PAGE(%r12), %r13
    testq %rcx, %rcx
    je 0f
    cmpq %rcx, %r13
    jne nw_gate_trap_here
0:  xorl %eax, %eax
    xchgq %rax, (%rsp)
    leaq nw_gate_restorer(%rip), %rdx
    cmpq %rdx, %rax
    jne nw_gate_trap_here
    lfence
    testq %rcx, %rcx
    je 2f
1:  movb $NW_SELECTOR_ALLOW, %gs:NW_PAGE_SELECTOR
    movq %rsp, %rbx
    pushq $EFLAGS_CLEAN
    popfq
    movq %rsp, %rdi
    movq %r12, %rsi
    andq $-16, %rsp
    call nw_gate_on_signal
    leaq 8(%rbx), %rsp
    movl $__NR_rt_sigreturn, %eax
    syscall
    ud2

    /* GS was lost: loading any selector makes its base 0. The thread id then proves whose frame this is. */
2:  movb $NW_SELECTOR_ALLOW, NW_PAGE_SELECTOR(%r13)
    movl $__NR_gettid, %eax
    syscall
    cmpl NW_THREAD_TID(%r12), %eax
    jne nw_gate_die
    movl $__NR_arch_prctl, %eax
    movl $ARCH_SET_GS, %edi
    movq %r13, %rsi
    syscall
    jmp 1b

/* edi = rights, rsi = number, rdx = arguments */
    entry nw_gate_as_\suffix
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %gs:NW_PAGE_THREAD, %r12
    movq %rsp, NW_THREAD_CALL_RSP(%r12)
    movl $1, NW_THREAD_CALL_LIVE(%r12) /* from now on a signal cuts the call short */
    movq $-NW_CALL_CUT, %rax
    cmpl $0, NW_THREAD_PENDING(%r12)
    jne nw_gate_as_cut_\suffix
    movl %edi, %eax
    movq %rsi, %r14
    movq 0(%rdx), %rdi
    movq 8(%rdx), %rsi
    movq 16(%rdx), %r13
    movq 24(%rdx), %r10
    movq 32(%rdx), %r8
    movq 40(%rdx), %r9
    .if \keyed
    xorl %ecx, %ecx
    xorl %edx, %edx
    wrpkru
    /* Jumped to with other rights, the selector unreadable would end the process, and a kick right here would set it
     * to allow. */
    cmpl %gs:NW_PAGE_PKRU, %eax
    je 1f
    movq %gs:NW_PAGE_THREAD, %r12
    cmpl $1, NW_THREAD_CALL_LIVE(%r12)
    jne nw_gate_trap_here
1:  lfence
    .endif
    movq %r13, %rdx
    movq %r14, %rax
    mark nw_gate_as_syscall_\suffix
    syscall
    mark nw_gate_as_cut_\suffix
    movq %rax, %r15
    take_rights \keyed
    check_taken \keyed
    movq %gs:NW_PAGE_THREAD, %r12
    cmpl $1, NW_THREAD_CALL_LIVE(%r12)
    jne nw_gate_trap_here
    mark nw_gate_as_end_\suffix
    movq NW_THREAD_CALL_RSP(%r12), %rsp
    movl $0, NW_THREAD_CALL_LIVE(%r12)
    movq %r15, %rax
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    lfence /* who jumped here has filled the predictor of RET */
    ret
    int3
    .endm

    gate keyed 1
    gate plain 0

    .set nw_gate_syscall_as, nw_gate_as_keyed
    .set nw_gate_syscall_plain, nw_gate_as_plain
    .globl nw_gate_syscall_as, nw_gate_syscall_plain
    .hidden nw_gate_syscall_as, nw_gate_syscall_plain

/* rdi, rsi, rdx as memcpy */
    entry nw_gate_copy
    pushq %r12
    movq %gs:NW_PAGE_THREAD, %r12
    movq %rsp, NW_THREAD_GUARD_RSP(%r12)
    movq $1, NW_THREAD_GUARD_LIVE(%r12)
    call memcpy
    movq $0, NW_THREAD_GUARD_LIVE(%r12)
    xorl %eax, %eax
    popq %r12
    ret
    mark nw_gate_copy_fault
    movq %gs:NW_PAGE_THREAD, %r12
    movq NW_THREAD_GUARD_RSP(%r12), %rsp
    movq $0, NW_THREAD_GUARD_LIVE(%r12)
    movl $-EFAULT, %eax
    popq %r12
    ret

/* rdi = FS base. Worth nothing to a domain: FS is never trusted. */
    entry nw_set_fs
    wrfsbase %rdi
    ret

    mark nw_gate_restorer
    ud2

/* Two threads claimed one frame: the process cannot be trusted any more. */
nw_gate_die:
    movl $__NR_exit_group, %eax
    movl $EXIT_TWO_CLAIM_FRAME, %edi
    syscall
    jmp nw_gate_die

nw_gate_trap_here:
    ud2

    mark nw_gate_text_end

    .section .rodata
nw_gate_mxcsr:
    .long NW_MXCSR_DEFAULT
nw_gate_zero:
    .float 0
nw_gate_fcw:
    .word NW_FCW_DEFAULT

    .section .note.GNU-stack, "", @progbits
