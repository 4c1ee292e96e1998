/* Instructions that a function may not hold, one per build (FORBIDDEN_...), where a scanner may fail to look. */
    .macro symbol name
    .globl \name
    .type \name, @function
\name:
    .endm

#ifdef FORBIDDEN_wrpkru
    .text
symbol forbidden
    wrpkru
    ret
#endif
#ifdef FORBIDDEN_wrpkru_aligned
    .text
    .balign 4096
symbol forbidden
    wrpkru
    ret
#endif
/* The operand of an instruction that is jumped into: what is left of it when another way in is known. */
#ifdef FORBIDDEN_wrpkru_inside
    .text
symbol forbidden
    jmp 1f + 1
1:  movl $0xc3ef010f, %eax
    ret
#endif
#ifdef FORBIDDEN_wrpkru_seam_1
    .text
    .balign 4096
symbol forbidden
    .fill 4095, 1, 0x90
    wrpkru
    ret
#endif
#ifdef FORBIDDEN_wrpkru_seam_2
    .text
    .balign 4096
symbol forbidden
    .fill 4094, 1, 0x90
    wrpkru
    ret
#endif
#ifdef FORBIDDEN_wrpkru_first
    .section .init, "ax", @progbits
symbol forbidden
    wrpkru
    ret
#endif
#ifdef FORBIDDEN_wrpkru_last
    .section .fini, "ax", @progbits
    .balign 4096
symbol forbidden
    .fill 4093, 1, 0x90
    wrpkru
#endif
#ifdef FORBIDDEN_xrstor
    .text
symbol forbidden
    xrstor (%rdi)
    ret
#endif
#ifdef FORBIDDEN_xrstor64
    .text
symbol forbidden
    xrstor64 0x1000(%rdi, %rcx, 8)
    ret
#endif
#ifdef FORBIDDEN_wrfsbase
    .text
symbol forbidden
    wrfsbase %rdi
    ret
#endif
#ifdef FORBIDDEN_wrgsbase
    .text
symbol forbidden
    wrgsbase %r15
    ret
#endif
/* REP, another prefix, REX: the processor takes them in this order too. */
#ifdef FORBIDDEN_wrgsbase_prefixes
    .text
symbol forbidden
    .byte 0xf3, 0x66, 0x2e, 0x48, 0x0f, 0xae, 0xd8
    ret
#endif

    .section .note.GNU-stack, "", @progbits
