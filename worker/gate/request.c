/* See request.h. */
#include "worker/gate/request.h"
#include "common/http/record.h"
#include "worker/domain/deployed.h"
#include "worker/domain/domain.h"
#include "worker/domain/slot.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ID_MOST     64  /* bytes of the id of a request */
#define NESTED_MOST 256 /* of the record of a nested call */

/* The record of a request from the ring. Once that is answered the engine may have another in its place. */
static struct nw_source own_record(const struct nw_slot *slot)
{
    return slot->from_ring && !slot->answered ? slot->request : (struct nw_source){0, 0};
}

/* The id in a record, whose first text it is: only its first bytes are looked at. Empty: there is none. */
static size_t read_id(struct nw_source record, char id[ID_MOST])
{
    char start[NW_RECORD_HEAD + NW_RECORD_OVERHEAD + ID_MOST];
    uint32_t length;

    record.length = record.length < sizeof(start) ? record.length : sizeof(start);
    if (record.length < NW_RECORD_HEAD + NW_RECORD_OVERHEAD || nw_source_read(start, record) < 0)
        return 0;
    memcpy(&length, start + NW_RECORD_HEAD, sizeof(length));
    if (length > record.length - NW_RECORD_HEAD - NW_RECORD_OVERHEAD)
        return 0;
    memcpy(id, start + NW_RECORD_HEAD + sizeof(length), length);
    return length;
}

/* A nested call has a record that is made here: of whose request it is a part, and who calls. */
static size_t write_nested(const struct nw_slot *slot, char *at)
{
    const char *const caller = slot->caller->domain->function->name;
    const struct nw_slot *first = slot->caller;
    struct nw_record_writer writer;
    char id[ID_MOST];

    while (first->caller)
        first = first->caller;
    nw_record_begin(&writer, at, NESTED_MOST);
    nw_record_add(&writer, id, read_id(own_record(first), id));
    nw_record_add(&writer, caller, strlen(caller));
    nw_record_add(&writer, "POST", strlen("POST"));
    for (unsigned i = NW_REQUEST_METHOD + 1; i < NW_REQUEST_TEXTS; i++)
        nw_record_add(&writer, "", 0);
    return nw_record_end(&writer, 0);
}

long nw__request_read(struct nw_slot *slot, uint32_t from, struct nw_sink to)
{
    char nested[NESTED_MOST];
    struct nw_source record = {0, 0}, piece;
    int error;

    if (!(slot->sequence & 1))
        return -ENODATA;
    record = slot->caller ? (struct nw_source){(uint64_t)nested, write_nested(slot, nested)} : own_record(slot);
    if (!record.length)
        return -ENODATA;
    const uint64_t skipped = nw_index(from < record.length ? from : record.length, record.length + 1);

    piece = (struct nw_source){record.at + skipped, record.length - skipped};
    piece.length = piece.length < to.size ? piece.length : to.size;
    piece.length = piece.length < NW_REQUEST_PIECE ? piece.length : NW_REQUEST_PIECE;
    error = nw_sink_copy(to, piece);
    return error ? error : (long)record.length;
}

long nw__answer_take(struct nw_slot *slot, struct nw_source record)
{
    char copy[NW_ANSWER_MAX];
    int error = nw_source_read(copy, record);

    if (error)
        return error;
    if (!(slot->sequence & 1))
        return -ENODATA;
    if (!slot->from_ring) /* of a nested call only the output goes anywhere */
        return 0;
    if (!slot->answer)
        slot->answer = malloc(NW_ANSWER_MAX);
    if (!slot->answer)
        return -ENOMEM;
    slot->answer_length = (uint32_t)record.length;
    memcpy(slot->answer, copy, slot->answer_length);
    return 0;
}
