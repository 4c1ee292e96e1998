/*
 * Jumps with every register chosen. Whoever comes back to attack_landing with rights that it did not have uses them on
 * the neighbour's secret.
 */
    .text
    .globl attack_jump, attack_landing
    .hidden attack_jump, attack_landing
    .type attack_jump, @function

/* rdi = the registers, in the order in which they are popped, then an IRETQ frame. Returns PKRU. */
attack_jump:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, home(%rip)
    movq %rdi, %rsp
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
attack_landing:
    movq home(%rip), %rsp
    pushq $2
    popfq
    xorl %ecx, %ecx
    rdpkru
    cmpl attack_rights(%rip), %eax
    je 1f
    movq attack_target(%rip), %rdx
    movq $0, (%rdx)
1:  popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

    .bss
    .globl attack_rights, attack_target
    .hidden attack_rights, attack_target
    .balign 8
home:
    .quad 0
attack_target:
    .quad 0
attack_rights:
    .long 0

    .section .note.GNU-stack, "", @progbits
