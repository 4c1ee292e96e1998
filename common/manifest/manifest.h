/*
 * What the user says of a function besides its code: limits and environment. One table declares every key with its
 * type, default and bounds; function.json, the admin API and the flags of `nightward deploy` all go through it.
 */
#ifndef NW_COMMON_MANIFEST_MANIFEST_H
#define NW_COMMON_MANIFEST_MANIFEST_H

#include "common/base/buffer.h"
#include "common/manifest/grant.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NW_NAME_MAX       63
#define NW_CALLERS_MAX    1023
#define NW_CORS_TEXT      512 /* bytes of a list of origins, its NUL included */
#define NW_CWD_TEXT       512 /* bytes of a working directory, its NUL included */
#define NW_DEFAULT_TENANT "default"

/* What a function may ask of the kernel, one bit each; every function may compute. */
enum nw_profile { NW_PROFILE_COMPUTE = 1, NW_PROFILE_NET = 2, NW_PROFILE_FILES = 4 };

struct nw_manifest {
    char name[NW_NAME_MAX + 1];
    uint32_t slots;                   /* invocations that may run at once in one worker; 1 to 64, default 8 */
    uint32_t timeout_ms;              /* deadline of one invocation; 1 ms to 1 h, default 10 s */
    uint64_t memory;                  /* bytes of writable memory; 16M to 4G, default 256M */
    uint64_t disk;                    /* bytes that it may fill of its directories; 0 to 16T, default 1G */
    char tenant[NW_NAME_MAX + 1];     /* whose it is; functions of two tenants never share a worker */
    char callers[NW_CALLERS_MAX + 1]; /* other tenants that may call it, "a,b"; "*": every tenant; "": none */
    uint32_t threads;                 /* of the function's own, beside its slots; 0 to 95, default 32 */
    uint32_t queue;                   /* requests that may wait for it; 1 to 65536, default 1000 */
    uint32_t weight;                  /* its part of a worker's time over that of others; 1 to 10000, default 100 */
    uint32_t cpu_limit;               /* per cent of a processor that it may use in a worker; default 0: no limit */
    uint32_t warm;                    /* replicas that are kept ready although nobody calls; 0 to 64, default 0 */
    uint32_t idle_ms;                 /* unloaded when not called for so long; 2 s to 720 h; 0: as the host says */
    uint32_t fresh;                   /* 1: each invocation finds its memory as it was when it was loaded; default 0 */
    char cors[NW_CORS_TEXT];          /* origins whose pages may call it, "https://a,https://b"; "*": all; "": none */
    uint32_t http;                    /* 1: it sees its requests as HTTP (nightward/function.h); default 0 */
    uint64_t static_tls;              /* bytes for thread-local variables of libraries; 0 to 256K, default 512 */
    uint32_t profile;                 /* enum nw_profile */
    char connect[NW_GRANT_TEXT];      /* profile net: addresses, see grant.h; empty: any */
    char directories[NW_GRANT_TEXT];  /* profile files: directories */
    char cwd[NW_CWD_TEXT];            /* what relative paths begin at: "/", or in one of the directories */
    char calls[NW_CALLS_TEXT];        /* functions that it may call, see grant.h; empty: any */
    char found[NW_CALLS_TEXT];        /* those that were found in its file: not the user's word, and no key */
    struct nw_buffer env;             /* each K=V followed by NUL */
    uint32_t named;                   /* bit i: key i was set, not left at its default */
};

void nw_manifest_init(struct nw_manifest *manifest);
void nw_manifest_fini(struct nw_manifest *manifest);

/* A name, of a function or a tenant, is 1 to 63 of [A-Za-z0-9._-] and does not begin with a dot or a dash. 0 or
 * -EINVAL. */
int nw_manifest_check_name(const char *name, size_t length);

/* What may be called: NAME, or NAME@ALIAS and NAME@v3, which is one of its versions. Likewise. */
int nw_manifest_check_callee(const char *name, size_t length);

/*
 * Sets one key from its text form: slots "8", timeout and idle "1s" "250ms" "2m", memory "64M" "1G" "1048576", name,
 * tenant, callers "a, b", threads, weight, cpu-limit "50%", static-tls "4K", fresh and http "true" "false", cors,
 * profile "compute" "net" "files" "net,files", connect, directories, cwd, calls; env takes "K=V" and may be set many
 * times. 0, or -EINVAL with a message for people in `why`.
 */
int nw_manifest_set(struct nw_manifest *manifest, const char *key, const char *value, char *why, size_t why_size);

/* A copy, in one that is empty or initialised. 0 or -ENOMEM. */
int nw_manifest_copy(struct nw_manifest *to, const struct nw_manifest *from);

/* The name of key i, from 0; NULL behind the last. */
const char *nw_manifest_key(unsigned i);

/* All of them, "name, slots, ..."; `separator` goes between. */
void nw_manifest_list_keys(char *text, size_t size, const char *separator);

/* Gives one key but the name its default, or every one when `key` is "all". 0, or -EINVAL as nw_manifest_set. */
int nw_manifest_reset(struct nw_manifest *manifest, const char *key, char *why, size_t why_size);

/* Whether a key was set, and not left at its default. */
bool nw_manifest_names(const struct nw_manifest *manifest, const char *key);

/* Whether key i has the same value in both. */
bool nw_manifest_agree(const struct nw_manifest *one, const struct nw_manifest *other, unsigned i);

/* Whether the keys go together, once all are set. 0, or -EINVAL with a message for people. */
int nw_manifest_check(const struct nw_manifest *manifest, char *why, size_t why_size);

/* A profile in its text form. */
const char *nw_profile_text(uint32_t profile);

/* Whether functions of `tenant` may call one of `owner`: his own may, and those that its `callers` names. */
bool nw_manifest_may_call(const char *owner, const char *callers, const char *tenant);

/*
 * Reads JSON: an object of the same keys, each value a string or a number; "env" is an object of strings, "calls" may
 * be an array of them. Unknown keys are errors. When `so_path` is not NULL the key "so" (a file name) is taken too and
 * copied there; else "found" is.
 * 0, or -EINVAL with line and key in `why`.
 */
int nw_manifest_parse_json(struct nw_manifest *manifest, const char *json, size_t length, char *so_path,
                           size_t so_path_size, char *why, size_t why_size);

/* Appends the manifest as a JSON object that nw_manifest_parse_json accepts. 0 or -ENOMEM. */
int nw_manifest_to_json(const struct nw_manifest *manifest, struct nw_buffer *out);

/*
 * For messages: libcjson keeps no positions. Where item number `index` begins in the object or array that begins at
 * `p`, in text that libcjson has taken; an object's item begins with its key. The line of a place, from 1.
 */
const char *nw_json_item(const char *p, int index);
int nw_json_line(const char *json, const char *at);

/* Where a NUL stands, as itself or as an escape; NULL if nowhere: libcjson would cut a string there. */
const char *nw_json_nul(const char *json, const char *end);

/*
 * A manifest as the engine keeps one for each function that is deployed: the same members, but its texts are only as
 * long as they are. All zero: none.
 */
struct nw_kept_manifest {
    const char *name, *tenant, *callers, *connect, *directories, *cwd, *cors, *calls,
        *found; /* in one block, which begins with the name */
    uint64_t memory, disk, static_tls;
    uint32_t slots, timeout_ms, threads, weight, cpu_limit, warm, idle_ms, queue, fresh, http, profile;
    struct {
        const char *data;
        size_t length;
    } env; /* in the same block */
};

/* Invocations that run at once in one worker: those of a fresh function would see what others do. */
static inline uint32_t nw_manifest_slots(uint32_t fresh, uint32_t slots)
{
    return fresh ? 1 : slots;
}

/* 0 or -ENOMEM. */
int nw_kept_manifest_init(struct nw_kept_manifest *kept, const struct nw_manifest *manifest);
void nw_kept_manifest_fini(struct nw_kept_manifest *kept);

/* Whether all keys have the same values. */
bool nw_kept_manifest_agrees(const struct nw_kept_manifest *kept, const struct nw_manifest *manifest);

/* The manifest, in one that is empty or initialised; nothing of it counts as named. 0 or -ENOMEM. */
int nw_kept_manifest_copy(struct nw_manifest *to, const struct nw_kept_manifest *kept);

#endif
