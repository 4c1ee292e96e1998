/*
 * A gate for the test: gives the call to take_call() and returns what that says, having lost everything that a gate may
 * lose.
 */
        .text
        .globl test_gate
        .type test_gate, @function
test_gate:
        pushq %rbp
        movq %rsp, %rbp
        andq $-16, %rsp
        call take_call
        movq %rbp, %rsp
        popq %rbp
        movl $-1, %ecx
        movq %rcx, %rsi
        movq %rcx, %rdi
        movq %rcx, %r8
        movq %rcx, %r9
        movq %rcx, %r10
        movq %rcx, %r11
        .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15
        pcmpeqd %xmm\n, %xmm\n
        .endr
        ret
        .size test_gate, . - test_gate

        .section .note.GNU-stack, "", @progbits
