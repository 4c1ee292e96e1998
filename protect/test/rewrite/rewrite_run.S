/*
 * run_with(struct machine *): calls machine->function with these registers, flags and red zone, and stores what it
 * leaves. The layout is that of machine.h.
 */
        .text
        .globl  run_with
        .type   run_with, @function
run_with:
        push    %rbx
        push    %rbp
        push    %r12
        push    %r13
        push    %r14
        push    %r15
        push    %rdi
        push    304(%rdi)
        sub     $8, %rsp

        mov     %rdi, %rdx
        lea     176(%rdx), %rsi
        lea     -136(%rsp), %rdi /* the red zone of the callee */
        mov     $128, %ecx
        rep movsb
        mov     %rdx, %rdi
        push    128(%rdi)
        popfq
        movups  144(%rdi), %xmm0
        movups  160(%rdi), %xmm1
        mov     0(%rdi), %rax
        mov     8(%rdi), %rcx
        mov     16(%rdi), %rdx
        mov     24(%rdi), %rbx
        mov     40(%rdi), %rbp
        mov     48(%rdi), %rsi
        mov     64(%rdi), %r8
        mov     72(%rdi), %r9
        mov     80(%rdi), %r10
        mov     88(%rdi), %r11
        mov     96(%rdi), %r12
        mov     104(%rdi), %r13
        mov     112(%rdi), %r14
        mov     120(%rdi), %r15
        mov     56(%rdi), %rdi
        call    *8(%rsp)

        xchg    %rdi, 16(%rsp)
        mov     %rax, 0(%rdi)
        mov     %rcx, 8(%rdi)
        mov     %rdx, 16(%rdi)
        mov     %rbx, 24(%rdi)
        mov     %rsp, 32(%rdi)
        mov     %rbp, 40(%rdi)
        mov     %rsi, 48(%rdi)
        mov     %r8, 64(%rdi)
        mov     %r9, 72(%rdi)
        mov     %r10, 80(%rdi)
        mov     %r11, 88(%rdi)
        mov     %r12, 96(%rdi)
        mov     %r13, 104(%rdi)
        mov     %r14, 112(%rdi)
        mov     %r15, 120(%rdi)
        movups  %xmm0, 144(%rdi)
        movups  %xmm1, 160(%rdi)
        mov     16(%rsp), %rsi
        mov     %rsi, 56(%rdi)
        pushfq
        pop     128(%rdi)
        cld
        lea     -136(%rsp), %rsi
        add     $176, %rdi
        mov     $128, %ecx
        rep movsb

        add     $24, %rsp
        pop     %r15
        pop     %r14
        pop     %r13
        pop     %r12
        pop     %rbp
        pop     %rbx
        ret
        .size   run_with, . - run_with

        .section .note.GNU-stack, "", @progbits
