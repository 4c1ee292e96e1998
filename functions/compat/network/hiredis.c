/* hiredis: commands, a pipeline and a binary value, against the Redis whose port the input is. */
#include "functions/compat/compat.h"
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

int compat_load(void)
{
    return 0;
}

static void show(redisReply *reply, FILE *out)
{
    if (!reply)
        fprintf(out, "no reply ");
    else if (reply->type == REDIS_REPLY_INTEGER)
        fprintf(out, "%lld ", reply->integer);
    else
        fprintf(out, "%s ", reply->type == REDIS_REPLY_NIL ? "nil" : reply->str);
    freeReplyObject(reply);
}

/* A thousand increments in one go, then their sum. */
static void pipeline(redisContext *redis, FILE *out)
{
    redisReply *reply = NULL;

    for (int i = 0; i < 1000; i++)
        redisAppendCommand(redis, "INCR counter");
    for (int i = 0; i < 1000; i++) {
        freeReplyObject(reply);
        reply = NULL;
        redisGetReply(redis, (void **)&reply);
    }
    show(reply, out);
}

int compat_call(const char *input, FILE *out)
{
    struct timeval patience = {.tv_sec = 5};
    redisContext *redis = redisConnectWithTimeout("127.0.0.1", atoi(input), patience);

    if (!redis || redis->err) {
        fprintf(out, "cannot connect: %s", redis ? redis->errstr : "no memory");
        redisFree(redis);
        return 0;
    }
    show(redisCommand(redis, "FLUSHALL"), out);
    show(redisCommand(redis, "SET key %b", "a\0b", (size_t)3), out);
    show(redisCommand(redis, "STRLEN key"), out);
    show(redisCommand(redis, "GET nothing"), out);
    pipeline(redis, out);
    redisFree(redis);
    return 0;
}
