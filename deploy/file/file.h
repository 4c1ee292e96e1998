/* Reading whole files that the user named. */
#ifndef NW_DEPLOY_FILE_FILE_H
#define NW_DEPLOY_FILE_FILE_H

#include "common/base/buffer.h"

#define NW_FILE_MAX (256UL << 20) /* bytes */

/* Appends a regular file. Ends the process with 111 when it cannot be read, is no file or is over NW_FILE_MAX. */
void nw_file_read(const char *path, struct nw_buffer *to);

/* Appends standard input up to its end; the same ends. */
void nw_file_read_stdin(struct nw_buffer *to);

#endif
