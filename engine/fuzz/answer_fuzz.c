/*
 * What functions say of their answers: whatever is taken is a block of header lines that llhttp reads as that many
 * fields, none of which says how long the answer is or what becomes of the connection.
 */
#include "common/test/fuzz.h"
#include "engine/http/syntax/answer.h"
#include <llhttp.h>
#include <string.h>

static int count(llhttp_t *llhttp)
{
    ++*(unsigned *)llhttp->data;
    return 0;
}

static int stop(llhttp_t *llhttp)
{
    (void)llhttp;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {.on_header_value_complete = count, .on_headers_complete = stop};

/* The fields behind a status line, as a client reads them. */
static void read_back(const struct nw_http_answer_head *head, unsigned n)
{
    static const char status[] = "HTTP/1.1 200 OK\r\n";
    char text[sizeof status + NW_ANSWER_MAX + 2];
    size_t length = sizeof status - 1;
    unsigned fields = 0;
    llhttp_t llhttp;

    memcpy(text, status, length);
    memcpy(text + length, head->fields, head->length);
    memcpy(text + length + head->length, "\r\n", 2);
    llhttp_init(&llhttp, HTTP_RESPONSE, &settings);
    llhttp.data = &fields;
    NW_FUZZ_CHECK(llhttp_execute(&llhttp, text, length + head->length + 2) == HPE_PAUSED);
    NW_FUZZ_CHECK(fields == n);
    NW_FUZZ_CHECK(
        !(llhttp.flags & (F_CHUNKED | F_CONTENT_LENGTH | F_TRANSFER_ENCODING | F_CONNECTION_CLOSE | F_UPGRADE)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct nw_http_answer_head head = {.cors_left_out = false};
    struct nw_record record;
    const char *wrong = nw_http_answer_head(&head, (const char *)data, size);

    NW_FUZZ_CHECK(head.length <= sizeof head.fields);
    if (wrong)
        return 0;
    NW_FUZZ_CHECK(nw_record_open(&record, (const char *)data, size) == 0);
    NW_FUZZ_CHECK(!head.status || (head.status >= 200 && head.status <= 599));
    read_back(&head, record.left / 2);
    return 0;
}
