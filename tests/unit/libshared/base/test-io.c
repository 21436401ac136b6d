/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/io.h"
#include "test.h"

static char directory[] = "/tmp/test-io-XXXXXX";
static int dir_fd;

static void make_file(const char *name, const char *content, size_t size)
{
    _cleanup_close_ int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ASSERT_TRUE(fd >= 0);
    ASSERT_OK(write_all(fd, content, size, USEC_INFINITY));
}

static void test_read(void)
{
    static const char content[] = "a\0b";
    char *data;
    size_t size;

    make_file("file", content, 3);
    ASSERT_OK(read_file_at(dir_fd, "file", 3, &data, &size));
    ASSERT_EQ(size, 3);
    ASSERT_OK(memcmp(data, content, 4));
    free(data);
    make_file("empty", "", 0);
    ASSERT_OK(read_file_at(dir_fd, "empty", 0, &data, &size));
    ASSERT_EQ(size, 0);
    ASSERT_STREQ(data, "");
    free(data);
    /* The size is unknown before the read. */
    ASSERT_OK(read_file_at(AT_FDCWD, "/proc/self/status", 65536, &data, &size));
    ASSERT_TRUE(strstr(data, "Pid:"));
    free(data);
    ASSERT_EQ(read_file_at(AT_FDCWD, "/proc/self/status", 100, &data, &size), -EFBIG);
}

static void test_read_refused(void)
{
    char *data = NULL;
    size_t size;

    ASSERT_EQ(read_file_at(dir_fd, "file", 2, &data, &size), -EFBIG);
    ASSERT_EQ(read_file_at(dir_fd, "missing", 2, &data, &size), -ENOENT);
    ASSERT_EQ(read_file_at(dir_fd, ".", 100, &data, &size), -EBADF);
    ASSERT_OK(mkfifoat(dir_fd, "fifo", 0600));
    ASSERT_EQ(read_file_at(dir_fd, "fifo", 100, &data, &size), -EBADF);
    ASSERT_OK(symlinkat("file", dir_fd, "link"));
    ASSERT_EQ(read_file_at(dir_fd, "link", 100, &data, &size), -ELOOP);
    ASSERT_TRUE(!data);
}

static void test_link_by_path(void)
{
    _cleanup_free_ char *path = NULL, *data = NULL;
    size_t size;

    ASSERT_TRUE(asprintf(&path, "%s/link", directory) > 0);
    ASSERT_OK(read_file_at(AT_FDCWD, path, 100, &data, &size));
    ASSERT_EQ(size, 3);
}

static void test_wait(void)
{
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ASSERT_EQ(fd_wait(pair[0], POLLIN, now_monotonic() + 20 * USEC_PER_MSEC), -ETIMEDOUT);
    ASSERT_OK(fd_wait(pair[0], POLLOUT, USEC_INFINITY));
    ASSERT_OK(write_all(pair[1], "x", 1, USEC_INFINITY));
    ASSERT_OK(fd_wait(pair[0], POLLIN, USEC_INFINITY));
    (void)close(pair[0]);
    ASSERT_EQ(fd_wait(pair[0], POLLIN, USEC_INFINITY), -EBADF);
    (void)close(pair[1]);
}

/* No reader: the deadline ends the write. Closed peer: no SIGPIPE. */
static void test_write_limits(void)
{
    static char data[1024 * 1024];
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ASSERT_EQ(write_all(pair[0], data, sizeof(data), now_monotonic() + 20 * USEC_PER_MSEC),
              -ETIMEDOUT);
    (void)close(pair[1]);
    ASSERT_EQ(write_all(pair[0], data, sizeof(data), USEC_INFINITY), -EPIPE);
    (void)close(pair[0]);
}

static void test_writev(void)
{
    struct iovec iov[] = {
        { .iov_base = NULL, .iov_len = 0 },
        { .iov_base = (char[]){ "ab" }, .iov_len = 2 },
        { .iov_base = NULL, .iov_len = 0 },
        { .iov_base = (char[]){ "cd" }, .iov_len = 2 },
    };
    char data[8] = "";
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ASSERT_OK(writev_all(pair[0], iov, ELEMENTSOF(iov), USEC_INFINITY));
    ASSERT_EQ(read(pair[1], data, sizeof(data)), 4);
    ASSERT_STREQ(data, "abcd");
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* More than a socket buffer, to a reader that takes it in pieces. */
static void test_write_in_parts(void)
{
    static char data[1024 * 1024], buffer[4096];
    size_t got = 0;
    int pair[2];
    ssize_t n;

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    if (fork() == 0) {
        struct iovec iov[] = {
            { .iov_base = data, .iov_len = 1000 },
            { .iov_base = data, .iov_len = sizeof(data) },
        };

        (void)close(pair[1]);
        _exit(writev_all(pair[0], iov, ELEMENTSOF(iov), USEC_INFINITY) < 0);
    }
    (void)close(pair[0]);
    while ((n = read(pair[1], buffer, sizeof(buffer))) > 0)
        got += (size_t)n;
    ASSERT_EQ(got, sizeof(data) + 1000);
    (void)close(pair[1]);
}

int main(void)
{
    static const char *const names[] = { "file", "empty", "fifo", "link" };

    ASSERT_TRUE(mkdtemp(directory));
    dir_fd = open(directory, O_RDONLY | O_DIRECTORY);
    test_read();
    test_read_refused();
    test_link_by_path();
    test_wait();
    test_write_limits();
    test_writev();
    test_write_in_parts();
    for (size_t i = 0; i < ELEMENTSOF(names); i++)
        ASSERT_OK(unlinkat(dir_fd, names[i], 0));
    ASSERT_OK(rmdir(directory));
    (void)close(dir_fd);
    return EXIT_SUCCESS;
}
