/* See library.h. */
#include "protect/test/rewrite/library.h"
#include "protect/test/fixture.h"
#include "protect/test/machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define PAGE 4096u

void library_open(struct library *library, const char *name)
{
    char why[256];

    *library = (struct library){0};
    library->bytes = fixture_read(name, &library->size);
    assert_non_null(library->bytes);
    if (nw_elf_open(&library->elf, library->bytes, library->size, why, sizeof why) != 0)
        fail_msg("%s: %s", name, why);
    for (size_t i = 0; i < library->elf.header.e_phnum; i++)
        if (library->elf.segments[i].p_type == PT_LOAD && library->elf.segments[i].p_flags & PF_X)
            library->text = &library->elf.segments[i];
    library->code_size = (library->text->p_filesz + PAGE - 1) & ~(size_t)(PAGE - 1);
    library->code = mmap(NULL, library->code_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(library->code != MAP_FAILED);
    memcpy(library->code, library->bytes + library->text->p_offset, library->text->p_filesz);
}

void library_close(struct library *library)
{
    munmap(library->code, library->code_size);
    free(library->bytes);
}

void library_make_runnable(const struct library *library)
{
    assert_int_equal(mprotect(library->code, library->code_size, PROT_READ | PROT_EXEC), 0);
}

const char *library_symbol(const struct library *library, size_t i, Elf64_Sym *symbol)
{
    memcpy(symbol, library->elf.symtab.entries + i * sizeof *symbol, sizeof *symbol);
    return library->elf.symtab.strings + symbol->st_name;
}

const uint8_t *library_function(const struct library *library, const Elf64_Sym *symbol)
{
    return library->code + (symbol->st_value - library->text->p_vaddr);
}

void library_prepare(struct machine *machine, const void *function, uint64_t *random_state)
{
    for (size_t i = 0; i < sizeof *machine; i++)
        ((uint8_t *)machine)[i] = (uint8_t)next_random(random_state);
    machine->function = function;
    machine->flags = 0x202;
}
