/* Text from anywhere as the inside of a JSON string, without a JSON library. */
#ifndef NW_ENGINE_HTTP_SYNTAX_JSON_TEXT_H
#define NW_ENGINE_HTTP_SYNTAX_JSON_TEXT_H

#include "common/base/buffer.h"

/* Appends `text` escaped; bytes that are not UTF-8 become U+FFFD. 0 or -ENOMEM. */
int nw_json_escape(struct nw_buffer *out, const char *text, size_t length);

#endif
