/* See gate.h. */
#include "worker/stub/gate.h"

const void *nw__gate;
