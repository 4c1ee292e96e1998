/* Call sites that the compiler's pass has put into an object file: no LLVM is needed to read them. */
#include "deploy/callscan/scan/section.h"
#include <gelf.h>
#include <stdio.h>
#include <string.h>

static Elf_Data *find_section(Elf *elf)
{
    Elf_Scn *section = NULL;
    GElf_Shdr header;
    size_t names;

    if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getshdrstrndx(elf, &names) < 0)
        return NULL;
    while ((section = elf_nextscn(elf, section)) != NULL) {
        const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf, names, header.sh_name) : NULL;
        if (name && strcmp(name, NW_SITES_SECTION) == 0)
            return elf_rawdata(section, NULL);
    }
    return NULL;
}

int nw__section_read(const struct nw_buffer *file, struct nw_sites *sites, char *why, size_t why_size)
{
    char reason[200];
    Elf_Data *data;
    Elf *elf;
    int rc = 0;

    if (file->length < SELFMAG || memcmp(file->data, ELFMAG, SELFMAG) != 0)
        return 0;
    elf_version(EV_CURRENT);
    elf = elf_memory(file->data, file->length);
    data = find_section(elf);
    if (data && data->d_buf) {
        rc = nw_sites_decode(data->d_buf, data->d_size, sites, reason, sizeof reason);
        if (rc < 0)
            snprintf(why, why_size, "its section %s is damaged: %s", NW_SITES_SECTION, reason);
        rc = rc < 0 ? rc : 1;
    }
    elf_end(elf);
    return rc;
}
