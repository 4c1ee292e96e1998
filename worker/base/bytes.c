/*
 * What libc's string.h has and the monitor uses, in place of libc's: that one chooses its variants when a program
 * starts and calls them through pointers, by jumps that a predictor guesses. A function that has taught the predictor
 * another target would run there with the monitor's rights. Compiled so that no loop here is taken for a call of its
 * own name.
 */
#include <emmintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VECTOR 16
#define WHOLE  0xffffu /* a mask of as many bytes */
#define SHORT  512     /* below this a loop is faster than REP */

/* All names that one object of libc's archive defines together are here, or that object is linked as well. */
#define ALSO(name, as) __asm__(".globl " #name "\n.hidden " #name "\n.set " #name ", " #as)

static inline __m128i get(const void *at)
{
    return _mm_loadu_si128(at);
}

static inline void put(void *at, __m128i value)
{
    _mm_storeu_si128(at, value);
}

/* The same word from both ends: all is read before anything is written, so the two places may overlap. */
#define COPY_ENDS(type)                                                 \
    do {                                                                \
        type first, last;                                               \
                                                                        \
        __builtin_memcpy(&first, from, sizeof(type));                   \
        __builtin_memcpy(&last, from + n - sizeof(type), sizeof(type)); \
        __builtin_memcpy(to, &first, sizeof(type));                     \
        __builtin_memcpy(to + n - sizeof(type), &last, sizeof(type));   \
    } while (0)

/* At most 64 bytes, which may overlap. */
static inline void copy_few(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n > 2 * VECTOR) {
        __m128i a = get(from), b = get(from + VECTOR), c = get(from + n - 2 * VECTOR), d = get(from + n - VECTOR);

        put(to, a);
        put(to + VECTOR, b);
        put(to + n - 2 * VECTOR, c);
        put(to + n - VECTOR, d);
    } else if (n >= VECTOR) {
        COPY_ENDS(__m128i);
    } else if (n >= 8) {
        COPY_ENDS(uint64_t);
    } else if (n >= 4) {
        COPY_ENDS(uint32_t);
    } else if (n >= 2) {
        COPY_ENDS(uint16_t);
    } else if (n) {
        *to = *from;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if (n <= 4 * VECTOR) {
        copy_few(t, f, n);
        return to;
    }
    if (n >= SHORT) {
        __asm__ volatile("rep movsb" : "+D"(t), "+S"(f), "+c"(n) : : "memory");
        return to;
    }
    for (; n > 4 * VECTOR; n -= 2 * VECTOR, t += 2 * VECTOR, f += 2 * VECTOR) {
        put(t, get(f));
        put(t + VECTOR, get(f + VECTOR));
    }
    copy_few(t, f, n);
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    uint8_t *t = to;
    const uint8_t *f = from;

    if (n <= 4 * VECTOR) {
        copy_few(t, f, n);
    } else if ((uintptr_t)t - (uintptr_t)f >= n) { /* forwards nothing is overwritten before it is read */
        __asm__ volatile("rep movsb" : "+D"(t), "+S"(f), "+c"(n) : : "memory");
    } else {
        for (; n > 4 * VECTOR; n -= VECTOR)
            put(t + n - VECTOR, get(f + n - VECTOR));
        copy_few(t, f, n);
    }
    return to;
}

void *memset(void *to, int byte, size_t n)
{
    uint8_t *t = to;
    __m128i all = _mm_set1_epi8((char)byte);

    if (n >= SHORT) {
        __asm__ volatile("rep stosb" : "+D"(t), "+c"(n) : "a"(byte) : "memory");
        return to;
    }
    for (; n >= VECTOR; n -= VECTOR, t += VECTOR)
        put(t, all);
    while (n--)
        *t++ = (uint8_t)byte;
    return to;
}

void *mempcpy(void *restrict to, const void *restrict from, size_t n)
{
    return (uint8_t *)memcpy(to, from, n) + n;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *p = a, *q = b;

    for (; n >= VECTOR; n -= VECTOR, p += VECTOR, q += VECTOR)
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(get(p), get(q))) != WHOLE)
            break;
    for (; n; n--, p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

/* Where `byte` or the end of the text is. Reads vectors that are aligned, so none beyond the page of the end. */
static const char *find_end(const char *text, char byte)
{
    const char *at = (const char *)((uintptr_t)text & ~(uintptr_t)(VECTOR - 1));
    const __m128i all = _mm_set1_epi8(byte), zero = _mm_setzero_si128();
    unsigned skip = WHOLE << (text - at);

    for (;; at += VECTOR, skip = WHOLE) {
        __m128i some = _mm_load_si128((const __m128i *)at);
        __m128i same = _mm_or_si128(_mm_cmpeq_epi8(some, all), _mm_cmpeq_epi8(some, zero));
        unsigned found = (unsigned)_mm_movemask_epi8(same) & skip;

        if (found)
            return at + __builtin_ctz(found);
    }
}

/* As if it read one byte after the other: what is behind the one that is found may not be there. */
void *memchr(const void *in, int byte, size_t n)
{
    const uint8_t *at = (const uint8_t *)((uintptr_t)in & ~(uintptr_t)(VECTOR - 1));
    const uint8_t *end = n > UINTPTR_MAX - (uintptr_t)in ? (const uint8_t *)UINTPTR_MAX : (const uint8_t *)in + n;
    const __m128i all = _mm_set1_epi8((char)byte);
    unsigned skip = WHOLE << ((const uint8_t *)in - at);

    for (; at < end; at += VECTOR, skip = WHOLE) {
        __m128i same = _mm_cmpeq_epi8(_mm_load_si128((const __m128i *)at), all);
        unsigned found = (unsigned)_mm_movemask_epi8(same) & skip;

        if (found)
            return at + __builtin_ctz(found) < end ? (uint8_t *)(uintptr_t)at + __builtin_ctz(found) : NULL;
    }
    return NULL;
}

size_t strlen(const char *text)
{
    return (size_t)(find_end(text, '\0') - text);
}

size_t strnlen(const char *text, size_t n)
{
    const char *end = memchr(text, '\0', n);

    return end ? (size_t)(end - text) : n;
}

char *strchrnul(const char *text, int byte)
{
    return (char *)(uintptr_t)find_end(text, (char)byte);
}

char *strchr(const char *text, int byte)
{
    char *at = strchrnul(text, byte);

    return *at == (char)byte ? at : NULL;
}

char *strrchr(const char *text, int byte)
{
    const char *last = NULL;

    do
        last = *text == (char)byte ? text : last;
    while (*text++);
    return (char *)(uintptr_t)last;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; n--)
        a++, b++;
    return n ? (uint8_t)*a - (uint8_t)*b : 0;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, SIZE_MAX);
}

/* How far `text` goes in bytes that are (not) in a set. */
static size_t span(const char *text, const char *set, int in)
{
    size_t n = 0;

    while (text[n] && (strchr(set, text[n]) != NULL) == in)
        n++;
    return n;
}

size_t strspn(const char *text, const char *set)
{
    return span(text, set, 1);
}

size_t strcspn(const char *text, const char *set)
{
    return span(text, set, 0);
}

char *strstr(const char *text, const char *part)
{
    size_t length = strlen(part);

    for (; *text; text++)
        if (strncmp(text, part, length) == 0)
            return (char *)(uintptr_t)text;
    return length ? NULL : (char *)(uintptr_t)text;
}

ALSO(bcmp, memcmp);
ALSO(__mempcpy, mempcpy);
ALSO(__memchr, memchr);
ALSO(__strnlen, strnlen);
ALSO(__strchrnul, strchrnul);
ALSO(index, strchr);
ALSO(rindex, strrchr);
