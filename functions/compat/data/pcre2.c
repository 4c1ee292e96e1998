/* PCRE2: a pattern with names, with and without its compiler of machine code. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "functions/compat/compat.h"
#include <pcre2.h>
#include <string.h>

int compat_load(void)
{
    return 0;
}

int compat_call(const char *input, FILE *out)
{
    int code = 0;
    PCRE2_SIZE at = 0;
    PCRE2_UCHAR *year = NULL;
    pcre2_code *pattern = pcre2_compile((PCRE2_SPTR) "(?<year>\\d{4})-(?<month>\\d\\d)(?=\\p{L})",
                                        PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(pattern, NULL);
    int jit = pcre2_jit_compile(pattern, PCRE2_JIT_COMPLETE);

    code = pcre2_match(pattern, (PCRE2_SPTR)input, strlen(input), 0, 0, match, NULL);
    at = 0;
    if (code > 0)
        pcre2_substring_get_byname(match, (PCRE2_SPTR) "year", &year, &at);
    fprintf(out, "%d groups, year %.*s, %s", code, (int)at, year ? (char *)year : "",
            jit == 0 ? "compiled" : "interpreted");
    pcre2_substring_free(year);
    pcre2_match_data_free(match);
    pcre2_code_free(pattern);
    return 0;
}
