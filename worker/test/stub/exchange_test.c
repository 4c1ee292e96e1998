/* What a func worker learns of its request, and what becomes of its answer where memory is short: the stub's exchange.c
 * with a gate that is played here. */
#include "common/test/test.h"
#include "worker/base/ops.h"
#include "worker/stub/exchange.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char stored[1 << 16];
static size_t stored_length, answers;
static long refusal; /* what the gate says to an answer */
static bool no_memory;
static size_t read_texts;

#define NW_WORKER_STUB_GATE_H /* in place of the real one */

static long nw__gate_call(uint32_t op, uint32_t scalar, const void *a1, uint64_t a2, const void *a3, uint64_t a4,
                          uint64_t *second)
{
    const size_t left = stored_length - scalar, piece = left < NW_REQUEST_PIECE ? left : NW_REQUEST_PIECE;

    (void)a3;
    (void)a4;
    (void)second;
    if (op == NW_OP_ANSWER) {
        answers++;
        return refusal;
    }
    assert_int_equal(op, NW_OP_REQUEST);
    memcpy((void *)a1, stored + scalar, piece < a2 ? piece : a2);
    return (long)stored_length;
}

static void *scarce(size_t size)
{
    return no_memory ? NULL : malloc(size);
}

static const char *counted_next(struct nw_record *from, size_t *length)
{
    read_texts++;
    return nw_record_next(from, length);
}

#define malloc         scarce
#define nw_record_next counted_next
#include "worker/stub/exchange.c"
#undef malloc
#undef nw_record_next

/* ---- */

#define FIELDS 200

static void make_request(void)
{
    struct nw_record_writer writer;
    char text[32];

    nw_record_begin(&writer, stored, sizeof(stored));
    for (unsigned i = 0; i < NW_REQUEST_TEXTS; i++)
        assert_true(nw_record_add(&writer, "GET", 3));
    for (unsigned i = 0; i < FIELDS; i++) {
        snprintf(text, sizeof(text), "name%u", i);
        assert_true(nw_record_add(&writer, text, strlen(text)));
        assert_true(nw_record_add(&writer, text + 4, strlen(text + 4)));
    }
    stored_length = nw_record_end(&writer, 0);
}

static void is_header(size_t i)
{
    const char *name, *value;
    char expected[32];

    snprintf(expected, sizeof(expected), "name%zu", i);
    assert_int_equal(nw_request_header_at(i, &name, &value), 0);
    assert_string_equal(name, expected);
    assert_string_equal(value, expected + 4);
}

static void headers_come_in_any_order(void **state)
{
    struct nw__exchange x = {0};
    const char *name, *value;

    (void)state;
    make_request();
    nw__exchange_own(&x);
    for (int turn = 0; turn < 2; turn++) {
        is_header(7);
        is_header(7);
        is_header(3);
        assert_int_equal(nw_request_header_at(FIELDS, &name, &value), -1);
        is_header(FIELDS - 1);
        assert_int_equal(nw_request_header_at(FIELDS + 9, &name, &value), -1);
        is_header(0);
        assert_int_equal(nw__exchange_end(&x), 0);
    }
    nw__exchange_fini(&x);
}

static void all_headers_are_read_once(void **state)
{
    struct nw__exchange x = {0};

    (void)state;
    make_request();
    nw__exchange_own(&x);
    read_texts = 0;
    for (size_t i = 0; i < FIELDS; i++)
        is_header(i);
    assert_int_equal(read_texts, NW_REQUEST_TEXTS + 2 * FIELDS);
    nw__exchange_end(&x);
    nw__exchange_fini(&x);
}

static void an_answer_that_the_gate_does_not_take_is_an_error(void **state)
{
    struct nw__exchange x = {0};

    (void)state;
    nw__exchange_own(&x);
    answers = 0;
    assert_int_equal(nw_answer_status(403), 0);
    refusal = -ENOMEM;
    assert_int_equal(nw__exchange_end(&x), -ENOMEM);
    refusal = 0;
    assert_int_equal(nw__exchange_end(&x), 0); /* the next invocation says nothing */
    assert_int_equal(nw_answer_status(403), 0);
    assert_int_equal(nw__exchange_end(&x), 0);
    assert_int_equal(answers, 2);
    nw__exchange_fini(&x);
}

static void a_status_for_which_there_is_no_memory_is_an_error(void **state)
{
    struct nw__exchange x = {0};

    (void)state;
    nw__exchange_own(&x);
    no_memory = true;
    assert_int_equal(nw_answer_status(403), -1);
    no_memory = false;
    assert_int_equal(nw__exchange_end(&x), -ENOMEM);
    assert_int_equal(nw__exchange_end(&x), 0);
    nw__exchange_fini(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_come_in_any_order),
        cmocka_unit_test(all_headers_are_read_once),
        cmocka_unit_test(an_answer_that_the_gate_does_not_take_is_an_error),
        cmocka_unit_test(a_status_for_which_there_is_no_memory_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
