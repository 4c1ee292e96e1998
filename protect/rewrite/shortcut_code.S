/*
 * What shortcut.c copies behind a library's code: the part that all stubs of it share. It runs inside a domain, with
 * nothing but the domain's rights.
 *
 * In: eax = number, rcx = address of the SYSCALL, which clobbers rcx and r11 itself; arguments as for SYSCALL. Keeps
 * all other registers, the red zone, and the vector registers that compiled code may hold values in across a SYSCALL.
 */
#define __ASSEMBLER__ 1
#include "protect/rewrite/shortcut.h"

#define RED_ZONE 128
#define VECTORS  NW_SHORTCUT_SIZE
#define FRAME    (VECTORS + 16 * 16)

    .macro each_vector instruction
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
    \instruction \n
    .endr
    .endm

    .macro keep n
    movups %xmm\n, VECTORS + 16 * \n(%rsp)
    .endm

    .macro give_back n
    movups VECTORS + 16 * \n(%rsp), %xmm\n
    .endm

    .macro mark name
    .globl \name
    .hidden \name
\name:
    .endm

    .section .rodata
    .balign 16
    mark nw__shortcut_code
    leaq -(RED_ZONE + FRAME)(%rsp), %rsp
    movq %rdi, NW_SHORTCUT_ARGS + 0(%rsp)
    movq %rsi, NW_SHORTCUT_ARGS + 8(%rsp)
    movq %rdx, NW_SHORTCUT_ARGS + 16(%rsp)
    movq %r10, NW_SHORTCUT_ARGS + 24(%rsp)
    movq %r8, NW_SHORTCUT_ARGS + 32(%rsp)
    movq %r9, NW_SHORTCUT_ARGS + 40(%rsp)
    movq %rax, NW_SHORTCUT_NUMBER(%rsp)
    movq %rcx, NW_SHORTCUT_AT(%rsp)
    each_vector keep
    movq %rsp, %rsi
    movl $0, %edi
    mark nw__shortcut_operation /* behind the operand */
    movabsq $0, %r11
    mark nw__shortcut_address /* the same */
    call *%r11
    each_vector give_back
    movq NW_SHORTCUT_AT(%rsp), %rcx
    testl %edx, %edx /* NW_SHORTCUT_DONE */
    movq NW_SHORTCUT_ARGS + 0(%rsp), %rdi
    movq NW_SHORTCUT_ARGS + 8(%rsp), %rsi
    movq NW_SHORTCUT_ARGS + 16(%rsp), %rdx
    movq NW_SHORTCUT_ARGS + 24(%rsp), %r10
    movq NW_SHORTCUT_ARGS + 32(%rsp), %r8
    movq NW_SHORTCUT_ARGS + 40(%rsp), %r9
    jnz 1f
    leaq RED_ZONE + FRAME(%rsp), %rsp
    leaq 2(%rcx), %rcx
    jmp *%rcx
1:  movq NW_SHORTCUT_NUMBER(%rsp), %rax
    leaq RED_ZONE + FRAME(%rsp), %rsp
    jmp *%rcx
    mark nw__shortcut_code_end

    .section .note.GNU-stack, "", @progbits
