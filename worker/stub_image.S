/* The stub program, carried inside the worker so that no path has to be found at run time. */
    .section .rodata
    .globl nw__stub_start, nw__stub_end
    .hidden nw__stub_start, nw__stub_end
    .balign 4096
nw__stub_start:
    .incbin NW_STUB_FILE
nw__stub_end:
    .section .note.GNU-stack, "", @progbits
