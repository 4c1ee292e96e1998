/*
 * What shortcut.c copies behind a library's code: the part that all stubs of it share. It runs inside a domain, with
 * nothing but the domain's rights.
 *
 * In: eax = number, rcx = address of the SYSCALL, which clobbers rcx and r11 itself; arguments as for SYSCALL. Keeps
 * all other registers, the red zone, and the vector registers that compiled code may hold values in across a SYSCALL.
 */
#define RED_ZONE 128
#define VECTORS  64 /* behind struct nw_shortcut_call */
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
    mark nw_shortcut_code
    leaq -(RED_ZONE + FRAME)(%rsp), %rsp
    movq %rdi, 0(%rsp)
    movq %rsi, 8(%rsp)
    movq %rdx, 16(%rsp)
    movq %r10, 24(%rsp)
    movq %r8, 32(%rsp)
    movq %r9, 40(%rsp)
    movq %rax, 48(%rsp)
    movq %rcx, 56(%rsp)
    each_vector keep
    movq %rsp, %rsi
    movl $0, %edi
    mark nw_shortcut_operation /* behind the operand */
    movabsq $0, %r11
    mark nw_shortcut_address /* the same */
    call *%r11
    each_vector give_back
    movq 56(%rsp), %rcx
    testl %edx, %edx
    movq 0(%rsp), %rdi
    movq 8(%rsp), %rsi
    movq 16(%rsp), %rdx
    movq 24(%rsp), %r10
    movq 32(%rsp), %r8
    movq 40(%rsp), %r9
    jnz 1f
    leaq RED_ZONE + FRAME(%rsp), %rsp
    leaq 2(%rcx), %rcx
    jmp *%rcx
1:  movq 48(%rsp), %rax
    leaq RED_ZONE + FRAME(%rsp), %rsp
    jmp *%rcx
    mark nw_shortcut_code_end

    .section .note.GNU-stack, "", @progbits
