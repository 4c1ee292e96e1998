/* Whose code a return address is. Reads what the loader has in memory; opens no files and takes no locks. */
#include "protect/guard/guard.h"

#include <dlfcn.h>
#include <string.h>

#define DIRECT_CALL        0xe8
#define DIRECT_CALL_LENGTH 5

const struct link_map *nw__module_of(uintptr_t address)
{
    struct dl_find_object object;

    return _dl_find_object((void *)address, &object) == 0 ? object.dlfo_link_map : NULL;
}

/* "" when the module has none. */
static const char *soname_of(const struct link_map *module)
{
    const char *strings = NULL;
    uint64_t soname = 0;

    for (const ElfW(Dyn) *entry = module->l_ld; entry != NULL && entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_STRTAB)
            strings = (const char *)entry->d_un.d_ptr;
        else if (entry->d_tag == DT_SONAME)
            soname = entry->d_un.d_val;
    }
    /* The loader relocates the table's address in place, but not that of the vDSO, which it cannot write. */
    return strings == NULL || soname == 0 || (uintptr_t)strings < module->l_addr ? "" : strings + soname;
}

static bool is_system(const char *soname)
{
    return strcmp(soname, "libc.so.6") == 0 || strcmp(soname, "ld-linux-x86-64.so.2") == 0 ||
           strcmp(soname, "libnwguard.so") == 0;
}

/* Whether the instruction before a return address calls a symbol of its own module, as a call of another module's
 * function does through the PLT; a pointer to a function is called by another instruction. */
static bool is_direct_call(uintptr_t return_address)
{
    const uint8_t *call = (const uint8_t *)return_address - DIRECT_CALL_LENGTH;
    int32_t distance;

    memcpy(&distance, call + 1, sizeof distance);
    return *call == DIRECT_CALL && nw__module_of(return_address + distance) == nw__module_of(return_address - 1);
}

enum nw__caller_kind nw__caller_of(uintptr_t return_address)
{
    const struct link_map *module = nw__module_of(return_address - 1);
    const char *soname = module == NULL ? "" : soname_of(module);

    if (is_system(soname))
        return NW__CALLER_HIDDEN;
    if (strcmp(soname, "libprotect.so.1") != 0)
        return NW__CALLER_USER;
    return is_direct_call(return_address) ? NW__CALLER_LIBPROTECT : NW__CALLER_HIDDEN;
}
