/* The check that both `nightward check` and a refused deployment do. */
#ifndef NW_DEPLOY_FILE_CHECK_H
#define NW_DEPLOY_FILE_CHECK_H

#include "common/base/buffer.h"
#include <stdbool.h>

/*
 * Whether a file can be a function. If not, tells it on standard error: the reason when `say_why`, and for a forbidden
 * instruction in a line of its own where it lies.
 */
bool nw_check_file(const char *path, const struct nw_buffer *file, bool say_why);

#endif
