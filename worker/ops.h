/*
 * The operations of the gate: what the stub inside a domain may ask of the monitor. The operation number is in the
 * low 32 bits of the first register, its scalar argument in the high 32.
 */
#ifndef NW_WORKER_OPS_H
#define NW_WORKER_OPS_H

enum nw_op {
    /*
     * A func worker ends its invocation and waits for the next. scalar = what faas_func_call returned;
     * (inbox, size, output, length). Returns the length of the next input, which lies in the inbox; or, with
     * NW_MORE_ROOM as second result, the size that the inbox must have before the same call is made again; or, with
     * NW_NO_MORE, that the func worker is to be destroyed and its thread to end.
     */
    NW_OP_WAIT = 1,
    /* scalar = route; (input, length, reply, size): a nested call. Returns the length of the output, which lies in
     * the reply buffer; -ENOBUFS with the length as second result when it is larger: fetch it. */
    NW_OP_CALL,
    /* scalar = length of the name; (name, input, length, reply|size by NW_OP_REPLY): a call to a function elsewhere. */
    NW_OP_CALL_NAME,
    /* (reply, size): where the output of the following NW_OP_CALL_NAME goes. */
    NW_OP_REPLY,
    /* (buffer, size): takes the output that was too large. */
    NW_OP_FETCH,
    /* scalar = length; (name). Returns a route, or -ENOENT when the function is not in this worker. */
    NW_OP_ROUTE,
    /* scalar = 0; or 1 and (text, length): the function is up, or cannot start and why. Returns when another func
     * worker is wanted, for a nested call that found none free; called again when it is made, or with 1 when it cannot
     * be. */
    NW_OP_READY,
    /* (struct nw_shortcut_call): a system call of the domain's libc that took the shortcut. */
    NW_OP_SYSCALL,
};

#define NW_MORE_ROOM 1
#define NW_NO_MORE   2

#endif
