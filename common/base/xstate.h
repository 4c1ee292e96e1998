/*
 * Extended state of a processor as XCR0 and XSAVE name it: which features there are, what becomes of each between two
 * functions, and where things lie in an image of the standard format. For C and for assembly.
 */
#ifndef NW_COMMON_BASE_XSTATE_H
#define NW_COMMON_BASE_XSTATE_H

#define NW_XFEATURE_X87       0x1
#define NW_XFEATURE_SSE       0x2
#define NW_XFEATURE_AVX       0x4
#define NW_XFEATURE_OPMASK    0x20
#define NW_XFEATURE_ZMM_LOW   0x40 /* the upper halves of zmm0 to 15 */
#define NW_XFEATURE_ZMM_HIGH  0x80 /* zmm16 to 31 */
#define NW_XFEATURE_PKRU      0x200
#define NW_XFEATURE_TILE_CFG  0x20000
#define NW_XFEATURE_TILE_DATA 0x40000 /* the kernel gives it to who asks for it, which functions may not */
#define NW_XFEATURE_PKRU_BIT  9

/* What the gate gives back to a context that was stopped anywhere. */
#define NW_XFEATURES_KEPT                                                                             \
    (NW_XFEATURE_X87 | NW_XFEATURE_SSE | NW_XFEATURE_AVX | NW_XFEATURE_OPMASK | NW_XFEATURE_ZMM_LOW | \
     NW_XFEATURE_ZMM_HIGH)

/* What it clears on each way out. */
#define NW_XFEATURES_CLEARED (NW_XFEATURES_KEPT | NW_XFEATURE_TILE_CFG)

/* In the image: the x87 control word, then its status and tags, are at the beginning. */
#define NW_XSAVE_FSW    2
#define NW_XSAVE_MXCSR  24
#define NW_XSAVE_HEADER 512 /* begins with the features that the image holds */
#define NW_XSAVE_LEAST  576 /* with the header, and nothing behind it */

#endif
