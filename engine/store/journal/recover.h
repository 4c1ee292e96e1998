/* What a start finds of the journal and its copy, and what of the two counts; see journal.h. */
#ifndef NW_ENGINE_STORE_JOURNAL_RECOVER_H
#define NW_ENGINE_STORE_JOURNAL_RECOVER_H

#include "engine/store/journal/journal.h"

/* The part of nw_journal_open after its directory is open, with the same results. */
int nw__journal_recover(struct nw_journal *journal, bool has_code, nw_journal_each *each, void *arg, char *why,
                        size_t why_size);

#endif
