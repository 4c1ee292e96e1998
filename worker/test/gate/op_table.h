/* The table of ops.h as data, for the tests that are made from it. */
#ifndef NW_WORKER_TEST_UNIT_OP_TABLE_H
#define NW_WORKER_TEST_UNIT_OP_TABLE_H

#include "common/manifest/manifest.h"
#include "protect/rewrite/shortcut.h"
#include "worker/base/ops.h"
#include <stdint.h>

enum op_kind {
    OP_NONE,
    OP_ANY,
    OP_FLAG,
    OP_ROUTE,
    OP_SOURCE,
    OP_OVERLONG,
    OP_SINK,
    OP_NAME,
    OP_TEXT,
    OP_RECORD,
    OP_UNUSED
};

struct op_argument {
    enum op_kind kind;
    const char *name;
    uint64_t max; /* of its length */
};

struct op_row {
    const char *name;
    uint32_t number;
    struct op_argument scalar, pairs[2];
    const char *what;
};

/* clang-format off */
#define OP_ROW_NONE                {OP_NONE, "", 0}
#define OP_ROW_ANY(name)           {OP_ANY, #name, 0}
#define OP_ROW_FLAG(name)          {OP_FLAG, #name, 0}
#define OP_ROW_ROUTE(name)         {OP_ROUTE, #name, 0}
#define OP_ROW_SOURCE(name, max)   {OP_SOURCE, #name, max}
#define OP_ROW_OVERLONG(name, max) {OP_OVERLONG, #name, max}
#define OP_ROW_SINK(name)          {OP_SINK, #name, UINT64_MAX}
#define OP_ROW_NAME(name)          {OP_NAME, #name, NW_NAME_MAX}
#define OP_ROW_UNUSED              {OP_UNUSED, "", 0}
#define OP_ROW_RECORD(name, type)  {OP_RECORD, #name, sizeof(type)}
#define OP_ROW_TEXT(name, max)     {OP_TEXT, #name, max}
#define OP_ROW(path, NAME, handler, scalar, first, second, what) \
    {#NAME, NW_OP_##NAME, OP_ROW_##scalar, {OP_ROW_##first, OP_ROW_##second}, what},
/* clang-format on */

static const struct op_row op_rows[] = {NW_OPS(OP_ROW)};

#endif
