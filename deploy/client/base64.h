/* Bytes of any kind for a JSON document. */
#ifndef NW_DEPLOY_CLIENT_BASE64_H
#define NW_DEPLOY_CLIENT_BASE64_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the bytes are UTF-8 without NUL, and so may be a JSON string. */
bool nw_is_text(const char *data, size_t length);

/* The bytes in base64 (RFC 4648), from malloc; NULL without memory. */
char *nw_base64(const char *data, size_t length);

#endif
