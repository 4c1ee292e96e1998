/*
 * syscall() as libc has it, but for the numbers of pkey_mprotect, pkey_alloc and pkey_free, which lie side by side and
 * go to nw__guarded_syscall with the caller's frame as it is. No frame of its own: a child of clone returns as it would
 * from libc's.
 */
#include <asm/unistd.h>

        .text
        .globl  syscall
        .type   syscall, @function
syscall:
        .cfi_startproc
        endbr64
        mov     %edi, %eax              /* the kernel looks at 32 bits of the number */
        and     $~__X32_SYSCALL_BIT, %eax /* and takes x32's for the same calls */
        sub     $__NR_pkey_mprotect, %eax
        cmp     $(__NR_pkey_free - __NR_pkey_mprotect), %eax
        jbe     nw__guarded_syscall
        mov     %rdi, %rax
        mov     %rsi, %rdi
        mov     %rdx, %rsi
        mov     %rcx, %rdx
        mov     %r8, %r10
        mov     %r9, %r8
        mov     8(%rsp), %r9
        syscall
        cmp     $-4095, %rax
        jae     1f
        ret
1:      push    %rax
        .cfi_adjust_cfa_offset 8
        call    __errno_location@PLT
        pop     %rdx
        .cfi_adjust_cfa_offset -8
        neg     %edx
        mov     %edx, (%rax)
        mov     $-1, %rax
        ret
        .cfi_endproc
        .size   syscall, . - syscall
        .hidden nw__guarded_syscall
        .section .note.GNU-stack, "", @progbits
