/*
 * A reader of ELF64 shared objects that trusts nothing in them: every offset, count and address is checked against
 * the bytes at hand before it is used. Not responsible for what a file is allowed to contain (function_check.h), nor
 * for loading it.
 *
 * The bytes must stay the same while a struct nw_elf refers to them: read a file into memory, do not map it.
 */
#ifndef NW_PROTECT_SCAN_ELF_FILE_H
#define NW_PROTECT_SCAN_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A file may have no more program headers. */
#define NW_ELF_SEGMENTS_MAX 64

/* A table of symbols, wholly inside the file; names are checked one by one. */
struct nw_elf_symbols {
    const uint8_t *entries;
    size_t count;
    const char *strings;
    size_t strings_size;
};

struct nw_elf {
    const uint8_t *bytes;
    size_t size;
    Elf64_Ehdr header;
    Elf64_Phdr segments[NW_ELF_SEGMENTS_MAX]; /* header.e_phnum of them, of all types */
    uint64_t span;                            /* bytes of address space that the PT_LOAD segments take */
    uint64_t dynamic_offset, dynamic_size;    /* of PT_DYNAMIC in the file; 0 and 0 when there is none */
    struct nw_elf_symbols dynsym;             /* what PT_DYNAMIC points to; empty when that is missing or broken */
    struct nw_elf_symbols symtab;             /* what the section headers point to; the same */
};

/*
 * Checks that the file is a 64-bit little-endian x86-64 shared object whose program headers lie inside it and whose
 * loadable segments are in order, apart, and inside a user address space. 0, or -ENOEXEC with a message for people in
 * `why`. Refers to `bytes` from then on; there is nothing to free.
 */
int nw_elf_open(struct nw_elf *elf, const uint8_t *bytes, size_t size, char *why, size_t why_size);

/* The value of a dynamic tag; of several with the same tag the last, which is what ld.so takes. */
bool nw_elf_dynamic(const struct nw_elf *elf, int64_t tag, uint64_t *value);

/* The defined symbol of that name that dlsym could find, or the local one in .symtab. */
bool nw_elf_find_exported(const struct nw_elf *elf, const char *name, Elf64_Sym *symbol);
bool nw_elf_find_local(const struct nw_elf *elf, const char *name, Elf64_Sym *symbol);

/* Where `length` bytes at an address of the loaded object lie in the file; all within one segment that has all of
 * `flags` (PF_R, PF_W, PF_X). */
bool nw_elf_file_offset(const struct nw_elf *elf, uint64_t address, uint64_t length, uint32_t flags, uint64_t *offset);

/* Names the function whose code lies at an offset of the file: at most size - 1 characters, unprintable ones replaced
 * by '?'. False with an empty name when no symbol covers it. */
bool nw_elf_name_offset(const struct nw_elf *elf, uint64_t file_offset, char *name, size_t size);

/* The function that starts last at or before an address of the loaded object, and how far before: for code whose
 * symbols have no size. Of several that start there the first by name. The same limits for `name`. */
bool nw_elf_name_before(const struct nw_elf *elf, uint64_t address, char *name, size_t size, uint64_t *distance);

#endif
