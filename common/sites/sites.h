/*
 * What a compiler found of the calls that a function makes to other functions: its call sites, and how they are written
 * down for others (docs/callscan.md). `nightward callscan` makes them; whoever has the bytes reads them here, without a
 * compiler. The bytes may come from anybody.
 */
#ifndef NW_COMMON_SITES_SITES_H
#define NW_COMMON_SITES_SITES_H

#include "common/base/buffer.h"
#include "common/manifest/grant.h"
#include <stdbool.h>
#include <stdint.h>

/* The section of an object file that holds them; a linker puts those of several objects behind one another. */
#define NW_SITES_SECTION ".nightward.calls"

#define NW_SITES_MAX      65536u      /* of one function */
#define NW_SITES_SIZE_MAX (16u << 20) /* bytes of all */
#define NW_SITE_NAMES_MAX 64u         /* of one site; more are no longer told apart */

enum nw_site_kind {
    NW_SITE_CALL,   /* calls the callback that faas_create_func_worker was given */
    NW_SITE_MAYBE,  /* calls something of the same type whose origin is not known */
    NW_SITE_LEAVES, /* hands the callback to code that was not seen: what that calls is not known */
    NW_SITE_KINDS,
};

/* Where the bytes of an input come from, and its length; what becomes of an output. Bits: several may hold. */
#define NW_SITE_FROM(X)                                  \
    X(CONSTANT, "constant")   /* data of the module */   \
    X(OWN_INPUT, "own input") /* that of the function */ \
    X(OUTPUT, "output")       /* of another call */      \
    X(STACK, "stack")         /* a buffer */             \
    X(HEAP, "heap")                                      \
    X(GLOBAL, "global") /* a variable */                 \
    X(NONE, "none")     /* a null pointer */             \
    X(UNKNOWN, "unknown")

#define NW_SITE_LENGTH(X)     \
    X(CONSTANT, "constant")   \
    X(BOUNDED, "bounded")     \
    X(OWN_INPUT, "own input") \
    X(OUTPUT, "output")       \
    X(UNKNOWN, "unknown")

#define NW_SITE_FATE(X)                              \
    X(APPENDED, "appended") /* to the own output */  \
    X(PASSED, "passed on")  /* as another's input */ \
    X(READ, "read")                                  \
    X(COPIED, "copied")                              \
    X(STORED, "stored")                              \
    X(LEFT, "given away") /* to code not seen */

#define NW__FROM_BIT(name, text)   NW_FROM_AT_##name,
#define NW__LENGTH_BIT(name, text) NW_LENGTH_AT_##name,
#define NW__FATE_BIT(name, text)   NW_FATE_AT_##name,
enum { NW_SITE_FROM(NW__FROM_BIT) NW_FROM_BITS };
enum { NW_SITE_LENGTH(NW__LENGTH_BIT) NW_LENGTH_BITS };
enum { NW_SITE_FATE(NW__FATE_BIT) NW_FATE_BITS };

#define NW_FROM(name)   (1u << NW_FROM_AT_##name)
#define NW_LENGTH(name) (1u << NW_LENGTH_AT_##name)
#define NW_FATE(name)   (1u << NW_FATE_AT_##name)

struct nw_site {
    const char *file;     /* "" where there is no debug information */
    const char *function; /* as the linker knows it */
    uint32_t line, column;
    uint32_t kind;       /* enum nw_site_kind */
    bool any_name;       /* other names than these, too */
    uint32_t input;      /* NW_FROM bits */
    uint32_t length;     /* NW_LENGTH bits */
    uint64_t length_max; /* where it is constant or bounded and nothing else */
    uint32_t output;     /* NW_FATE bits; 0: nothing */
    const char **names;
    uint32_t n_names;
};

struct nw_sites {
    struct nw_site *sites;
    uint32_t n_sites;
    bool whole;    /* the module has the entries of a function: nothing else calls its helpers */
    bool complete; /* no limit of the analysis was met: there are no other sites in what was seen */
    char *memory;  /* what the texts of decoded sites lie in, or NULL */
    const char **name_memory;
};

/* Whether every call that is made is among the sites, with all of its names. */
bool nw_sites_are_known(const struct nw_sites *sites);

/* The names that may be called, as nw_manifest.found has them. */
void nw_sites_found(const struct nw_sites *sites, char found[NW_CALLS_TEXT]);

/* For people: the places of those that are not known, as many as there is room for. */
void nw_sites_list_unknown(const struct nw_sites *sites, char *text, size_t size);

/* Appends one record. 0, -ENOMEM, or -E2BIG beyond the limits above. */
int nw_sites_encode(const struct nw_sites *sites, struct nw_buffer *to);

/*
 * Reads records, one behind another with zeros between, into one list. 0, -ENOMEM, or -EINVAL with the reason in `why`;
 * then there is nothing to free.
 */
int nw_sites_decode(const void *bytes, size_t size, struct nw_sites *sites, char *why, size_t why_size);
void nw_sites_fini(struct nw_sites *sites);

/* Reads those in the section of an object file (64 bits, little endian). 1; 0 when it has no such section; or as
 * nw_sites_decode. */
int nw_sites_read(const void *file, size_t size, struct nw_sites *sites, char *why, size_t why_size);

/* The words of a bit, and of a kind. */
const char *nw_site_from_text(unsigned bit);
const char *nw_site_length_text(unsigned bit);
const char *nw_site_fate_text(unsigned bit);
const char *nw_site_kind_text(uint32_t kind);

#endif
