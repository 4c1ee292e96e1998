/* The header fields of a head that is complete and was found to be one (parse.h). */
#ifndef NW_ENGINE_HTTP_SYNTAX_HEAD_H
#define NW_ENGINE_HTTP_SYNTAX_HEAD_H

#include <stdbool.h>
#include <stddef.h>

struct nw_http_text {
    const char *at;
    size_t length;
};

/* Takes the next field off `head`, which begins as that of a parser; the value without the white space around it.
 * False: there is none left. */
bool nw_http_head_next(struct nw_http_text *head, struct nw_http_text *name, struct nw_http_text *value);

/* The first field of this name, in any case. False: there is none. */
bool nw_http_head_find(struct nw_http_text head, const char *name, struct nw_http_text *value);

/* Whether a text is this word, in any case. */
bool nw_http_text_is(struct nw_http_text text, const char *word);

#endif
