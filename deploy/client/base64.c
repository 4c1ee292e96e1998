/* UTF-8 validation and base64. */
#include "deploy/client/base64.h"
#include <stdint.h>
#include <stdlib.h>

/* Bytes that follow a lead byte, and the bounds of the first of them; 0 bytes with lead >= 0x80 is no lead. */
static int sequence(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf)
        return 1;
    if (lead >= 0xe0 && lead <= 0xef)
        return 2;
    return lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
}

bool nw_is_text(const char *data, size_t length)
{
    const unsigned char *p = (const unsigned char *)data;
    unsigned char low, high;

    for (size_t i = 0; i < length; i++) {
        int follow = sequence(p[i], &low, &high);
        if (p[i] == 0 || (p[i] >= 0x80 && follow == 0) || length - i <= (size_t)follow)
            return false;
        for (; follow > 0; follow--, low = 0x80, high = 0xbf)
            if (p[++i] < low || p[i] > high)
                return false;
    }
    return true;
}

char *nw_base64(const char *data, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)data;
    char *out = malloc((length + 2) / 3 * 4 + 1);
    char *to = out;

    if (!out)
        return NULL;
    for (size_t i = 0; i < length; i += 3) {
        size_t have = length - i < 3 ? length - i : 3;
        uint32_t bits = (uint32_t)p[i] << 16 | (have > 1 ? (uint32_t)p[i + 1] << 8 : 0) | (have > 2 ? p[i + 2] : 0);
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = have > 1 ? digits[bits >> 6 & 63] : '=';
        *to++ = have > 2 ? digits[bits & 63] : '=';
    }
    *to = '\0';
    return out;
}
