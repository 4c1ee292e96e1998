/* What `nightward --version` says. */
#ifndef NW_COMMON_BASE_VERSION_H
#define NW_COMMON_BASE_VERSION_H

#define NW_VERSION "1.0.0"

#endif
