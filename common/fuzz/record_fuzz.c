/* Records: whatever opens is read within its bounds, text by text, and written again it is the same. */
#include "common/http/record.h"
#include "common/test/fuzz.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data, *text;
    char *again = malloc(size + NW_RECORD_HEAD);
    struct nw_record record;
    struct nw_record_writer writer;
    size_t length;

    if (again && nw_record_open(&record, bytes, size) == 0) {
        nw_record_begin(&writer, again, size);
        while ((text = nw_record_next(&record, &length))) {
            NW_FUZZ_CHECK(text >= bytes && length < (size_t)(bytes + size - text) && strlen(text) == length);
            NW_FUZZ_CHECK(nw_record_add(&writer, text, length));
        }
        NW_FUZZ_CHECK(!record.left);
        NW_FUZZ_CHECK(nw_record_end(&writer, record.status) == size && !memcmp(again, bytes, size));
    }
    free(again);
    return 0;
}
