/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A minimal server with a process for each connection. On the listening socket that it gets as
 * descriptor 3 it accepts and forks; the child reads once, writes a response and exits. */

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENING 3

int main(void)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    char request[4096];

    (void)signal(SIGCHLD, SIG_IGN); /* no zombies */
    for (;;) {
        int fd = accept(LISTENING, NULL, NULL);

        if (fd >= 0 && fork() == 0)
            _exit(read(fd, request, sizeof(request)) < 0 || write(fd, answer, strlen(answer)) < 0);
        (void)close(fd);
    }
}
