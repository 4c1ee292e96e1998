/* Marks memory that waits in a pool as unusable: programs built with AddressSanitizer report every access to it. */
#ifndef NW_COMMON_BASE_POISON_H
#define NW_COMMON_BASE_POISON_H

#include <stddef.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#else
#define __asan_poison_memory_region(memory, size)   ((void)(memory), (void)(size))
#define __asan_unpoison_memory_region(memory, size) ((void)(memory), (void)(size))
#endif

static inline void nw_poison(void *memory, size_t size)
{
    __asan_poison_memory_region(memory, size);
}

static inline void nw_unpoison(void *memory, size_t size)
{
    __asan_unpoison_memory_region(memory, size);
}

#endif
