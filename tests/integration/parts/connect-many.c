/* SPDX-License-Identifier: GPL-3.0-or-later */
/* connect-many PATH N EACH: connects N times to a unix socket, by processes of their own that make
 * EACH connections, and sends the sockets to standard output, a unix socket. A process that shares
 * its memory with this one costs little, so that thousands are made in no time. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define EACH_MAX   16
#define STACK_SIZE 65536

typedef struct Task {
    struct sockaddr_un address;
    int n;
} Task;

static int connect_and_send(void *arg)
{
    const Task *task = arg;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(EACH_MAX * sizeof(int))];
    } control = { 0 };
    char byte = 'x';
    struct iovec data = { .iov_base = &byte, .iov_len = 1 };
    struct msghdr message = { .msg_iov = &data,
                              .msg_iovlen = 1,
                              .msg_control = &control,
                              .msg_controllen = CMSG_SPACE((size_t)task->n * sizeof(int)) };
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN((size_t)task->n * sizeof(int));
    for (int i = 0; i < task->n; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (const struct sockaddr *)&task->address, sizeof(task->address)))
            _exit(1);
        memcpy(CMSG_DATA(header) + (size_t)i * sizeof(int), &fd, sizeof(fd));
    }
    _exit(sendmsg(STDOUT_FILENO, &message, 0) == 1 ? 0 : 1);
}

int main(int argc, char **argv)
{
    static char stack[STACK_SIZE] __attribute__((aligned(16)));
    Task task = { .address.sun_family = AF_UNIX };
    long n = argc == 4 ? strtol(argv[2], NULL, 10) : 0,
         each = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    int status;

    if (n < 1 || each < 1 || each > EACH_MAX)
        return EXIT_FAILURE;
    (void)snprintf(task.address.sun_path, sizeof(task.address.sun_path), "%s", argv[1]);
    for (; n > 0; n -= task.n) {
        task.n = (int)(n < each ? n : each);
        pid_t pid =
            clone(connect_and_send, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, &task);

        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
