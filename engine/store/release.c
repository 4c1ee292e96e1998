/* See release.h. The line is "v3 5 1796041234 0123456789ab": number, last, at, hash; behind a space may be routes. */
#include "engine/store/release.h"
#include "engine/store/store.h"
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MARK '@' /* behind the name */

void nw__release_hash(const char *manifest, const char *sha256, char hash[NW_RELEASE_HASH + 1])
{
    struct nw_buffer text = {0};
    char digits[NW__STORE_SHA256_SIZE] = "";
    if (nw_buffer_printf(&text, "%s\n%s", sha256, manifest) >= 0)
        nw__store_name(text.data, text.length, digits);
    snprintf(hash, NW_RELEASE_HASH + 1, "%.*s", NW_RELEASE_HASH, digits);
    nw_buffer_fini(&text);
}

void nw__release_init(struct nw_release *release, const char *manifest, const char *sha256)
{
    *release = (struct nw_release){.number = 1, .last = 1};
    nw__release_hash(manifest, sha256, release->hash);
}

/* A number without signs, spaces or leading zeros, which `end` must follow; `line` moves behind that. */
static bool read_number(const char **line, int64_t most, char end, int64_t *number)
{
    const char *at = *line;
    int64_t value = 0;
    if (*at == '0' && at[1] != end)
        return false;
    for (; *at >= '0' && *at <= '9'; at++) {
        value = 10 * value + (*at - '0');
        if (value > most)
            return false;
    }
    if (at == *line || *at != end)
        return false;
    *number = value;
    *line = *at ? at + 1 : at;
    return true;
}

uint32_t nw_release_number(const char *text)
{
    int64_t number;
    return *text++ == 'v' && read_number(&text, UINT32_MAX, '\0', &number) ? (uint32_t)number : 0;
}

int nw_release_parse(struct nw_release *release, const char *line, const char **routes)
{
    int64_t number, last, at;
    if (*line++ != 'v' || !read_number(&line, UINT32_MAX, ' ', &number) ||
        !read_number(&line, UINT32_MAX, ' ', &last) || !read_number(&line, INT64_MAX / 16, ' ', &at) || !number ||
        last < number || strspn(line, "0123456789abcdef") != NW_RELEASE_HASH ||
        (line[NW_RELEASE_HASH] && (line[NW_RELEASE_HASH] != ' ' || !line[NW_RELEASE_HASH + 1])))
        return -EINVAL;
    *routes = line[NW_RELEASE_HASH] ? line + NW_RELEASE_HASH + 1 : NULL;
    *release = (struct nw_release){.number = (uint32_t)number, .last = (uint32_t)last, .at = at};
    memcpy(release->hash, line, NW_RELEASE_HASH);
    return 0;
}

int nw_release_print(const struct nw_release *release, const char *routes, struct nw_buffer *line)
{
    int rc = nw_buffer_printf(line, "v%" PRIu32 " %" PRIu32 " %" PRId64 " %s", release->number, release->last,
                              release->at, release->hash);
    if (rc == 0 && routes && *routes)
        rc = nw_buffer_printf(line, " %s", routes);
    return rc < 0 ? -ENOMEM : 0;
}

void nw_release_kept_name(const char *name, uint32_t number, char kept[NW_KEPT_NAME + 1])
{
    snprintf(kept, NW_KEPT_NAME + 1, "%.*s%cv%" PRIu32, NW_NAME_MAX, name, MARK, number);
}

uint32_t nw_release_kept_number(const char *kept)
{
    const char *mark = strchr(kept, MARK);
    return mark ? nw_release_number(mark + 1) : 0;
}
