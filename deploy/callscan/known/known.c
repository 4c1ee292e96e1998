/* See known.h. */
#include "deploy/callscan/known/known.h"
#include <string.h>

#define ARG(i) (1u << (i))

/* What only reads, and gives back a number or nothing, has a name alone. */
static const struct nw_known rows[] = {
    {"malloc", NW_RESULT_FRESH, 0, 0, 0},
    {"calloc", NW_RESULT_FRESH, 0, 0, 0},
    {"aligned_alloc", NW_RESULT_FRESH, 0, 0, 0},
    {"memalign", NW_RESULT_FRESH, 0, 0, 0},
    {"valloc", NW_RESULT_FRESH, 0, 0, 0},
    {"alloca", NW_RESULT_FRESH, 0, 0, 0},
    {"mmap", NW_RESULT_FRESH, 0, 0, 0},
    {"realloc", NW_RESULT_MOVED, 0, 0, 0},
    {"reallocarray", NW_RESULT_MOVED, 0, 0, 0},
    {"strdup", NW_RESULT_FRESH, 0, 0, 0},
    {"strndup", NW_RESULT_FRESH, 0, 0, 0},
    {"__strdup", NW_RESULT_FRESH, 0, 0, 0},
    {"_Znwm", NW_RESULT_FRESH, 0, 0, 0},
    {"_Znam", NW_RESULT_FRESH, 0, 0, 0},
    {"_ZnwmRKSt9nothrow_t", NW_RESULT_FRESH, 0, 0, 0},
    {"_ZnamRKSt9nothrow_t", NW_RESULT_FRESH, 0, 0, 0},
    {"_ZnwmSt11align_val_t", NW_RESULT_FRESH, 0, 0, 0},
    {"__cxa_allocate_exception", NW_RESULT_FRESH, 0, 0, 0},
    {"__cxa_throw", 0, NW_EFFECT_THROWS, 0, 0},
    {"__cxa_begin_catch", NW_RESULT_CAUGHT, 0, 0, 0},
    {"__cxa_get_exception_ptr", NW_RESULT_CAUGHT, 0, 0, 0},
    {"memcpy", NW_RESULT_FIRST, NW_EFFECT_COPIES, 0, 0},
    {"memmove", NW_RESULT_FIRST, NW_EFFECT_COPIES, 0, 0},
    {"__memcpy_chk", NW_RESULT_FIRST, NW_EFFECT_COPIES, 0, 0},
    {"__memmove_chk", NW_RESULT_FIRST, NW_EFFECT_COPIES, 0, 0},
    {"mempcpy", NW_RESULT_WITHIN, NW_EFFECT_COPIES, 0, 0},
    {"llvm.memcpy.", NW_RESULT_UNKNOWN, NW_EFFECT_COPIES, 0, 0},
    {"llvm.memmove.", NW_RESULT_UNKNOWN, NW_EFFECT_COPIES, 0, 0},
    {"llvm.memset.", NW_RESULT_UNKNOWN, NW_EFFECT_ZEROES, 0, 0},
    {"memset", NW_RESULT_FIRST, NW_EFFECT_ZEROES, 0, 0},
    {"__memset_chk", NW_RESULT_FIRST, NW_EFFECT_ZEROES, 0, 0},
    {"strcpy", NW_RESULT_FIRST, NW_EFFECT_TEXT, 0, 0},
    {"__strcpy_chk", NW_RESULT_FIRST, NW_EFFECT_TEXT, 0, 0},
    {"stpcpy", NW_RESULT_WITHIN, NW_EFFECT_TEXT, 0, 0},
    {"__stpcpy_chk", NW_RESULT_WITHIN, NW_EFFECT_TEXT, 0, 0},
    {"strncpy", NW_RESULT_FIRST, 0, ARG(0), 0},
    {"strlcpy", NW_RESULT_UNKNOWN, 0, ARG(0), 0},
    {"strcat", NW_RESULT_FIRST, 0, ARG(0), 0},
    {"strncat", NW_RESULT_FIRST, 0, ARG(0), 0},
    {"sprintf", 0, NW_EFFECT_PRINTS, 0, 1},
    {"snprintf", 0, NW_EFFECT_PRINTS, 0, 2},
    {"__sprintf_chk", 0, NW_EFFECT_PRINTS, 0, 3},
    {"__snprintf_chk", 0, NW_EFFECT_PRINTS, 0, 4},
    {"vsnprintf", 0, 0, ARG(0), 0},
    {"__vsnprintf_chk", 0, 0, ARG(0), 0},
    {"vsprintf", 0, 0, ARG(0), 0},
    {"strchr", NW_RESULT_WITHIN, 0, 0, 0},
    {"strrchr", NW_RESULT_WITHIN, 0, 0, 0},
    {"strstr", NW_RESULT_WITHIN, 0, 0, 0},
    {"strpbrk", NW_RESULT_WITHIN, 0, 0, 0},
    {"memchr", NW_RESULT_WITHIN, 0, 0, 0},
    {"strchrnul", NW_RESULT_WITHIN, 0, 0, 0},
    {"strtok", NW_RESULT_UNKNOWN, 0, ARG(0), 0},
    {"strtok_r", NW_RESULT_UNKNOWN, 0, ARG(0) | ARG(2), 0},
    {"strsep", NW_RESULT_UNKNOWN, 0, ARG(0), 0},
    {"strlen", NW_RESULT_LENGTH, 0, 0, 0},
    {"__strlen_chk", NW_RESULT_LENGTH, 0, 0, 0},
    {"strnlen", 0, 0, 0, 0},
    {"strcmp", 0, 0, 0, 0},
    {"strncmp", 0, 0, 0, 0},
    {"strcasecmp", 0, 0, 0, 0},
    {"strncasecmp", 0, 0, 0, 0},
    {"memcmp", 0, 0, 0, 0},
    {"bcmp", 0, 0, 0, 0},
    {"strspn", 0, 0, 0, 0},
    {"strcspn", 0, 0, 0, 0},
    {"atoi", 0, 0, 0, 0},
    {"atol", 0, 0, 0, 0},
    {"strtol", 0, 0, ARG(1), 0},
    {"strtoul", 0, 0, ARG(1), 0},
    {"strtoull", 0, 0, ARG(1), 0},
    {"strtod", 0, 0, ARG(1), 0},
    {"sscanf", 0, 0, 0xfc, 0},
    {"__isoc99_sscanf", 0, 0, 0xfc, 0},
    {"free", 0, 0, 0, 0},
    {"_ZdlPv", 0, 0, 0, 0},
    {"_ZdaPv", 0, 0, 0, 0},
    {"_ZdlPvm", 0, 0, 0, 0},
    {"_ZdaPvm", 0, 0, 0, 0},
    {"_ZdlPvSt11align_val_t", 0, 0, 0, 0},
    {"munmap", 0, 0, 0, 0},
    {"printf", 0, 0, 0, 0},
    {"fprintf", 0, 0, 0, 0},
    {"__printf_chk", 0, 0, 0, 0},
    {"__fprintf_chk", 0, 0, 0, 0},
    {"dprintf", 0, 0, 0, 0},
    {"syslog", 0, 0, 0, 0},
    {"puts", 0, 0, 0, 0},
    {"fputs", 0, 0, 0, 0},
    {"fputc", 0, 0, 0, 0},
    {"putchar", 0, 0, 0, 0},
    {"perror", 0, 0, 0, 0},
    {"fwrite", 0, 0, 0, 0},
    {"write", 0, 0, 0, 0},
    {"send", 0, 0, 0, 0},
    {"fflush", 0, 0, 0, 0},
    {"fclose", 0, 0, 0, 0},
    {"fread", 0, 0, ARG(0), 0},
    {"fgets", NW_RESULT_FIRST, 0, ARG(0), 0},
    {"read", 0, 0, ARG(1), 0},
    {"recv", 0, 0, ARG(1), 0},
    {"open_memstream", 0, 0, ARG(0) | ARG(1), 0},
    {"getenv", 0, 0, 0, 0},
    {"abort", 0, 0, 0, 0},
    {"exit", 0, 0, 0, 0},
    {"__assert_fail", 0, 0, 0, 0},
    {"clock_gettime", 0, 0, ARG(1), 0},
    {"nanosleep", 0, 0, ARG(1), 0},
    {"time", 0, 0, ARG(0), 0},
    {"pthread_mutex_lock", 0, 0, 0, 0},
    {"pthread_mutex_unlock", 0, 0, 0, 0},
    {"pthread_mutex_init", 0, 0, 0, 0},
    {"pthread_mutex_destroy", 0, 0, 0, 0},
    {"pthread_cond_init", 0, 0, 0, 0},
    {"pthread_cond_wait", 0, 0, 0, 0},
    {"pthread_cond_signal", 0, 0, 0, 0},
    {"pthread_cond_broadcast", 0, 0, 0, 0},
    {"pthread_create", 0, NW_EFFECT_STARTS, ARG(0), 0},
    {"pthread_join", 0, 0, ARG(1), 0},
    {"pthread_detach", 0, 0, 0, 0},
    {"pthread_once", 0, NW_EFFECT_RUNS, 0, 0},
    {"qsort", 0, NW_EFFECT_SORTS, 0, 0},
    {"__errno_location", NW_RESULT_FRESH, 0, 0, 0},
    {"__cxa_end_catch", 0, 0, 0, 0},
    {"__cxa_free_exception", 0, 0, 0, 0},
    {"__cxa_rethrow", 0, 0, 0, 0},
    {"__cxa_guard_acquire", 0, 0, 0, 0},
    {"__cxa_guard_release", 0, 0, 0, 0},
    {"__cxa_guard_abort", 0, 0, 0, 0},
    {"__cxa_atexit", 0, 0, 0, 0},
    {"__cxa_thread_atexit", 0, 0, 0, 0},
    {"__cxa_pure_virtual", 0, 0, 0, 0},
    {"__dynamic_cast", NW_RESULT_AROUND, 0, 0, 0},
    {"__clang_call_terminate", 0, 0, 0, 0},
    {"llvm.load.relative.", NW_RESULT_ROW, 0, 0, 0},
    {"llvm.va_start", 0, NW_EFFECT_VARARGS, 0, 0},
    {"llvm.va_copy", 0, NW_EFFECT_COPIES, 0, 0},
    {"llvm.", 0, 0, 0, 0},
    {"nw_time_left", 0, 0, 0, 0},
};

static bool is_named(const struct nw_known *row, const char *name)
{
    size_t length = strlen(row->name);

    return row->name[length - 1] == '.' ? strncmp(name, row->name, length) == 0 : strcmp(name, row->name) == 0;
}

const struct nw_known *nw_known_function(LLVMValueRef function)
{
    size_t length;
    const char *name = LLVMGetValueName2(function, &length);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (is_named(&rows[i], name))
            return &rows[i];
    return NULL;
}

static bool begins(LLVMValueRef global, const char *const *beginnings)
{
    size_t length;
    const char *name = LLVMGetValueName2(global, &length);

    for (; *beginnings; beginnings++)
        if (strncmp(name, *beginnings, strlen(*beginnings)) == 0)
            return true;
    return false;
}

bool nw_is_library(LLVMValueRef global)
{
    static const char *const beginnings[] = {"_ZNSt",    "_ZNKSt", "_ZSt",          "_ZNSo",
                                             "_ZNSi",    "_ZNSs",  "_ZN9__gnu_cxx", "__cxa_",
                                             "_Unwind_", "_ZTVSt", "_ZTISt",        "_ZTVN10__cxxabiv1",
                                             NULL};

    return begins(global, beginnings);
}

bool nw_is_type_data(LLVMValueRef variable)
{
    static const char *const beginnings[] = {"_ZTV", "_ZTI", "_ZTS", "_ZTT", NULL};

    return begins(variable, beginnings);
}
