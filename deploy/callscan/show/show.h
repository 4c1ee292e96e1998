/* The call sites of the functions of an application, for people and for programs. */
#ifndef NW_DEPLOY_CALLSCAN_SHOW_SHOW_H
#define NW_DEPLOY_CALLSCAN_SHOW_SHOW_H

#include "deploy/callscan/scan/scan.h"

void nw_show_table(const struct nw_scanned *functions, unsigned n);

/* The exit status: not 0 when there was no memory for it. */
int nw_show_json(const struct nw_scanned *functions, unsigned n);

/* A graph for dot(1): who calls whom. */
void nw_show_dot(const struct nw_scanned *functions, unsigned n);

/* The words of bits, with commas between: "constant, heap". */
void nw__words(uint32_t bits, const char *(*text)(unsigned), const char *none, char *words, size_t size);

#endif
