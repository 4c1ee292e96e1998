/* The check of `nightward check`, which a refused deployment repeats to explain the refusal. */
#ifndef NW_DEPLOY_FILE_CHECK_H
#define NW_DEPLOY_FILE_CHECK_H

#include "common/base/buffer.h"
#include <stdbool.h>

/*
 * Whether a file can be a function. If not, prints on standard error the reason, when `say_why`, and where a forbidden
 * instruction lies, in a line of its own.
 */
bool nw_check_file(const char *path, const struct nw_buffer *file, bool say_why);

#endif
