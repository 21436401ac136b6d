/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "processes/children.h"

#include <signal.h>
#include <sys/wait.h>

#include "log/log.h"

int children_init(Children *children, size_t max)
{
    *children = (Children){ .list = calloc(max, sizeof(Child)), .kill_next = USEC_INFINITY };
    return children->list ? 0 : -ENOMEM;
}

void children_done(Children *children)
{
    free(children->list);
    *children = (Children){ 0 };
}

void children_add(Children *children, pid_t pid, usec_t deadline, TurnHolder *holder)
{
    children->list[children->n++] = (Child){ pid, deadline, holder };
    if (deadline < children->kill_next)
        children->kill_next = deadline;
}

static void forget(Children *children, Turns *turns, pid_t pid)
{
    for (size_t i = 0; i < children->n; i++)
        if (children->list[i].pid == pid) {
            turns_end(turns, children->list[i].holder);
            children->list[i] = children->list[--children->n];
            return;
        }
}

size_t children_reap(Children *children, Turns *turns)
{
    size_t before = children->n;
    pid_t pid;

    while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
        forget(children, turns, pid);
    return before - children->n;
}

void children_kill_overdue(Children *children)
{
    usec_t now = now_monotonic();

    if (now < children->kill_next)
        return;
    children->kill_next = USEC_INFINITY;
    for (size_t i = 0; i < children->n; i++) {
        Child *child = &children->list[i];

        if (child->deadline <= now) {
            log_event(LOG_EVENT_CONNECTION_KILLED, NULL,
                      "Killed process %d because its connection did not end in time", child->pid);
            (void)kill(child->pid, SIGKILL);
            child->deadline = USEC_INFINITY;
        }
        if (child->deadline < children->kill_next)
            children->kill_next = child->deadline;
    }
}

void children_terminate(const Children *children)
{
    for (size_t i = 0; i < children->n; i++)
        (void)kill(children->list[i].pid, SIGTERM);
}
