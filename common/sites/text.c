/* The words for what is known of a call site. */
#include "common/sites/sites.h"

#define TEXT(name, text) text,

static const char *const from_texts[] = {NW_SITE_FROM(TEXT)};
static const char *const length_texts[] = {NW_SITE_LENGTH(TEXT)};
static const char *const fate_texts[] = {NW_SITE_FATE(TEXT)};
static const char *const kind_texts[NW_SITE_KINDS] = {
    [NW_SITE_CALL] = "call",
    [NW_SITE_MAYBE] = "maybe",
    [NW_SITE_LEAVES] = "leaves",
};

const char *nw_site_from_text(unsigned bit)
{
    return from_texts[bit];
}

const char *nw_site_length_text(unsigned bit)
{
    return length_texts[bit];
}

const char *nw_site_fate_text(unsigned bit)
{
    return fate_texts[bit];
}

const char *nw_site_kind_text(uint32_t kind)
{
    return kind_texts[kind];
}
