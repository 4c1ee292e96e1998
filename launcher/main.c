/* nightward-launcher: wires the two sockets that `nightward up` left at 3 and 4 to the launcher. */
#include "common/base/log.h"
#include "common/host/spawn.h"
#include "launcher/launcher.h"
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>

#define LIFELINE_FD 3
#define CONTROL_FD  4

static int is_socket(int fd)
{
    int type;
    socklen_t length = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_SEQPACKET;
}

static void read_flags(int argc, char **argv, struct nw_users *users)
{
    const char *range = NW_USERS_DEFAULT;

    if (argc > 1 && (argc != 3 || strcmp(argv[1], "--worker-users") != 0))
        nw_die_usage(
            "unknown arguments; this program is started by `nightward up` and takes --worker-users FIRST-LAST");
    if (argc == 3)
        range = argv[2];
    if (nw_users_parse(range, users) < 0)
        nw_die_usage("--worker-users: \"%s\" does not do; give FIRST-LAST, like " NW_USERS_DEFAULT, range);
}

int main(int argc, char **argv)
{
    char worker_path[PATH_MAX];
    struct nw_launcher *launcher;
    struct nw_users users;
    int rc;

    nw_log_init("nightward-launcher", NW_LOG_INFO);
    nw_process_close();
    read_flags(argc, argv, &users);
    if (!is_socket(LIFELINE_FD) || !is_socket(CONTROL_FD))
        nw_die_usage("file descriptors 3 and 4 are not sockets; start this program by `nightward up`");
    rc = nw_program_path("nightward-worker", worker_path, sizeof worker_path);
    if (rc < 0)
        nw_die_system("cannot find nightward-worker beside this program: %s; install it there", strerror(-rc));
    launcher = nw__launcher_new(LIFELINE_FD, CONTROL_FD, worker_path, &users);
    if (!launcher)
        nw_die_system("cannot start: %s", strerror(errno));
    rc = nw__launcher_run(launcher);
    nw__launcher_free(launcher);
    return rc;
}
