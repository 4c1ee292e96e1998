/*
 * What cpuid.c copies behind code: takes the place of CPUID, with the table of answers right behind it. Called, so its
 * caller keeps the red zone. Changes what CPUID changes, and leaves the flags alone as that does.
 */
#define __ASSEMBLER__ 1
#include "protect/rewrite/cpuid.h"

    .macro mark name
    .globl \name
    .hidden \name
\name:
    .endm

    .section .rodata
    .balign 16
    mark nw__cpuid_code
    pushfq
    pushq %rsi
    leaq nw__cpuid_code_end(%rip), %rsi
1:  cmpl $NW_CPUID_END, NW_CPUID_SUBLEAF(%rsi)
    je 4f
    cmpl %eax, NW_CPUID_LEAF(%rsi)
    jne 2f
    cmpl $NW_CPUID_ANY, NW_CPUID_SUBLEAF(%rsi)
    je 3f
    cmpl %ecx, NW_CPUID_SUBLEAF(%rsi)
    je 3f
2:  addq $NW_CPUID_ANSWER_SIZE, %rsi
    jmp 1b
3:  movl NW_CPUID_EAX(%rsi), %eax
    movl NW_CPUID_EBX(%rsi), %ebx
    movl NW_CPUID_ECX(%rsi), %ecx
    movl NW_CPUID_EDX(%rsi), %edx
    popq %rsi
    popfq
    ret
4:  popq %rsi
    popfq
    cpuid
    ret
    mark nw__cpuid_code_end

    .section .note.GNU-stack, "", @progbits
