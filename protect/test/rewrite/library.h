/* Code of a library that tests change and run. */
#ifndef NW_PROTECT_TEST_LIBRARY_H
#define NW_PROTECT_TEST_LIBRARY_H

#include "protect/scan/elf_file.h"

struct machine;

/* A file, and the pages of its code. */
struct library {
    uint8_t *bytes;
    size_t size;
    struct nw_elf elf;
    const Elf64_Phdr *text;
    uint8_t *code; /* writable until make_runnable */
    size_t code_size;
};

/* `name` as fixture_read takes it. */
void library_open(struct library *library, const char *name);
void library_close(struct library *library);
void library_make_runnable(const struct library *library);

/* Symbol `i` of the file, and its name; where its code is. */
const char *library_symbol(const struct library *library, size_t i, Elf64_Sym *symbol);
const uint8_t *library_function(const struct library *library, const Elf64_Sym *symbol);

/* Registers, flags and memory at random, to run the function with. */
void library_prepare(struct machine *machine, const void *function, uint64_t *random_state);

#endif
