/*
 * Says in words where in a file a forbidden instruction lies: libelf names section and symbol, Zydis the instruction
 * that a processor would run there. For people only: what is refused is decided by protect/check/function_check.h.
 */
#ifndef NW_DEPLOY_FILE_EXPLAIN_H
#define NW_DEPLOY_FILE_EXPLAIN_H

#include "protect/scan/scan.h"

/* `text` gets a sentence without a full stop, as much of it as fits. The hit's offset is one of the file, which
 * nw_function_check_site has looked at. */
void nw__explain(const uint8_t *bytes, size_t size, const struct nw_scan_hit *hit, char *text, size_t text_size);

#endif
