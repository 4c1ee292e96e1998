/* See string.h. */
#include "deploy/callscan/known/string.h"
#include <string.h>

#define CLASS "St7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE"

struct row {
    const char *begins; /* what the mangled name goes on with behind the class */
    enum nw_string_method method;
};

/* What const methods do that only read is not listed. */
static const struct row const_rows[] = {
    {"5c_strEv", NW_STRING_CHARS},
    {"4dataEv", NW_STRING_CHARS},
    {"4sizeEv", NW_STRING_SIZE},
    {"6lengthEv", NW_STRING_SIZE},
    {"6substr", NW_STRING_CHANGE},
    {"7_M_dataEv", NW_STRING_CHARS},
    {"5beginEv", NW_STRING_CHARS},
    {"3endEv", NW_STRING_WITHIN},
    {"ixE", NW_STRING_WITHIN},
    {"2atE", NW_STRING_WITHIN},
    {"5frontEv", NW_STRING_WITHIN},
    {"4backEv", NW_STRING_WITHIN},
    {"13_M_local_dataEv", NW_STRING_NONE},
    {"11_M_is_localEv", NW_STRING_NONE},
};

static const struct row rows[] = {
    {"D", NW_STRING_READ},
    {"aSEPKc", NW_STRING_FROM_TEXT},
    {"aSERKS4_", NW_STRING_FROM_STRING},
    {"aSEOS4_", NW_STRING_FROM_STRING},
    {"aSE", NW_STRING_CHANGE},
    {"6assignEPKcm", NW_STRING_FROM_BYTES},
    {"6assignEPKc", NW_STRING_FROM_TEXT},
    {"6assignERKS4_mm", NW_STRING_CHANGE},
    {"6assignERKS4_", NW_STRING_FROM_STRING},
    {"6assignEOS4_", NW_STRING_FROM_STRING},
    {"6assign", NW_STRING_CHANGE},
    {"4dataEv", NW_STRING_CHARS},
    {"5beginEv", NW_STRING_CHARS},
    {"3endEv", NW_STRING_WITHIN},
    {"ixE", NW_STRING_WITHIN},
    {"2atE", NW_STRING_WITHIN},
    {"5frontEv", NW_STRING_WITHIN},
    {"4backEv", NW_STRING_WITHIN},
    {"9_M_createE", NW_STRING_NEW_BYTES},
    {"12_M_construct", NW_STRING_FROM_RANGE},
    {"9_M_assignE", NW_STRING_FROM_STRING},
    {"10_M_replaceEmmPKcm", NW_STRING_REPLACE},
    {"10_M_disposeEv", NW_STRING_READ},
    {"5clearEv", NW_STRING_EMPTY},
    {"7reserveE", NW_STRING_READ},
    {"pLE", NW_STRING_CHANGE},
    {"6appendE", NW_STRING_CHANGE},
    {"9push_backE", NW_STRING_CHANGE},
    {"8pop_backE", NW_STRING_CHANGE},
    {"6resizeE", NW_STRING_CHANGE},
    {"6insertE", NW_STRING_CHANGE},
    {"7replaceE", NW_STRING_CHANGE},
    {"5eraseE", NW_STRING_CHANGE},
    {"9_M_appendE", NW_STRING_CHANGE},
    {"9_M_mutateE", NW_STRING_CHANGE},
    {"8_M_eraseE", NW_STRING_CHANGE},
    {"4swapE", NW_STRING_CHANGE},
    {"14_M_replace_auxE", NW_STRING_CHANGE},
};

static enum nw_string_method find(const struct row *from, size_t n, const char *rest, enum nw_string_method otherwise)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(rest, from[i].begins, strlen(from[i].begins)) == 0)
            return from[i].method;
    return otherwise;
}

/* A constructor by its parameters, which follow its template arguments where it has some. */
static enum nw_string_method constructor(const char *rest)
{
    const char *last = strstr(rest, "EE");

    if (rest[0] == 'I' || (rest[0] && rest[1] == 'I')) /* C2IS3_EE... */
        rest = last ? last + 2 : rest;
    else
        rest += 2; /* the kind, E */
    if (strncmp(rest, "PKcm", 4) == 0)
        return NW_STRING_FROM_BYTES;
    if (strncmp(rest, "PKc", 3) == 0)
        return NW_STRING_FROM_TEXT;
    if (strncmp(rest, "OS4_", 4) == 0 || strncmp(rest, "RKS4_", 5) == 0)
        return rest[rest[0] == 'O' ? 4 : 5] == '\0' ? NW_STRING_FROM_STRING : NW_STRING_CHANGE;
    return strcmp(rest, "v") == 0 || strcmp(rest, "RKS3_") == 0 ? NW_STRING_EMPTY : NW_STRING_CHANGE;
}

enum nw_string_method nw_string_method(LLVMValueRef function)
{
    size_t length;
    const char *name = LLVMGetValueName2(function, &length);
    enum nw_string_method otherwise = LLVMIsDeclaration(function) ? NW_STRING_CHANGE : NW_STRING_NONE;

    if (strncmp(name, "_ZNK" CLASS, sizeof "_ZNK" CLASS - 1) == 0)
        return find(const_rows, sizeof const_rows / sizeof *const_rows, name + sizeof "_ZNK" CLASS - 1, NW_STRING_READ);
    if (strncmp(name, "_ZStplI", 7) == 0 || strncmp(name, "_ZNSt7__cxx119to_stringE", 24) == 0)
        return NW_STRING_CHANGE;
    if (strncmp(name, "_ZN" CLASS, sizeof "_ZN" CLASS - 1) != 0)
        return NW_STRING_NONE;
    name += sizeof "_ZN" CLASS - 1;
    if (*name == 'C')
        return constructor(name + 1);
    return find(rows, sizeof rows / sizeof *rows, name, otherwise);
}
