/* What libnwguard.so says as a library of its own; see guard.h. */
#include "protect/guard/guard.h"

const bool nw__refuse_all = false;
