/* Whether a file can be a function, in words. */
#include "deploy/file/check.h"
#include "deploy/base/say.h"
#include "deploy/file/explain.h"
#include "protect/check/function_check.h"

bool nw_check_file(const char *path, const struct nw_buffer *file, bool say_why)
{
    const uint8_t *bytes = (const uint8_t *)(file->data ? file->data : "");
    char why[NW_FUNCTION_WHY_SIZE], text[600];
    struct nw_scan_hit site;

    if (nw_function_check_site(bytes, file->length, why, sizeof why, &site) == 0)
        return true;
    if (say_why)
        nw_complain("%s: %s", path, why);
    if (site.length > 0) {
        nw__explain(bytes, file->length, &site, text, sizeof text);
        nw_complain("%s: %s", path, text);
    }
    return false;
}
