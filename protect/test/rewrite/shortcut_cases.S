/* Wrappers around system calls, as a libc has them: direct_* take the shortcut, plain_* must not. All are GETPID. */
#include <asm/unistd_64.h>

        .macro begin name
        .globl \name
        .type \name, @function
\name:
        .endm

        /* r11 and the flags are lost in any system call. */
        .macro end name
        xorl %r11d, %r11d
        ret
        .size \name, . - \name
        .endm

        .text
        begin direct_wrapper
        movl $__NR_getpid, %eax
        syscall
        end direct_wrapper

        begin direct_inside /* a value in the red zone and one in a vector register live across the call */
        movq %rbx, -8(%rsp)
        movq %rdi, %xmm1
        addq $3, %rdi
        movl $__NR_getpid, %eax
        syscall
        movq -8(%rsp), %rdx
        end direct_inside

        begin direct_entered /* something else reaches the system call itself, with the same number */
        movl $__NR_getpid, %edx
        testl %edi, %edi
        movl %edx, %eax
        jns 1f
        movl $__NR_getpid, %eax
1:      syscall
        end direct_entered

        begin direct_between /* arguments are set and stored after the load */
        movl $__NR_getpid, %eax
        movq %rdi, %rsi
        movl $0x12345678, %r10d
        leaq 1f(%rip), %rdx
        movq %rdi, -16(%rsp)
        syscall
1:      leaq 1b(%rip), %r8
        subq %r8, %rdx
        movq -16(%rsp), %r8
        end direct_between

        begin direct_vectors
        movl $__NR_getpid, %eax
        movq %rdi, %xmm0
        punpcklqdq %xmm0, %xmm0
        movups %xmm0, -32(%rsp)
        xorl %edi, %edi
        syscall
        movq -24(%rsp), %rsi
        end direct_vectors

        begin plain_reader /* the number is used between the two */
        movl $__NR_getpid, %eax
        movq %rax, %rsi
        syscall
        end plain_reader

        begin plain_address
        movl $__NR_getpid, %eax
        leaq 8(%rdi,%rax), %rsi
        syscall
        end plain_address

        begin plain_other /* another number is loaded in the end */
        movl $0x10000, %eax
        movl $__NR_getpid, %eax
        xchgl %ebp, %ebp
        syscall
        end plain_other

        begin plain_operand /* the bytes stand in an operand */
        movabsq $0x050f00000027b8, %rdx
        movl $__NR_getpid, %eax
        nop
        syscall
        end plain_operand

        begin plain_short
        pushq $__NR_getpid
        popq %rax
        syscall
        end plain_short

        begin plain_large /* a number with bits that the kernel ignores today */
        movl $__NR_getpid | 0x10000, %eax
        movl $__NR_getpid, %eax
        nopw (%rax)
        syscall
        end plain_large

        begin plain_unwanted
        movl $__NR_gettid, %eax
        syscall
        end plain_unwanted

        /* Code that no symbol tells of. */
        movl $__NR_getpid, %eax
        syscall
        ret

        .section .note.GNU-stack, "", @progbits
