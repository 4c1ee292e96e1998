/* The probe of io/uring/probe.h. What a kernel may lack is tried from the newest to the oldest. */
#include "engine/io/uring/probe.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SUBMISSIONS 1024
#define COMPLETIONS 8192

static const struct {
    int opcode;
    const char *name;
} needed[] = {
    {IORING_OP_RECV, "recv"},         {IORING_OP_SEND, "send"},       {IORING_OP_SENDMSG, "sendmsg"},
    {IORING_OP_POLL_ADD, "poll_add"}, {IORING_OP_TIMEOUT, "timeout"}, {IORING_OP_ASYNC_CANCEL, "async_cancel"},
    {IORING_OP_WRITE, "write"},
};

/* Completions in batches on our own thread, as far as the kernel can. */
static const unsigned flags_to_try[] = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    0,
};

static int make_ring(struct io_uring *ring)
{
    int rc = -EINVAL;
    for (size_t i = 0; rc == -EINVAL && i < sizeof flags_to_try / sizeof flags_to_try[0]; i++) {
        struct io_uring_params params = {.flags = flags_to_try[i] | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP,
                                         .cq_entries = COMPLETIONS};
        rc = io_uring_queue_init_params(SUBMISSIONS, ring, &params);
    }
    return rc;
}

static const char *missing_operation(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    const char *missing = probe ? NULL : "a list of its operations";
    for (size_t i = 0; probe && !missing && i < sizeof needed / sizeof needed[0]; i++)
        if (!io_uring_opcode_supported(probe, needed[i].opcode))
            missing = needed[i].name;
    io_uring_free_probe(probe);
    return missing;
}

/* Without FAST_POLL a receive takes a thread of the kernel; without NODROP completions may get lost. */
static const char *missing_feature(const struct io_uring *ring)
{
    if (!(ring->features & IORING_FEAT_FAST_POLL))
        return "IORING_FEAT_FAST_POLL";
    if (!(ring->features & IORING_FEAT_NODROP))
        return "IORING_FEAT_NODROP";
    return ring->features & IORING_FEAT_CQE_SKIP ? NULL : "IORING_FEAT_CQE_SKIP";
}

int nw__uring_open(struct io_uring *ring, char *why, size_t size)
{
    int rc = make_ring(ring);
    if (rc < 0) {
        snprintf(why, size, "io_uring_setup: %s%s", strerror(-rc),
                 rc == -EPERM ? "; see kernel.io_uring_disabled and the seccomp filter of this process" : "");
        return rc;
    }
    const char *missing = missing_operation(ring);
    if (!missing)
        missing = missing_feature(ring);
    if (missing) {
        snprintf(why, size, "this kernel's io_uring has no %s", missing);
        io_uring_queue_exit(ring);
        return -ENOSYS;
    }
    io_uring_register_ring_fd(ring); /* saves a look-up of the descriptor in each call; older kernels do without */
    return 0;
}
