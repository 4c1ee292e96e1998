/* Functions that ask the processor: asks_* find their answers in the table, plain_* do not. */

        .macro begin name
        .globl \name
        .type \name, @function
\name:
        pushq %rbx
        .endm

        /* What was found out goes to registers that callers do not keep. */
        .macro end name
        movq %rbx, %rsi
        popq %rbx
        ret
        .size \name, . - \name
        .endm

        .text
        begin asks_load /* behind a load that a jump fits into */
        movl $0x80000000, %eax
        cpuid
        end asks_load

        begin asks_subleaf
        movl $7, %eax
        xorl %ecx, %ecx
        cpuid
        end asks_subleaf

        begin asks_registers /* no instruction is long enough by itself */
        movl $4, %r8d
        movl $1, %r9d
        movl %r8d, %eax
        movl %r9d, %ecx
        cpuid
        movl %eax, %r8d
        end asks_registers

        begin asks_leaving /* the flags and the red zone stay; the upper halves of the registers go */
        movq %rdi, -8(%rsp)
        movq %rdi, %rdx
        movl $0x80000000, %eax
        cmpq %rsi, %rdi
        cpuid
        movq -8(%rsp), %r8
        setc %r9b
        movzbl %r9b, %r9d
        end asks_leaving

        begin asks_entered /* something reaches CPUID itself, too: it is still there */
        xorl %ecx, %ecx
        movl $0x80000000, %eax
        testl %edi, %edi
        js 1f
        movl $0x80000000, %eax
1:      cpuid
        end asks_entered

        begin plain_entered /* a jump in its place would be entered in its middle */
        movl $7, %r8d
        xorl %r9d, %r9d
        testl %edi, %edi
        movl %r8d, %eax
        js 1f
        movl %r9d, %ecx
1:      cpuid
        jmp 2f
2:      jmp 3f
3:      end plain_entered

        begin plain_unknown /* no answer is in the table */
        movl $0x40000000, %eax
        cpuid
        end plain_unknown

        begin plain_operand /* the bytes stand in an operand */
        movl $0x80000000, %eax
        movl $0xa20fa20f, %r8d
        end plain_operand
