/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "processes/activation.h"
#include "test.h"

/* The descriptors from 3 on. Each test runs in its own process. */
static void hand_over(size_t n, const int *fds)
{
    char text[32];
    int moved[8];

    for (size_t i = 0; i < n; i++)
        moved[i] = fcntl(fds[i], F_DUPFD, 100);
    for (size_t i = 0; i < n; i++)
        ASSERT_EQ(dup2(moved[i], 3 + (int)i), 3 + (int)i);
    (void)snprintf(text, sizeof(text), "%d", (int)getpid());
    ASSERT_OK(setenv("LISTEN_PID", text, 1));
    (void)snprintf(text, sizeof(text), "%zu", n);
    ASSERT_OK(setenv("LISTEN_FDS", text, 1));
}

static int make_socket(int domain, int type, bool listening)
{
    int fd = socket(domain, type, 0);

    ASSERT_TRUE(fd >= 0);
    if (listening)
        ASSERT_OK(listen(fd, 1)); /* unbound: the kernel picks a port */
    return fd;
}

static int make_connected(void)
{
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    return pair[0];
}

static void expect(ActivationKind kind, size_t n)
{
    Activation activation;
    const char *what = NULL;

    ASSERT_OK(activation_take(&activation, &what));
    ASSERT_TRUE(!what);
    ASSERT_EQ(activation.kind, kind);
    ASSERT_EQ(activation.n_fds, n);
    for (size_t i = 0; i < n; i++)
        ASSERT_TRUE(fcntl(activation.fds[i], F_GETFD) & FD_CLOEXEC);
    ASSERT_TRUE(!getenv("LISTEN_FDS"));
    activation_done(&activation);
    ASSERT_EQ(activation.n_fds, 0);
}

static void expect_refusal(int error, const char *words)
{
    Activation activation;
    const char *what = NULL;

    ASSERT_EQ(activation_take(&activation, &what), error);
    ASSERT_TRUE(what && strstr(what, words));
}

static void test_listening(void)
{
    hand_over(2, (int[]){ make_socket(AF_INET, SOCK_STREAM, true),
                          make_socket(AF_INET, SOCK_STREAM, true) });
    expect(ACTIVATION_LISTENING, 2);
}

static void test_connected(void)
{
    hand_over(1, (int[]){ make_connected() });
    expect(ACTIVATION_CONNECTED, 1);
}

static void test_two_connected(void)
{
    hand_over(2, (int[]){ make_connected(), make_connected() });
    expect_refusal(-EINVAL, "more than one");
}

static void test_mixed(void)
{
    hand_over(2, (int[]){ make_connected(), make_socket(AF_INET, SOCK_STREAM, true) });
    expect_refusal(-EINVAL, "together");
}

static void test_datagram(void)
{
    hand_over(1, (int[]){ make_socket(AF_INET, SOCK_DGRAM, false) });
    expect_refusal(-EINVAL, "stream");
}

static void test_other_family(void)
{
    hand_over(1, (int[]){ make_socket(AF_NETLINK, SOCK_RAW, false) });
    expect_refusal(-EINVAL, "IPv4");
}

static void test_file(void)
{
    hand_over(1, (int[]){ open("/dev/null", O_RDWR) });
    expect_refusal(-EINVAL, "not a socket");
}

static void test_nothing(void)
{
    ASSERT_EQ(dup2(open("/dev/null", O_RDWR), STDIN_FILENO), STDIN_FILENO);
    expect_refusal(-ENOTSOCK, "no sockets");
}

static bool is_socket(int fd)
{
    struct stat st;

    ASSERT_OK(fstat(fd, &st));
    return S_ISSOCK(st.st_mode);
}

/* With LISTEN_FDS of another process, standard input is taken. */
static void test_inetd(void)
{
    int fd = make_connected();

    ASSERT_OK(setenv("LISTEN_PID", "1", 1));
    ASSERT_OK(setenv("LISTEN_FDS", "1", 1));
    ASSERT_EQ(dup2(fd, STDIN_FILENO), STDIN_FILENO);
    ASSERT_EQ(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    (void)close(fd);
    expect(ACTIVATION_CONNECTED, 1);
    ASSERT_FALSE(is_socket(STDIN_FILENO));
    ASSERT_FALSE(is_socket(STDOUT_FILENO));
}

static void test_inetd_keeps_another_standard_output(void)
{
    ASSERT_EQ(dup2(make_connected(), STDIN_FILENO), STDIN_FILENO);
    ASSERT_EQ(dup2(make_connected(), STDOUT_FILENO), STDOUT_FILENO);
    expect(ACTIVATION_CONNECTED, 1);
    ASSERT_TRUE(is_socket(STDOUT_FILENO));
}

static void test_inetd_wait(void)
{
    ASSERT_EQ(dup2(make_socket(AF_INET, SOCK_STREAM, true), STDIN_FILENO), STDIN_FILENO);
    expect(ACTIVATION_LISTENING, 1);
}

int main(void)
{
    static void (*const tests[])(void) = {
        test_listening,
        test_connected,
        test_two_connected,
        test_mixed,
        test_datagram,
        test_other_family,
        test_file,
        test_nothing,
        test_inetd,
        test_inetd_wait,
        test_inetd_keeps_another_standard_output,
    };

    for (size_t i = 0; i < ELEMENTSOF(tests); i++) {
        pid_t pid = fork();
        int status;

        if (pid == 0) {
            tests[i]();
            exit(EXIT_SUCCESS);
        }
        ASSERT_EQ(waitpid(pid, &status, 0), pid);
        ASSERT_EQ(status, 0);
    }
    return EXIT_SUCCESS;
}
