/* Functions whose body is not in the module and whose effect is known: those of libc and of the C++ run-time. */
#ifndef NW_DEPLOY_CALLSCAN_KNOWN_KNOWN_H
#define NW_DEPLOY_CALLSCAN_KNOWN_KNOWN_H

#include <llvm-c/Core.h>
#include <stdbool.h>

enum nw_known_result {
    NW_RESULT_UNKNOWN, /* a number, or a pointer to what is not ours */
    NW_RESULT_FRESH,   /* new memory */
    NW_RESULT_FIRST,   /* its first argument */
    NW_RESULT_WITHIN,  /* somewhere in what its first argument points to */
    NW_RESULT_AROUND,  /* or before it */
    NW_RESULT_MOVED,   /* new memory with what its first argument points to, or that */
    NW_RESULT_CAUGHT,  /* what was thrown */
    NW_RESULT_ROW,     /* what one of the distances in the table that is its first argument leads to */
    NW_RESULT_LENGTH,  /* the length of the text that is its first argument */
};

enum nw_known_effect {
    NW_EFFECT_NONE,
    NW_EFFECT_COPIES,  /* the bytes at argument 1 to argument 0; as many as argument 2 says */
    NW_EFFECT_TEXT,    /* the text at argument 1 to argument 0, with its NUL */
    NW_EFFECT_PRINTS,  /* by the format that is argument `format` to argument 0 */
    NW_EFFECT_ZEROES,  /* argument 0 */
    NW_EFFECT_STARTS,  /* calls argument 2 with argument 3 */
    NW_EFFECT_SORTS,   /* calls its last argument with what argument 0 points to */
    NW_EFFECT_RUNS,    /* calls argument 1, without arguments */
    NW_EFFECT_THROWS,  /* argument 0 */
    NW_EFFECT_VARARGS, /* argument 0 leads to the arguments that no parameter has */
};

struct nw_known {
    const char *name; /* with a dot at its end: the beginning of a name */
    unsigned char result, effect;
    unsigned char writes; /* bit i: writes where argument i points to */
    unsigned char format; /* which argument is a format */
};

/* NULL when nothing is known of it. */
const struct nw_known *nw_known_function(LLVMValueRef function);

/* Whether a function or variable is the C++ library's: it calls what it is given, but never the callback itself. */
bool nw_is_library(LLVMValueRef global);

/* Whether a variable is a table of virtual methods or describes a type: no object of anybody's. */
bool nw_is_type_data(LLVMValueRef variable);

#endif
