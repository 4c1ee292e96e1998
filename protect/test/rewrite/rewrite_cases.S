/*
 * Functions whose operands hold the bytes of forbidden instructions: what the tests of the rewriter take apart, run
 * and compare. case_*: can be rewritten. refuse_*: must not be. The registers at entry are those of rewrite_test.c:
 * RDI, RSI: memory; RCX: 8; R12, R13: memory - 0xef010f; R14: memory - 0x2fae0f; R11: memory + 0x2f51f00d;
 * R8: -0xef010f - 64; all others anything.
 */

/* Displacements and immediates that hold WRPKRU, XRSTOR, WRFSBASE. */
#define PKRU 0x00ef010f
#define XRST 0x002fae0f
#define BASE -0x2f51f00d

/* A relative operand whose instruction ends FAR behind its target is 0xffef010f. */
#define FAR 0x10fef1

        .macro begin name
        .type \name, @function
\name:
        .cfi_startproc
        .endm

        .macro end name
        ret
        int3
        .cfi_endproc
        .size \name, . - \name
        .endm

        /* Starts a function whose first instruction has `length` bytes and refers to slot number `slot`. */
        .macro reach name, slot, length
        .org slots + 64 * \slot + FAR - \length, 0xcc
        begin \name
        .endm

        .section .text, "ax", @progbits
        .p2align 12
slots:
        lea     7(%rax), %rax /* slot 0: returns where it was called from */
        mov     (%rsp), %rdx
        ret
        .org slots + 64 * 1
        lea     9(%rax), %rax
        mov     (%rsp), %rdx
        ret
        .org slots + 64 * 2
        lea     11(%rax), %rax
        ret
        .org slots + 64 * 3
        lea     13(%rax), %rax
        ret
        .org slots + 64 * 4
        .quad 0x1122334455667788, 0x99aabbccddeeff00
        .org slots + 64 * 5
        .quad 0x1122334455667788, 0x99aabbccddeeff00
        .org slots + 64 * 6
        .quad 0x1122334455667788, 0x99aabbccddeeff00
        .org slots + 64 * 7
        .quad 0x1122334455667788, 0x99aabbccddeeff00
        .org slots + 64 * 8
        /* the test puts the address of slot 0 into the next two */
pointer_8:
        .org slots + 64 * 9
pointer_9:
        .org slots + 64 * 10
        jmp     .Lentered /* of refuse_entered_from_far */

/* A function of these instructions. */
#define RUN(name, ...) begin name; __VA_ARGS__; end name

        reach   case_call, 0, 5
        call    slots
        end     case_call
        reach   case_call_with_prefixes, 1, 8
        .byte   0x66, 0x66, 0x48, 0xe8
        .long   -FAR
        end     case_call_with_prefixes
        reach   case_jump, 2, 5
        jmp     slots + 64 * 2
        end     case_jump
        reach   case_jump_if, 3, 6
        jc      slots + 64 * 3
        inc     %eax
        end     case_jump_if
        reach   case_load_relative, 4, 7
        mov     slots + 64 * 4(%rip), %rax
        end     case_load_relative
        reach   case_compare_relative, 5, 10
        cmpl    $0x12345678, slots + 64 * 5(%rip)
        end     case_compare_relative
        reach   case_address_relative, 6, 7
        lea     slots + 64 * 6(%rip), %r10
        end     case_address_relative
        reach   case_vector_relative, 7, 7
        movups  slots + 64 * 7(%rip), %xmm1
        end     case_vector_relative
        reach   case_call_pointer, 8, 6
        call    *slots + 64 * 8(%rip)
        end     case_call_pointer
        reach   case_jump_pointer, 9, 6
        jmp     *slots + 64 * 9(%rip)
        end     case_jump_pointer
        .org    slots + FAR + 4096, 0xcc

        /* immediates */
RUN(case_move_32, mov $PKRU, %eax)
RUN(case_move_32_high, mov $PKRU, %r9d)
RUN(case_move_64, movabs $0x1122ef010f334455, %rdx)
RUN(case_move_64_high, movabs $0x11ef010f33445566, %r15)
RUN(case_move_signed, mov $-0x10fef1, %rbx)
RUN(case_move_xrstor, mov $XRST, %ebp)
RUN(case_move_wrfsbase, mov $BASE, %r10)
RUN(case_store, movl $PKRU, (%rsi))
RUN(case_store_64, movq $PKRU, 8(%rsi,%rcx,4))
RUN(case_store_red_zone, movl $PKRU, -24(%rsp))
RUN(case_store_segment, movl $PKRU, %ds:4(%rsi))
RUN(case_add, add $PKRU, %ebx)
RUN(case_add_64, add $PKRU, %r10)
RUN(case_add_eax, add $PKRU, %eax)
RUN(case_sub_rax, sub $PKRU, %rax)
RUN(case_adc, adc $PKRU, %r9d)
RUN(case_sbb, sbb $PKRU, %rdx)
RUN(case_and, and $PKRU, %ebp)
RUN(case_or, or $PKRU, %r15)
RUN(case_xor, xor $-0x10fef1, %rdx)
RUN(case_cmp, cmp $PKRU, %r15d)
RUN(case_cmp_eax, cmp $PKRU, %eax)
RUN(case_test_eax, test $PKRU, %eax)
RUN(case_test, test $PKRU, %r10d)
RUN(case_test_memory, testl $PKRU, 16(%rsi))
RUN(case_add_memory, addl $PKRU, (%rdi,%rcx))
RUN(case_lock_add_memory, lock addq $PKRU, 32(%rdi))
RUN(case_and_red_zone, andl $PKRU, -16(%rsp))
RUN(case_scratch_taken, xorl $PKRU, 8(%rsi,%rcx))
RUN(case_multiply, imul $PKRU, %rcx, %rdx)
RUN(case_multiply_memory, imul $PKRU, 8(%rdi), %r9d)
RUN(case_multiply_itself, imul $PKRU, %ebx, %ebx)
RUN(case_push, push $PKRU; pop %rax)
RUN(case_push_negative, push $-0x10fef1; pop %r9)

        /* displacements */
RUN(case_load, mov PKRU(%r12), %eax)
RUN(case_load_bytes, mov %r12, %rax; mov PKRU(%rax), %bh; mov PKRU + 1(%rax), %ch)
RUN(case_load_high, mov PKRU(%r13,%rcx,2), %r10)
RUN(case_save, mov %rdx, PKRU(%r12))
RUN(case_save_byte, mov %dl, PKRU(%r12))
RUN(case_save_bh, mov %r12, %rax; mov %bh, PKRU(%rax))
RUN(case_save_immediate, movl $77, PKRU(%r13))
RUN(case_add_to, add %rbp, PKRU(%r13))
RUN(case_exchange, xchg %rbx, PKRU(%r13))
RUN(case_compare_exchange, lock cmpxchg %rbx, PKRU(%r13))
RUN(case_shift, shll %cl, PKRU(%r13))
RUN(case_divide, xor %edx, %edx; divl PKRU(%r13))
RUN(case_set, setc PKRU(%r12))
RUN(case_address, lea PKRU(%rax,%rbx,4), %rdi)
RUN(case_address_only_index, lea PKRU(,%rbx,4), %rdi)
RUN(case_stack, mov %eax, PKRU(%rsp,%r8))
RUN(case_test_bit, bt %rcx, PKRU(%r13))
RUN(case_move_if, cmovc PKRU(%r12), %rbp)
RUN(case_xrstor_displacement, mov XRST(%r14), %eax)
RUN(case_wrfsbase_displacement, mov BASE(%r11), %eax)
RUN(case_vector_load, movups PKRU(%r12), %xmm1)
RUN(case_vector_convert, cvtsi2sdl PKRU(%r12), %xmm0)
RUN(case_vector_shuffle, pshufd $0x1b, PKRU(%r12), %xmm1)
RUN(case_nop, nopl PKRU(%rax,%rbx))
RUN(case_avx_load, vmovdqu PKRU(%r12), %xmm1)
RUN(case_avx_low, mov %r12, %rax; vmovdqu PKRU(%rax), %xmm1)
RUN(case_avx_add, vpaddd PKRU(%r13,%rcx), %xmm0, %xmm1)
RUN(case_avx512_add, vpaddd PKRU(%r13){1to4}, %xmm0, %xmm1)

        /* the sequence starts in ModRM or SIB, or an opcode before them */
RUN(case_modrm_immediate, .byte 0x81, 0x0f, 0x01, 0xef, 0x22, 0x11)
RUN(case_sib_immediate, .byte 0xc7, 0x04, 0x0f, 0x01, 0xef, 0x22, 0x11)
RUN(case_sib_displacement, .byte 0x8b, 0x84, 0x0f, 0x01, 0xef, 0xff, 0xff)
RUN(case_opcode, lea 16(%rdi), %rcx; .byte 0x66, 0x0f, 0x3a, 0x0f, 0x01, 0xef)

        /* the sequence spans two instructions */
RUN(case_span_first, mov $0x0f000000, %eax; add %ebp, %edi)
RUN(case_span_second, mov $0xae0f, %ax; push $0x1234; pop %rdx)
RUN(case_span_both, rol $15, %r15d; add %ebp, %edi)
RUN(case_span_short, and $15, %eax; add %ebp, %edi)
RUN(case_span_three, nop; mov $15, %dl; add %ebp, %edi)
RUN(case_span_jump, and $15, %eax; add %ebp, %edi; jc 1f; inc %edx; 1: dec %ebx)
RUN(case_span_before_jump, shl $1, %edx; jc 1f; inc %ebx; 1: rol $15, %r15d; add %ebp, %edi)
RUN(case_span_entered_at_start, rol $15, %r15d; 1: add %ebp, %edi; jc 1b)
RUN(case_span_xrstor, mov $0xae0f0000, %eax; test $1, %al)
RUN(case_twice, add $PKRU, %ebx; add $PKRU, %ecx; mov PKRU(%r12), %rax)

        /* known by a symbol alone */
        .type   case_only_symbol, @function
case_only_symbol:
        mov     $PKRU, %eax
        ret
        .size   case_only_symbol, . - case_only_symbol

        /* real instructions */
RUN(refuse_wrpkru, nop; wrpkru)
RUN(refuse_xrstor, xrstor (%rsi))
RUN(refuse_xrstor64, xrstor64 64(%rsi))
RUN(refuse_wrfsbase, wrfsbase %rax)
RUN(refuse_wrgsbase, wrgsbase %r15)
RUN(refuse_prefix_elsewhere, mov $0xf3000000, %eax; .byte 0x0f, 0xae, 0xd0)
RUN(refuse_wrgsbase_prefixes, .byte 0xf3, 0x66, 0x48, 0x0f, 0xae, 0xd8)
        /* a sequence that is jumped into */
RUN(refuse_entered, jmp 1f + 1; 1: mov $PKRU, %eax)
RUN(refuse_entered_between, rol $15, %r15d; 1: add %ebp, %edi; 2: jc 1b; jmp 2b)
RUN(refuse_entered_indirectly, rol $15, %r15d; add %ebp, %edi; jmp *%rdx)
RUN(refuse_entered_from_far, rol $15, %r15d; .Lentered: add %ebp, %edi)
        /* what would change */
RUN(refuse_stack_pointer, add $PKRU, %rsp)
RUN(refuse_both_operands, movl $PKRU, PKRU(%r12))
RUN(refuse_address, movabs 0x11ef010f33445566, %eax)
        /* no instructions */
RUN(refuse_garbage, mov $PKRU, %eax; .byte 0x06)
RUN(refuse_half, mov $PKRU, %eax; .byte 0xe8, 0)

        /* of no function */
refuse_unknown:
        mov     $PKRU, %eax
        ret
        .size   refuse_unknown, . - refuse_unknown

        .section .note.GNU-stack, "", @progbits
