/* Reads the text format of Prometheus, one series after the other. It comes from our engine, but nothing here trusts
 * that. */
#ifndef NW_DEPLOY_TOP_SERIES_H
#define NW_DEPLOY_TOP_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#define NW__LABEL_SIZE 128

struct nw__series {
    const char *name;
    size_t name_length;
    const char *labels; /* what stands between the braces */
    size_t labels_length;
    double value;
};

/* The next series of a text, which is moved on behind it. False: there is none. Lines that are none are passed over. */
bool nw__series_next(const char **text, struct nw__series *series);

bool nw__series_is(const struct nw__series *series, const char *name);

/* The value of a label, cut to its room; false: it has no such label. */
bool nw__series_label(const struct nw__series *series, const char *label, char value[NW__LABEL_SIZE]);

#endif
