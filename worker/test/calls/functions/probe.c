/*
 * A function that does what its input says, to see what its profile lets it do: a command and its arguments, separated
 * by spaces. The answer is the name of the error, or "ok", or what was read.
 */
#include "protect/gate/gate.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <faas/worker_v1_interface.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS 4
#define TEXT      512

struct probe {
    void *context;
    faas_append_output_fn_t append;
    char *argument[ARGUMENTS];
    char text[TEXT];
};

typedef const char *command(struct probe *p);

static const char *outcome(long result)
{
    return result < 0 ? strerrorname_np(errno) : "ok";
}

static const char *do_open(struct probe *p)
{
    return outcome(open(p->argument[0], p->argument[1] ? (int)strtol(p->argument[1], NULL, 8) : O_RDONLY, 0600));
}

static const char *read_all(struct probe *p, int fd)
{
    ssize_t n = fd < 0 ? -1 : read(fd, p->text, TEXT - 1);

    if (n < 0)
        return outcome(-1);
    p->text[n] = '\0';
    close(fd);
    return p->text;
}

static const char *do_read(struct probe *p)
{
    return read_all(p, open(p->argument[0], O_RDONLY));
}

static const char *do_read_at(struct probe *p)
{
    int dir = open(p->argument[0], O_RDONLY | O_DIRECTORY);

    return dir < 0 ? outcome(-1) : read_all(p, openat(dir, p->argument[1], O_RDONLY));
}

static const char *do_write(struct probe *p)
{
    int fd = open(p->argument[0], O_WRONLY | O_CREAT | O_TRUNC, 04755);

    if (fd < 0 || write(fd, p->argument[1], strlen(p->argument[1])) < 0 || fsync(fd) < 0)
        return outcome(-1);
    return outcome(close(fd));
}

static const char *do_stat(struct probe *p)
{
    struct stat st;

    if (lstat(p->argument[0], &st) < 0)
        return outcome(-1);
    snprintf(p->text, TEXT, "%o %ld", st.st_mode, (long)st.st_size);
    return p->text;
}

static const char *do_access(struct probe *p)
{
    return outcome(access(p->argument[0], W_OK));
}

static const char *do_readlink(struct probe *p)
{
    ssize_t n = readlink(p->argument[0], p->text, TEXT - 1);

    if (n < 0)
        return outcome(-1);
    p->text[n] = '\0';
    return p->text;
}

static const char *do_mkdir(struct probe *p)
{
    return outcome(mkdir(p->argument[0], 0755));
}

static const char *do_rmdir(struct probe *p)
{
    return outcome(rmdir(p->argument[0]));
}

static const char *do_unlink(struct probe *p)
{
    return outcome(unlink(p->argument[0]));
}

/* The monitor has looked at a page of the function's own words before it looks at the name. */
static const char *do_unlink_after_poll(struct probe *p)
{
    struct pollfd fds[256];

    memset(fds, 0xa5, sizeof(fds));
    poll(fds, 256, 0);
    return outcome(unlink(p->argument[0]));
}

static const char *do_rename(struct probe *p)
{
    return outcome(rename(p->argument[0], p->argument[1]));
}

static const char *do_symlink(struct probe *p)
{
    return outcome(symlink(p->argument[0], p->argument[1]));
}

static const char *do_list(struct probe *p)
{
    DIR *dir = opendir(p->argument[0]);
    int n = 0;

    if (!dir)
        return outcome(-1);
    while (readdir(dir))
        n++;
    closedir(dir);
    snprintf(p->text, TEXT, "%d", n);
    return p->text;
}

static const char *do_share(struct probe *p)
{
    int fd = open(p->argument[0], O_RDWR);
    void *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    return outcome(at == MAP_FAILED ? -1 : 0);
}

/* A file that is all hole, as code. */
static const char *do_map_hole(struct probe *p)
{
    long size = strtol(p->argument[1], NULL, 10) << 20;
    int fd = open(p->argument[0], O_RDWR | O_CREAT, 0600);

    if (fd < 0 || ftruncate(fd, size) < 0)
        return outcome(-1);
    return outcome(mmap(NULL, (size_t)size, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1 : 0);
}

/* A socket is nothing to map. What lies there must stay: without it there is room for the monitor's own memory. */
static const char *do_map_socket(struct probe *p)
{
    volatile char *at = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int fd = socket(AF_INET, (int)strtol(p->argument[0], NULL, 10), 0);

    *at = 1;
    if (fd < 0 || mmap((void *)at, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) != MAP_FAILED)
        return "mapped";
    return *at ? outcome(-1) : "emptied";
}

static struct sockaddr_in address(const struct probe *p)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(p->argument[1]))};

    inet_pton(AF_INET, p->argument[0], &a.sin_addr);
    return a;
}

static int connected(struct probe *p)
{
    struct sockaddr_in a = address(p);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    return fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : fd;
}

/* To the same address by its IPv6 form. */
static const char *do_tcp6(struct probe *p)
{
    struct sockaddr_in a = address(p);
    struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_port = a.sin_port};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);

    b.sin6_addr.s6_addr[10] = b.sin6_addr.s6_addr[11] = 0xff;
    memcpy(b.sin6_addr.s6_addr + 12, &a.sin_addr, 4);
    return outcome(fd < 0 ? -1 : connect(fd, (struct sockaddr *)&b, sizeof(b)));
}

static const char *do_connect(struct probe *p)
{
    return outcome(connected(p));
}

/* Sends a text in two pieces and waits for the answer. */
static const char *do_tcp(struct probe *p)
{
    struct iovec pieces[2] = {{"> ", 2}, {p->argument[2], strlen(p->argument[2])}};
    struct msghdr message = {.msg_iov = pieces, .msg_iovlen = 2};
    int fd = connected(p);
    ssize_t n;

    if (fd < 0 || sendmsg(fd, &message, 0) < 0)
        return outcome(-1);
    n = recv(fd, p->text, TEXT - 1, 0);
    if (n < 0)
        return outcome(-1);
    p->text[n] = '\0';
    close(fd);
    return p->text;
}

static const char *do_udp(struct probe *p)
{
    struct sockaddr_in a = address(p);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    return outcome(fd < 0 ? -1 : sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)));
}

static const char *do_udp_message(struct probe *p)
{
    struct sockaddr_in a = address(p);
    struct iovec piece = {"x", 1};
    struct msghdr message = {.msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &piece, .msg_iovlen = 1};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    return outcome(fd < 0 ? -1 : sendmsg(fd, &message, 0));
}

/* A datagram without a family is one of IPv4 for the kernel. */
static const char *do_udp_unspecified(struct probe *p)
{
    struct sockaddr_in a = address(p);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    a.sin_family = AF_UNSPEC;
    return outcome(fd < 0 ? -1 : sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof(a)));
}

/* Waits in epoll for what the peer sends. */
static const char *do_epoll(struct probe *p)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 77};
    int fd = connected(p), events = epoll_create1(EPOLL_CLOEXEC);

    if (fd < 0 || events < 0 || epoll_ctl(events, EPOLL_CTL_ADD, fd, &event) < 0)
        return outcome(-1);
    event.data.u64 = 0;
    if (epoll_wait(events, &event, 1, -1) != 1 || event.data.u64 != 77)
        return "no event";
    return read_all(p, fd);
}

static const char *do_epoll_timeout(struct probe *p)
{
    struct epoll_event event;
    int events = epoll_create1(0), n = epoll_wait(events, &event, 1, 20);

    (void)p;
    return n == 0 ? "ok" : outcome(n);
}

static const char *do_option(struct probe *p)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

    return outcome(fd < 0 ? -1 : setsockopt(fd, atoi(p->argument[0]), atoi(p->argument[1]), &one, sizeof(one)));
}

static const char *do_socket(struct probe *p)
{
    return outcome(socket(atoi(p->argument[0]), atoi(p->argument[1]), atoi(p->argument[2])));
}

/* Says something from one end of a pair to the other, and then tries to send a file along. */
static const char *do_pair(struct probe *p)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr head;
    } control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec piece = {"x", 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    int ends[2];

    if (socketpair(AF_UNIX, atoi(p->argument[0]), 0, ends) < 0)
        return outcome(-1);
    if (send(ends[0], "a", 1, 0) != 1 || write(ends[1], "b", 1) != 1 || read(ends[1], p->text, 1) != 1 ||
        recv(ends[0], p->text + 1, 1, 0) != 1)
        return outcome(-1);
    snprintf(p->text + 2, TEXT - 2, " %s", outcome(sendmsg(ends[0], &message, 0)));
    close(ends[0]);
    close(ends[1]);
    return p->text;
}

static const char *do_send_flags(struct probe *p)
{
    int fd = connected(p);

    return outcome(fd < 0 ? -1 : send(fd, "x", 1, atoi(p->argument[2])));
}

/* Control data, like a descriptor that goes along. */
static const char *do_send_control(struct probe *p)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr head;
    } control = {.head = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
    struct iovec piece = {"x", 1};
    struct msghdr message = {
        .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
    int fd = connected(p);

    return outcome(fd < 0 ? -1 : sendmsg(fd, &message, 0));
}

static const char *do_lookup(struct probe *p)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;

    int error = getaddrinfo(p->argument[0], NULL, &hints, &found);

    if (error) {
        snprintf(p->text, TEXT, "%s, %s", gai_strerror(error), strerrorname_np(errno));
        return p->text;
    }
    inet_ntop(AF_INET, &((struct sockaddr_in *)(void *)found->ai_addr)->sin_addr, p->text, TEXT);
    freeaddrinfo(found);
    return p->text;
}

static const char *do_dlopen(struct probe *p)
{
    return dlopen(p->argument[0], RTLD_NOW) ? "ok" : "refused";
}

static void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
    return NULL;
}

static const char *do_threads(struct probe *p)
{
    int made = 0, error = 0;

    while (made < 200 && error == 0) {
        pthread_attr_t attr;
        pthread_t thread;

        pthread_attr_init(&attr);
        pthread_attr_setstacksize(&attr, 64 << 10);
        error = pthread_create(&thread, &attr, wait_for_ever, NULL);
        made += error == 0;
    }
    snprintf(p->text, TEXT, "%d %s", made, error ? strerrorname_np(error) : "without end");
    return p->text;
}

static void *come_and_go(void *count)
{
    __atomic_fetch_add((int *)count, 1, __ATOMIC_RELAXED);
    return NULL;
}

/* One after the other: each makes room for the next. */
static const char *do_threads_in_turn(struct probe *p)
{
    int count = 0;

    for (int i = 0; i < 100; i++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, come_and_go, &count) == 0)
            pthread_join(thread, NULL);
    }
    snprintf(p->text, TEXT, "%d", count);
    return p->text;
}

/* Without keys the selector of Syscall User Dispatch can be written: this call goes straight to the kernel. */
static long unmediated(long number, const uint64_t args[3])
{
    long result;

    __asm__ volatile(
        "movb %[allow], %%gs:%c[selector]\n\t"
        "syscall\n\t"
        "movb %[block], %%gs:%c[selector]"
        : "=a"(result)
        : "a"(number), "D"(args[0]), "S"(args[1]),
          "d"(args[2]), [allow] "i"(NW_SELECTOR_ALLOW), [block] "i"(NW_SELECTOR_BLOCK), [selector] "i"(NW_PAGE_SELECTOR)
        : "rcx", "r11", "memory");
    return result;
}

/* Number and three arguments, each hexadecimal, or a path. */
static const char *do_unmediated(struct probe *p)
{
    uint64_t args[3] = {0};
    long result;

    for (int i = 0; i < 3 && p->argument[i + 1]; i++)
        args[i] = p->argument[i + 1][0] == '/' ? (uint64_t)p->argument[i + 1] : strtoul(p->argument[i + 1], NULL, 16);
    result = unmediated((long)strtoul(p->argument[0], NULL, 16), args);
    if (result < 0)
        return strerrorname_np((int)-result);
    snprintf(p->text, TEXT, "%ld", result);
    return p->text;
}

static const char *do_abort(struct probe *p)
{
    (void)p;
    abort();
}

static const struct {
    const char *name;
    command *run;
} commands[] = {
    {"open", do_open},
    {"read", do_read},
    {"read-at", do_read_at},
    {"write", do_write},
    {"stat", do_stat},
    {"access", do_access},
    {"readlink", do_readlink},
    {"mkdir", do_mkdir},
    {"rmdir", do_rmdir},
    {"unlink", do_unlink},
    {"unlink-after-poll", do_unlink_after_poll},
    {"rename", do_rename},
    {"symlink", do_symlink},
    {"list", do_list},
    {"share", do_share},
    {"map-socket", do_map_socket},
    {"map-hole", do_map_hole},
    {"connect", do_connect},
    {"tcp", do_tcp},
    {"tcp6", do_tcp6},
    {"udp", do_udp},
    {"udp-message", do_udp_message},
    {"udp-unspecified", do_udp_unspecified},
    {"epoll", do_epoll},
    {"epoll-timeout", do_epoll_timeout},
    {"option", do_option},
    {"socket", do_socket},
    {"pair", do_pair},
    {"send-flags", do_send_flags},
    {"send-control", do_send_control},
    {"lookup", do_lookup},
    {"dlopen", do_dlopen},
    {"unmediated", do_unmediated},
    {"abort", do_abort},
    {"threads", do_threads},
    {"threads-in-turn", do_threads_in_turn},
};

int faas_init(void)
{
    tzset(); /* reads a file: it is not loaded yet */
    return open("/etc/ld.so.cache", O_RDONLY) < 0;
}

int faas_create_func_worker(void *context, faas_invoke_func_fn_t invoke, faas_append_output_fn_t append, void **handle)
{
    struct probe *p = calloc(1, sizeof(*p));

    (void)invoke;
    *handle = p;
    if (!p)
        return -1;
    p->context = context;
    p->append = append;
    return 0;
}

int faas_destroy_func_worker(void *handle)
{
    free(handle);
    return 0;
}

int faas_func_call(void *handle, const char *input, size_t length)
{
    struct probe *p = handle;
    char copy[TEXT], *rest = copy;
    const char *name, *answer = "no such command";

    snprintf(copy, sizeof(copy), "%.*s", (int)length, input);
    name = strsep(&rest, " ");
    for (int i = 0; i < ARGUMENTS; i++)
        p->argument[i] = strsep(&rest, " ");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        if (strcmp(commands[i].name, name) == 0)
            answer = commands[i].run(p);
    p->append(p->context, answer, strlen(answer));
    return 0;
}
