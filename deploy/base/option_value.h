/* What the value of an option may look like. */
#ifndef NW_DEPLOY_BASE_OPTION_VALUE_H
#define NW_DEPLOY_BASE_OPTION_VALUE_H

#include "deploy/base/options.h"

/* Whether `text` is a value for the option. 0, or -EINVAL with what would be, for people, in `why`. */
int nw__option_check(const struct nw_option *option, const char *text, char *why, size_t why_size);

/* The number in a text that nw__option_check accepted for a COUNT or BYTES, or for a TIME, in ms. */
uint64_t nw__option_number(const struct nw_option *option, const char *text);

/* Both numbers of one for a SPAN. */
void nw__option_span(const char *text, uint64_t *least, uint64_t *most);

/* Whether `text` is IPv4:PORT or [IPv6]:PORT. */
bool nw_is_address(const char *text);

#endif
