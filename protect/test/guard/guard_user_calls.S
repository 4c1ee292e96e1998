/* Callers that a compiler does not make on demand: a jump in place of a call, and code without unwind information. */
        .text
        .globl  guard_user_tail
        .type   guard_user_tail, @function
guard_user_tail:
        .cfi_startproc
        xor     %edi, %edi
        xor     %esi, %esi
        jmp     pkey_alloc@PLT
        .cfi_endproc
        .size   guard_user_tail, . - guard_user_tail

        .globl  guard_user_no_unwind_info
        .type   guard_user_no_unwind_info, @function
guard_user_no_unwind_info:
        sub     $24, %rsp
        call    pkey_alloc@PLT
        add     $24, %rsp
        ret
        .size   guard_user_no_unwind_info, . - guard_user_no_unwind_info
        .section .note.GNU-stack, "", @progbits
