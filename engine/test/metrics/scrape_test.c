/* What /metrics says while functions come and go, and how it is sent: a whole engine, whose clients are the test. */
#include "common/test/test.h"
#include "engine/fuzz/world.h"
#include "engine/metrics/scrape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS  99 /* more than goes out at once */
#define NAMES_SIZE (FUNCTIONS * 8)

static const char get[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n";
static const char last_chunk[] = "\r\n0\r\n\r\n";

static void deploy_all(struct world *world)
{
    for (unsigned i = 0; i < FUNCTIONS; i++) {
        char name[16];
        snprintf(name, sizeof name, "f%02u", i);
        world_deploy(world, name, "x");
    }
    world_turn(world, 1);
}

/* Adds the function that a line is of, unless the line before was of it. */
static void add_name(char *names, const char *line)
{
    static const char mark[] = "{function=\"";
    const char *end = strchr(line, '\n'), *at = strstr(line, mark);
    char name[16];
    if (!at || at > end)
        return;
    at += strlen(mark);
    int length = snprintf(name, sizeof name, "%.*s ", (int)strcspn(at, "\""), at);
    size_t all = strlen(names);
    assert_true(all + sizeof name < NAMES_SIZE);
    if (all < (size_t)length || strcmp(names + all - (size_t)length, name))
        strcpy(names + all, name);
}

/* Each metric is told of once, its lines stand together, and all that have functions have the same. */
static void expect_sound(const char *text, char *names)
{
    char metric[128] = "", told[8192] = " ", of_metric[NAMES_SIZE] = "";
    *names = '\0';
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        assert_non_null(strchr(line, '\n'));
        if (!strncmp(line, "# HELP ", 7)) {
            if (*of_metric && *names)
                assert_string_equal(of_metric, names);
            if (*of_metric)
                strcpy(names, of_metric);
            *of_metric = '\0';
            snprintf(metric, sizeof metric, "%.*s", (int)strcspn(line + 7, " "), line + 7);
            assert_true(strlen(told) + strlen(metric) + 2 < sizeof told);
            char once[160];
            snprintf(once, sizeof once, " %s ", metric);
            assert_null(strstr(told, once));
            strcat(strcat(told, metric), " ");
        } else if (*line != '#') {
            assert_memory_equal(line, metric, strlen(metric));
            add_name(of_metric, line);
        }
    }
    assert_non_null(strstr(told, " process_start_time_seconds "));
}

static void remove_while_drawn(struct world *world, unsigned step)
{
    static const char *const gone[] = {[3] = "f00", [4] = "f03", [5] = "f20", [6] = "f05", [90] = "f30", [95] = "f31"};
    if (step < sizeof gone / sizeof gone[0] && gone[step])
        world_remove(world, gone[step]);
    if (step == 7)
        world_deploy(world, "f055", "x");
    world_turn_once(world, 1);
}

static void draw(struct world *world, void *arg)
{
    struct nw_buffer text = {0};
    char names[NAMES_SIZE];
    unsigned steps = 0;
    (void)arg;
    deploy_all(world);
    struct nw_scrape *scrape = nw_scrape_new(&world->controller);
    int rc;
    while ((rc = nw_scrape_step(scrape, &text)) > 0)
        remove_while_drawn(world, ++steps);
    nw_scrape_free(scrape);
    assert_int_equal(rc, 0);
    assert_true(steps > 100);
    assert_int_equal(nw_buffer_append(&text, "", 1), 0);
    expect_sound(text.data, names);
    assert_non_null(strstr(names, "echo f00 f01 ")); /* they were there when it was looked */
    assert_non_null(strstr(names, "f19 f21 "));
    assert_non_null(strstr(names, "f29 f30 f31 f32 "));
    assert_non_null(strstr(names, "f58 f59 "));
    nw_buffer_fini(&text);
}

static void functions_may_go_between_steps(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, false, draw, NULL);
}

static struct fake_client *ask(struct world *world, const char *request, enum fake_write mode)
{
    struct fake_client *client = fake_connect(world->engine->io, WORLD_ADMIN);
    fake_writes(client, mode);
    world_turn(world, 1);
    fake_send(client, request, strlen(request));
    world_turn(world, 1);
    return client;
}

/* What the client has, as text. */
static char *received(const struct fake_client *client)
{
    const struct nw_buffer *bytes = fake_received(client);
    char *text = calloc(1, bytes->length + 1);
    assert_non_null(text);
    if (bytes->length)
        memcpy(text, bytes->data, bytes->length);
    return text;
}

/* Takes the chunks of a body together, in place. What is behind them. */
static const char *unchunk(char *body)
{
    char *at = body, *to = body, *data;
    unsigned n = 0;
    for (size_t length; (length = strtoul(at, &data, 16)); n++) {
        assert_memory_equal(data, "\r\n", 2);
        memmove(to, data + 2, length);
        to += length;
        at = data + 2 + length;
        assert_memory_equal(at, "\r\n", 2);
        at += 2;
    }
    assert_memory_equal(at, "0\r\n\r\n", 5);
    assert_true(n > 1);
    *to = '\0';
    return at + 5;
}

static void expect_chunks(struct world *world)
{
    static const char both[] = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\nGET /v1/none HTTP/1.1\r\nHost: a\r\n\r\n";
    char names[NAMES_SIZE];
    struct fake_client *client = ask(world, both, FAKE_WRITE_NOW);
    char *text = received(client), *body = strstr(text, "\r\n\r\n") + 4;
    const char *chunked = strstr(text, "\r\nTransfer-Encoding: chunked\r\n");
    assert_true(chunked && chunked < body && !strstr(text, "Content-Length: 0"));
    const char *next = unchunk(body);
    expect_sound(body, names);
    assert_memory_equal(next, "HTTP/1.1 404 ", 13); /* the answer behind it */
    free(text);
    fake_disconnect(client);
}

static void expect_without_chunks(struct world *world)
{
    char names[NAMES_SIZE];
    struct fake_client *client = ask(world, "GET /metrics HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", FAKE_WRITE_NOW);
    char *text = received(client), *body = strstr(text, "\r\n\r\n") + 4;
    assert_null(strstr(text, "Transfer-Encoding"));
    assert_null(strstr(text, "Content-Length"));
    assert_non_null(strstr(text, "\r\nConnection: close\r\n"));
    expect_sound(body, names);
    assert_false(fake_is_open(client));
    free(text);
    fake_disconnect(client);
}

static void expect_head_only(struct world *world)
{
    struct fake_client *client = ask(world, "HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", FAKE_WRITE_NOW);
    char *text = received(client);
    assert_string_equal(strstr(text, "\r\n\r\n"), "\r\n\r\n");
    assert_true(fake_is_open(client));
    free(text);
    fake_disconnect(client);
}

static void send_in_pieces(struct world *world, void *arg)
{
    (void)arg;
    deploy_all(world);
    expect_chunks(world);
    expect_without_chunks(world);
    expect_head_only(world);
    world_turn(world, 1);
    assert_int_equal(world->controller.scrapes, 0);
}

static void it_is_sent_in_pieces(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, false, send_in_pieces, NULL);
}

static void read_slowly(struct world *world, void *arg)
{
    struct fake_client *slow[4];
    (void)arg;
    deploy_all(world);
    for (int i = 0; i < 4; i++)
        slow[i] = ask(world, get, FAKE_WRITE_LATER);
    assert_int_equal(world->controller.scrapes, 4);
    struct fake_client *refused = ask(world, get, FAKE_WRITE_NOW);
    char *text = received(refused);
    assert_memory_equal(text, "HTTP/1.1 503 ", 13);
    free(text);
    fake_disconnect(refused);
    fake_disconnect(slow[0]);
    world_turn(world, 1);
    assert_int_equal(world->controller.scrapes, 3);
    world_turn(world, 29000);
    fake_writes(slow[1], FAKE_WRITE_NOW); /* it reads again, too late for a whole text */
    world_turn(world, 2000);
    assert_false(fake_is_open(slow[1]));
    assert_true(fake_received(slow[1])->length > 1000);
    text = received(slow[1]);
    assert_null(strstr(text, last_chunk));
    free(text);
    assert_false(fake_is_open(slow[2]));
    world_turn(world, 1);
    assert_int_equal(world->controller.scrapes, 0);
    for (int i = 1; i < 4; i++)
        fake_disconnect(slow[i]);
}

static void who_does_not_read_holds_up_few(void **state)
{
    (void)state;
    world_run(NW_MODE_MPK, 1, false, read_slowly, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_may_go_between_steps),
        cmocka_unit_test(it_is_sent_in_pieces),
        cmocka_unit_test(who_does_not_read_holds_up_few),
    };
    return cmocka_run_group_tests_name("engine/scrape", tests, NULL, NULL);
}
