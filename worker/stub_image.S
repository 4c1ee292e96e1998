/* The stub program, carried inside the worker so that no path has to be found at run time. */
    .section .rodata
    .globl nw_stub_start, nw_stub_end
    .hidden nw_stub_start, nw_stub_end
    .balign 4096
nw_stub_start:
    .incbin NW_STUB_FILE
nw_stub_end:
    .section .note.GNU-stack, "", @progbits
