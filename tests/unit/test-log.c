/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <sys/socket.h>

#include "log.h"
#include "test.h"

static int output;

/* What was logged since the last call, into a static buffer. */
static const char *logged(void)
{
    static char text[16384];
    ssize_t n = read(output, text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void test_lines(void)
{
    log_info("one %d", 1);
    ASSERT_STREQ(logged(), "test-log: one 1\n");
    log_set_request("0123456789abcdef");
    log_error("two");
    ASSERT_STREQ(logged(), "test-log: request 0123456789abcdef: two\n");
    log_set_request(NULL);
    log_notice("three");
    ASSERT_STREQ(logged(), "test-log: three\n");
}

static void test_errno(void)
{
    errno = EPERM;
    ASSERT_EQ(log_error_errno(-ENOENT, "Failed: %m"), -ENOENT);
    ASSERT_STREQ(logged(), "test-log: Failed: No such file or directory\n");
    ASSERT_EQ(log_warning_errno(ENOENT, "x"), -ENOENT);
    ASSERT_EQ(errno, EPERM);
    ASSERT_STREQ(logged(), "test-log: x\n");
    ASSERT_EQ(log_oom(), -ENOMEM);
    ASSERT_STREQ(logged(), "test-log: Out of memory\n");
}

static void test_levels(void)
{
    log_debug("hidden");
    ASSERT_STREQ(logged(), "");
    log_set_max_level(LOG_ERR);
    ASSERT_EQ(log_get_max_level(), LOG_ERR);
    ASSERT_EQ(log_warning_errno(ENOENT, "hidden too"), -ENOENT);
    ASSERT_STREQ(logged(), "");
    log_set_max_level(LOG_DEBUG);
    log_debug("shown");
    ASSERT_STREQ(logged(), "test-log: shown\n");
    ASSERT_EQ(log_level_from_string("DEBUG"), LOG_DEBUG);
    ASSERT_EQ(log_level_from_string("Critical"), LOG_CRIT);
    ASSERT_EQ(log_level_from_string("loud"), -EINVAL);
    ASSERT_EQ(log_level_from_string(""), -EINVAL);
}

/* Nothing from outside makes a second line or reaches the terminal as a command. */
static void test_control_characters(void)
{
    log_info("%s", "a\nb\r\x1b[2Jc\x7f");
    ASSERT_STREQ(logged(), "test-log: a b  [2Jc \n");
}

static void test_long(void)
{
    char text[10000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_info("%s", text);
    ASSERT_TRUE(strlen(logged()) > 8000);
    log_set_request(text);
    log_info("y");
    ASSERT_TRUE(strlen(logged()) < 100);
    log_set_request(NULL);
}

/* Standard error may be the client's connection. */
static void test_socket_is_left_alone(void)
{
    int pair[2];
    char c;

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    ASSERT_EQ(dup2(pair[0], STDERR_FILENO), STDERR_FILENO);
    log_open("test-log");
    log_info("A test of the log, not for standard error");
    ASSERT_EQ(read(pair[1], &c, 1), -1);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

int main(void)
{
    int pipe_fds[2], standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    ASSERT_OK(pipe2(pipe_fds, O_NONBLOCK));
    output = pipe_fds[0];
    /* From here on a failed assertion is seen in the exit code only. */
    ASSERT_EQ(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
    log_open("test-log");
    test_lines();
    test_errno();
    test_levels();
    test_control_characters();
    test_long();
    test_socket_is_left_alone();
    ASSERT_EQ(dup2(standard_error, STDERR_FILENO), STDERR_FILENO);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    (void)close(standard_error);
    return EXIT_SUCCESS;
}
