/* Second threads that change what a system call was given while it is looked at (row 22 of the threats). */
#include "worker/test/attack/attack.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define TRIES    2000
#define SECRET   0x5e
#define ALLOWED  0x7f000001 /* 127.0.0.1, see attack_host.c */
#define REFUSED  0x7f000002
#define NO_FILE  0x7fffff
#define PORT     9
#define OVERLAID (sizeof(uint64_t)) /* one aligned word changes, so it is never read half changed */

/* A word that is now one thing, now another. */
struct race {
    volatile uint64_t *word;
    uint64_t values[2];
    int over, started;
    pthread_t thread;
};

static void *flip(void *argument)
{
    struct race *race = argument;

    for (unsigned i = 0; !__atomic_load_n(&race->over, __ATOMIC_RELAXED); i++) {
        *race->word = race->values[i & 1];
        __atomic_store_n(&race->started, 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static int begin(struct race *race)
{
    if (pthread_create(&race->thread, NULL, flip, race))
        return -1;
    while (!__atomic_load_n(&race->started, __ATOMIC_RELAXED))
        sched_yield();
    return 0;
}

static void end(struct race *race)
{
    __atomic_store_n(&race->over, 1, __ATOMIC_RELAXED);
    pthread_join(race->thread, NULL);
}

static uint64_t first_word(const void *of)
{
    uint64_t word;

    memcpy(&word, of, sizeof(word));
    return word;
}

static struct sockaddr_in address(uint32_t host, uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = port, .sin_addr = {htonl(host)}};
}

_Static_assert(offsetof(struct sockaddr_in, sin_addr) + sizeof(struct in_addr) == OVERLAID, "an address in one word");
_Static_assert(sizeof(struct pollfd) == OVERLAID, "an entry in one word");

/* An address that may be reached becomes one that may not. */
static const char *try_address(struct attacker *a)
{
    static struct sockaddr_in to __attribute__((aligned(8)));
    const struct sockaddr_in good = address(ALLOWED, htons(PORT)), bad = address(REFUSED, htons(PORT));
    struct race race = {.word = (uint64_t *)&to, .values = {first_word(&good), first_word(&bad)}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), wrong = 0;

    if (fd < 0 || begin(&race) < 0)
        return attack_outcome(a, -1);
    for (int i = 0; i < TRIES && !wrong; i++) {
        struct sockaddr_in peer = {0};
        socklen_t length = sizeof(peer);

        wrong = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 &&
                getpeername(fd, (struct sockaddr *)&peer, &length) == 0 && peer.sin_addr.s_addr == htonl(REFUSED);
    }
    end(&race);
    close(fd);
    return wrong ? "connected to 127.0.0.2" : "never reached";
}

/* A socket that has an address, which is `at`. */
static int receiver(struct sockaddr_in *at)
{
    const struct sockaddr_in nobody = address(ALLOWED, htons(PORT));
    socklen_t length = sizeof(*at);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || sendto(fd, "x", 1, 0, (const struct sockaddr *)&nobody, sizeof(nobody)) < 0 ||
        getsockname(fd, (struct sockaddr *)at, &length) < 0)
        return -1;
    *at = address(ALLOWED, at->sin_port);
    return fd;
}

/* Sends a message, of which something changes, to itself. */
static const char *send_changing(struct attacker *a, const struct msghdr *message, struct race *race)
{
    int from = socket(AF_INET, SOCK_DGRAM, 0), to = receiver(message->msg_name), wrong = 0;
    uint8_t byte = 0;

    if (from < 0 || to < 0 || begin(race) < 0)
        return attack_outcome(a, -1);
    for (int i = 0; i < TRIES && !wrong; i++)
        wrong = sendmsg(from, message, 0) > 0 && recv(to, &byte, 1, MSG_DONTWAIT) == 1 && byte == SECRET;
    end(race);
    close(from);
    close(to);
    return wrong ? attack_say(a, "read %#x", byte) : "never sent";
}

static char own[8];

/* A piece in its own memory becomes one in a neighbour's. */
static const char *try_pieces(struct attacker *a)
{
    static struct iovec piece;
    struct sockaddr_in at;
    const struct msghdr message = {.msg_name = &at, .msg_namelen = sizeof(at), .msg_iov = &piece, .msg_iovlen = 1};
    struct race race = {.word = (uint64_t *)&piece.iov_base, .values = {(uint64_t)own, a->arg[0]}};

    piece = (struct iovec){own, 1};
    return send_changing(a, &message, &race);
}

/* The list of pieces becomes another list. */
static const char *try_message(struct attacker *a)
{
    static struct msghdr message;
    struct iovec good = {own, 1}, bad = {(void *)a->arg[0], 1};
    struct sockaddr_in at;
    struct race race = {.word = (uint64_t *)&message.msg_iov, .values = {(uint64_t)&good, (uint64_t)&bad}};

    message = (struct msghdr){.msg_name = &at, .msg_namelen = sizeof(at), .msg_iov = &good, .msg_iovlen = 1};
    return send_changing(a, &message, &race);
}

/* A number of a file becomes one that no domain can have. */
static const char *try_poll(struct attacker *a)
{
    static struct pollfd entry __attribute__((aligned(8)));
    struct pollfd good = {.events = POLLIN}, bad = {.fd = NO_FILE, .events = POLLIN};
    struct race race = {.word = (uint64_t *)&entry};
    int ends[2];

    if (pipe(ends) < 0)
        return attack_outcome(a, -1);
    good.fd = ends[0];
    race.values[0] = first_word(&good);
    race.values[1] = first_word(&bad);
    if (begin(&race) < 0)
        return attack_outcome(a, -1);
    for (int i = 0; i < TRIES; i++)
        poll(&entry, 1, 0);
    end(&race);
    close(ends[0]);
    close(ends[1]);
    return "polled";
}

const struct attack attacks[] = {
    {"address", try_address}, {"pieces", try_pieces}, {"message", try_message}, {"poll", try_poll}, {0},
};
