/*
 * The methods of std::string (of libstdc++, new ABI) by what they do. Their bodies copy bytes in loops and branches
 * that would hide that the text of a literal comes out as it went in. The bytes of a string are taken to lie at offset
 * 16 of it, where short ones do; its length lies at 8.
 */
#ifndef NW_DEPLOY_CALLSCAN_KNOWN_STRING_H
#define NW_DEPLOY_CALLSCAN_KNOWN_STRING_H

#include <llvm-c/Core.h>

enum nw_string_method {
    NW_STRING_NONE,        /* no method, or one whose body is followed like any other */
    NW_STRING_READ,        /* changes nothing */
    NW_STRING_SIZE,        /* gives back the length */
    NW_STRING_CHARS,       /* gives back a pointer to the bytes */
    NW_STRING_WITHIN,      /* or into them */
    NW_STRING_NEW_BYTES,   /* gives back new memory for bytes */
    NW_STRING_EMPTY,       /* makes argument 0 empty */
    NW_STRING_FROM_TEXT,   /* makes it the text at argument 1 */
    NW_STRING_FROM_BYTES,  /* the bytes at argument 1, as many as argument 2 says */
    NW_STRING_FROM_RANGE,  /* the bytes from argument 1 to argument 2 */
    NW_STRING_FROM_STRING, /* the string argument 1 */
    NW_STRING_REPLACE,     /* puts the bytes at argument 3 in place of a part of it */
    NW_STRING_CHANGE,      /* makes it something that is not followed */
};

#define NW_STRING_BYTES  16
#define NW_STRING_LENGTH 8

enum nw_string_method nw_string_method(LLVMValueRef function);

#endif
