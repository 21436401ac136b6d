/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "log/log.h"
#include "test.h"

static int output;

/* Returns what was logged since the last call, in a static buffer. */
static const char *logged(void)
{
    static char text[16384];
    ssize_t n = read(output, text, sizeof(text) - 1);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void test_lines(void)
{
    LogFields fields = { 0 };

    log_error("one %d", 1);
    ASSERT_STREQ(logged(), "test-log: one 1\n");
    log_fields_add(&fields, LOG_FIELD_REQUEST_ID, "0123456789abcdef");
    log_fields_add(&fields, LOG_FIELD_REQUEST_ID, "fedcba9876543210");
    log_set_context(&fields);
    log_error("two");
    ASSERT_STREQ(logged(), "test-log: request 0123456789abcdef: two\n");
    log_context_done(&fields);
    log_error("three");
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

/* Text from outside makes no second line, and sends no command to the terminal. */
static void test_control_characters(void)
{
    log_error("%s", "a\nb\r\x1b[2Jc\x7f");
    ASSERT_STREQ(logged(), "test-log: a b  [2Jc \n");
}

static void test_long(void)
{
    LogFields fields = { 0 };
    char text[10000];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_error("%s", text);
    ASSERT_TRUE(strlen(logged()) > 8000);
    log_fields_add(&fields, LOG_FIELD_REQUEST_ID, text);
    log_set_context(&fields);
    log_error("y");
    ASSERT_TRUE(strlen(logged()) < 100);
    log_context_done(&fields);
}

/* Mounts of this process stay its own. In a chroot, "/" is usually no mount point, so that its
 * propagation cannot be set: leave the chroot for a moment. */
static void make_mounts_private(void)
{
    int root, directory;

    ASSERT_OK(unshare(CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER)));
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        ASSERT_EQ(errno, EINVAL);
        ASSERT_OK(chroot("/tmp"));
        for (unsigned i = 0; i < 100; i++)
            ASSERT_OK(chdir(".."));
        ASSERT_OK(mount(NULL, ".", NULL, MS_REC | MS_PRIVATE, NULL));
        ASSERT_OK(fchdir(root));
        ASSERT_OK(chroot("."));
        ASSERT_OK(fchdir(directory));
    }
    (void)close(root);
    (void)close(directory);
}

/* A private journal socket: its entries arrive here. */
static int open_journal(void)
{
    const struct sockaddr_un address = { .sun_family = AF_UNIX,
                                         .sun_path = "/run/systemd/journal/socket" };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    make_mounts_private();
    ASSERT_OK(mount("tmpfs", "/run", "tmpfs", 0, NULL));
    ASSERT_OK(mkdir("/run/systemd", 0755));
    ASSERT_OK(mkdir("/run/systemd/journal", 0755));
    ASSERT_TRUE(fd >= 0);
    ASSERT_OK(bind(fd, (const struct sockaddr *)&address, sizeof(address)));
    return fd;
}

/* The next entry as received; its values contain no newlines. "" for none. */
static const char *entry(int journal)
{
    static char text[LOG_ENTRY_SIZE_MAX + 1];
    ssize_t n = recv(journal, text, sizeof(text) - 1, 0);

    text[n > 0 ? n : 0] = '\0';
    return text;
}

/* Standard error may be the connection of a client: the journal gets the entry instead. */
static void test_socket_is_left_alone(int journal)
{
    int pair[2], before = dup(STDERR_FILENO);
    char c;

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
    ASSERT_EQ(dup2(pair[0], STDERR_FILENO), STDERR_FILENO);
    log_open("test-log");
    log_error("A test of the log, not for standard error");
    ASSERT_EQ(read(pair[1], &c, 1), -1);
    ASSERT_TRUE(strstr(entry(journal), "MESSAGE=A test of the log"));
    ASSERT_EQ(dup2(before, STDERR_FILENO), STDERR_FILENO);
    (void)close(before);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

#define IDENTIFIER "SYSLOG_IDENTIFIER=test-log\n"

static void test_entries(int journal)
{
    LogFields context = { 0 }, fields = { 0 };

    log_error("plain\ntext");
    ASSERT_STREQ(entry(journal), "MESSAGE=plain text\nPRIORITY=3\n" IDENTIFIER);

    /* An event has its id, its level and its decision; its own fields come before those of the
     * context. */
    log_fields_add(&context, LOG_FIELD_REQUEST_ID, "0123");
    log_fields_add(&fields, LOG_FIELD_REASON, "because");
    {
        LOG_CONTEXT(&context);
        log_context_add(LOG_FIELD_AUTH, "web");
        log_event(LOG_EVENT_REQUEST_DENIED, &fields, "no %s", "luck");
        ASSERT_STREQ(entry(journal), "MESSAGE=no luck\nPRIORITY=6\n" IDENTIFIER
                                     "MESSAGE_ID=7e15027a9811465788841e41384e2f82\n"
                                     "ACMEMS_DECISION=denied\nACMEMS_REASON=because\n"
                                     "ACMEMS_REQUEST_ID=0123\nACMEMS_AUTH=web\n");
        errno = EPERM;
        ASSERT_EQ(log_event_errno(LOG_EVENT_CACHE_UNREADABLE, -ENOENT, "%m"), -ENOENT);
        ASSERT_EQ(errno, EPERM);
        ASSERT_TRUE(strstr(entry(journal), "MESSAGE=No such file or directory\nPRIORITY=4\n"));
    }
    log_context_add(LOG_FIELD_AUTH, "nobody's");
    log_error("outside");
    ASSERT_STREQ(entry(journal), "MESSAGE=outside\nPRIORITY=3\n" IDENTIFIER);
    log_set_max_level(LOG_WARNING);
    log_event(LOG_EVENT_REQUEST_DENIED, &fields, "not shown");
    ASSERT_STREQ(entry(journal), "");
    log_set_max_level(LOG_DEBUG);
    log_fields_done(&context);
    log_fields_done(&fields);
}

/* Even a large entry has the text and the fields of the event. */
static void test_entry_is_bounded(int journal)
{
    LogFields context = { 0 }, fields = { 0 };
    char text[10000];
    size_t size;

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    log_fields_add(&fields, LOG_FIELD_REASON, text);
    for (unsigned i = 0; i < 2 * LOG_FIELDS_MAX; i++) {
        (void)snprintf(text, sizeof(text), "%0253u", i);
        log_fields_add(&context, LOG_FIELD_NAME, text);
    }
    LOG_CONTEXT(&context);
    log_event(LOG_EVENT_REQUEST_FAILED, &fields, "%s", text);
    size = strlen(entry(journal));
    ASSERT_TRUE(size > LOG_ENTRY_SIZE_MAX / 2 && size <= LOG_ENTRY_SIZE_MAX);
    log_context_done(&context);
    log_fields_done(&fields);
}

static void test_journal(int journal)
{
    int pair[2];

    ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    ASSERT_EQ(dup2(pair[0], STDERR_FILENO), STDERR_FILENO);
    log_open("test-log");
    test_entries(journal);
    test_entry_is_bounded(journal);
    (void)close(pair[0]);
    (void)close(pair[1]);
    (void)close(journal);
}

/* What every client can cause has one entry in a while, over all processes; the rest is unlimited.
 */
static void test_repeated(void)
{
    ASSERT_OK(log_limit_repeated());
    for (unsigned i = 0; i < 3; i++)
        log_event(LOG_EVENT_STOPPING, NULL, "stop");
    ASSERT_STREQ(logged(), "test-log: stop\ntest-log: stop\ntest-log: stop\n");
    for (unsigned i = 0; i < 3; i++)
        if (fork() == 0) {
            log_event(LOG_EVENT_CACHE_DAMAGED, NULL, "damaged %u", i);
            _exit(EXIT_SUCCESS);
        } else {
            ASSERT_TRUE(wait(NULL) > 0);
        }
    ASSERT_STREQ(logged(), "test-log: damaged 0\n");
    log_event(LOG_EVENT_CHALLENGE_UNREADABLE, NULL, "another");
    ASSERT_STREQ(logged(), "test-log: another\n");
}

int main(void)
{
    int pipe_fds[2], journal = open_journal(),
                     standard_error = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

    ASSERT_OK(pipe2(pipe_fds, O_NONBLOCK));
    output = pipe_fds[0];
    /* From here on only the exit code shows a failed assertion. */
    ASSERT_EQ(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
    log_open("test-log");
    test_lines();
    test_errno();
    test_levels();
    test_control_characters();
    test_long();
    test_repeated();
    test_socket_is_left_alone(journal);
    test_journal(journal);
    ASSERT_EQ(dup2(standard_error, STDERR_FILENO), STDERR_FILENO);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
    (void)close(standard_error);
    return EXIT_SUCCESS;
}
