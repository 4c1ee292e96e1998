/*
 * The audit of what a domain hands the gate, generated from the table in ops.h: for each operation a struct
 * nw_args_HANDLER and nw_audit_HANDLER(), which fills it from the words of the call or says what is wrong with them.
 * Names and texts are copied before they are looked at. Handlers see nothing but the struct.
 *
 * Everything is inline and free of locks and thread-local storage, for the nested call. Checks ranges; what is mapped
 * in them shows when they are copied (span.h).
 */
#ifndef NW_WORKER_GATE_OP_AUDIT_H
#define NW_WORKER_GATE_OP_AUDIT_H

#include "common/base/atomic.h"
#include "protect/rewrite/shortcut.h"
#include "worker/base/ops.h"
#include "worker/base/span.h"
#include "worker/domain/domain.h"
#include "worker/reach/route.h"
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline int nw_arg_nothing(uint64_t a, uint64_t b)
{
    return a | b ? -EINVAL : 0;
}

static inline int nw_arg_flag(uint32_t scalar, bool *to)
{
    *to = scalar;
    return scalar > 1 ? -EINVAL : 0;
}

/* A route that was guessed is as good as one that was asked for: which of them a function may call is its own check
 * (reach/callees.h). */
static inline int nw_arg_route(uint32_t scalar, const struct nw_route **to)
{
    const uint32_t n = nw_route_count();

    *to = nw_route_at(nw_without(NW_DEFENCE_RANGES) ? scalar : (uint32_t)nw_index(scalar, n));
    return scalar < n || nw_without(NW_DEFENCE_RANGES) ? 0 : -EINVAL;
}

static inline int nw_arg_sink(const struct nw_domain *domain, uint64_t at, uint64_t size, struct nw_sink *to)
{
    bool holds = nw_domain_confine(domain, &at, size);

    *to = (struct nw_sink){at, size};
    return holds ? 0 : -EFAULT;
}

static inline int nw_arg_source(const struct nw_domain *domain, uint64_t at, uint64_t length, uint64_t max,
                                struct nw_source *to)
{
    bool holds = nw_domain_confine(domain, &at, length);

    *to = (struct nw_source){at, nw_without(NW_DEFENCE_OUTPUT) ? length : nw_index(length, max + 1)};
    if (length > max && !nw_without(NW_DEFENCE_OUTPUT))
        return -E2BIG;
    return holds ? 0 : -EFAULT;
}

static inline int nw_arg_overlong(const struct nw_domain *domain, uint64_t at, uint64_t length, uint64_t max,
                                  struct nw_source *to)
{
    if (length <= max || nw_without(NW_DEFENCE_OUTPUT))
        return nw_arg_source(domain, at, length, max, to);
    *to = (struct nw_source){0, length};
    return 0;
}

static inline int nw_arg_text(const struct nw_domain *domain, uint64_t at, uint64_t length, uint64_t max, char *to)
{
    struct nw_source from;
    int error = nw_arg_source(domain, at, length, max, &from);

    if (!error)
        error = nw_source_read(to, from);
    to[error ? 0 : length] = '\0';
    return error;
}

static inline int nw_arg_name(const struct nw_domain *domain, uint64_t at, uint64_t length, char to[NW_NAME_MAX + 1])
{
    int error = length == 0 || length > NW_NAME_MAX ? -EINVAL : nw_arg_text(domain, at, length, NW_NAME_MAX, to);

    return error ? error : nw_manifest_check_callee(to, length);
}

static inline int nw_arg_record(const struct nw_domain *domain, uint64_t at, void *to, size_t size)
{
    struct nw_source from;
    int error = nw_arg_source(domain, at, size, size, &from);

    return error ? error : nw_source_read(to, from);
}

#define NW_FIELD_NONE
#define NW_FIELD_UNUSED
#define NW_FIELD_ANY(name)           uint32_t name;
#define NW_FIELD_FLAG(name)          bool name;
#define NW_FIELD_ROUTE(name)         const struct nw_route *name;
#define NW_FIELD_SOURCE(name, max)   struct nw_source name;
#define NW_FIELD_OVERLONG(name, max) struct nw_source name;
#define NW_FIELD_SINK(name)          struct nw_sink name;
#define NW_FIELD_NAME(name)          char name[NW_NAME_MAX + 1];
#define NW_FIELD_RECORD(name, type)  type name;
#define NW_FIELD_TEXT(name, max)     char name[(max) + 1];

#define NW_OP_ARGS(path, NAME, handler, scalar, first, second, what) \
    struct nw_args_##handler {                                       \
        NW_FIELD_##scalar NW_FIELD_##first NW_FIELD_##second         \
    };
NW_OPS(NW_OP_ARGS)
#undef NW_OP_ARGS

/* In the scope of nw_audit_HANDLER: domain; scalar, or the two words a and b of a pair; and what is filled, `to`. */
#define NW_SCALAR_NONE              nw_arg_nothing(scalar, 0)
#define NW_SCALAR_ANY(name)         (to->name = scalar, 0)
#define NW_SCALAR_FLAG(name)        nw_arg_flag(scalar, &to->name)
#define NW_SCALAR_ROUTE(name)       nw_arg_route(scalar, &to->name)
#define NW_PAIR_NONE                ((void)domain, (void)to, nw_arg_nothing(a, b))
#define NW_PAIR_SOURCE(name, max)   nw_arg_source(domain, a, b, max, &to->name)
#define NW_PAIR_OVERLONG(name, max) nw_arg_overlong(domain, a, b, max, &to->name)
#define NW_PAIR_SINK(name)          nw_arg_sink(domain, a, b, &to->name)
#define NW_PAIR_NAME(name)          nw_arg_name(domain, a, b, to->name)
#define NW_PAIR_UNUSED              ((void)a, (void)b, 0)
#define NW_PAIR_RECORD(name, type)  ((void)b, nw_arg_record(domain, a, &to->name, sizeof(type)))
#define NW_PAIR_TEXT(name, max)     nw_arg_text(domain, a, b, max, to->name)

#define NW_OP_AUDIT(path, NAME, handler, kind, first, second, what)                                             \
    static inline int nw_audit_##handler(const struct nw_domain *domain, uint64_t op, uint64_t a1, uint64_t a2, \
                                         uint64_t a3, uint64_t a4, struct nw_args_##handler *to)                \
    {                                                                                                           \
        const uint32_t scalar = (uint32_t)(op >> 32);                                                           \
        uint64_t a = a1, b = a2;                                                                                \
        int error = NW_SCALAR_##kind;                                                                           \
                                                                                                                \
        if (!error)                                                                                             \
            error = NW_PAIR_##first;                                                                            \
        a = a3;                                                                                                 \
        b = a4;                                                                                                 \
        if (!error)                                                                                             \
            error = NW_PAIR_##second;                                                                           \
        return error;                                                                                           \
    }
NW_OPS(NW_OP_AUDIT)
#undef NW_OP_AUDIT

#endif
