/* Reads a file on its way to becoming executable: a range of it, or what there is to know of it as an ELF file. The
 * file may be anything, and change meanwhile. */
#ifndef NW_WORKER_IMAGE_ELF_H
#define NW_WORKER_IMAGE_ELF_H

#include "protect/scan/elf_file.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Reads what the file has of the range; what is missing stays as it is. 0 or negative errno. */
int nw__image_read(int fd, uint64_t offset, uint8_t *bytes, size_t size);

/*
 * Opens the file as an ELF file and gives its bytes, to be freed; NULL when it is none, or too large. Only what
 * describes code is read: what is loaded, the section headers, the table of symbols and its names. The rest reads as
 * zero. Of a file of which that is more than NW_IMAGE_ELF_MOST nothing is known.
 */
#define NW_IMAGE_ELF_MOST ((uint64_t)128 << 20)
uint8_t *nw__image_elf_read(int fd, off_t file_size, struct nw_elf *elf);

#endif
