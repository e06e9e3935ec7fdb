/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_peer.c: a program that is talked to line by line; see conform_peer.h.
 *
 * Both directions are served at once, so that neither side ever waits for the
 * other to read.  It gets a process group of its own: what it has started ends
 * with it.
 */
#include "conform_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { slice_ms = 50, burial_ms = 2000, longest_line = 1 << 22, enough_to_write = 1 << 14 };

static void room_for(peer_buffer *b, size_t more)
{
    if (b->from == b->to) {
        b->from = b->to = 0;
    }
    if (b->to + more <= b->room) {
        return;
    }
    if (b->from > 0) {
        memmove(b->at, b->at + b->from, b->to - b->from);
        b->to -= b->from;
        b->from = 0;
    }
    if (b->to + more > b->room) {
        b->room = 2 * (b->to + more);
        b->at = realloc(b->at, b->room);
        if (b->at == NULL) {
            fprintf(stderr, "gomap-conform: the machine has no %zu bytes left\n", b->room);
            exit(2);
        }
    }
}

/* ---- life and death -------------------------------------------------------- */

static bool cannot(peer *p, const char *what, int err)
{
    snprintf(p->why, sizeof p->why, "%s: %s", what, strerror(err));
    return false;
}

static void close_both(const int pair[2])
{
    close(pair[0]);
    close(pair[1]);
}

static bool pipes(peer *p, int to[2], int from[2])
{
    if (pipe(to) != 0) {
        return cannot(p, "pipe", errno);
    }
    if (pipe(from) != 0) {
        close_both(to);
        return cannot(p, "pipe", errno);
    }
    for (int i = 0; i < 2; i++) {
        fcntl(to[i], F_SETFD, FD_CLOEXEC);
        fcntl(from[i], F_SETFD, FD_CLOEXEC);
    }
    fcntl(to[1], F_SETFL, O_NONBLOCK);
    fcntl(from[0], F_SETFL, O_NONBLOCK);
    return true;
}

bool peer_start(peer *p)
{
    int to[2], from[2];
    peer_stop(p);
    if (!pipes(p, to, from)) {
        return false;
    }
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attr;
    sigset_t pipe_signal;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_adddup2(&files, to[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, from[1], STDOUT_FILENO);
    if (p->quiet) {
        posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE); /* which is ignored here, and must not be there */
    posix_spawnattr_setsigdefault(&attr, &pipe_signal);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    pid_t pid;
    int err = posix_spawnp(&pid, p->argv[0], &files, &attr, p->argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attr);
    close(to[0]);
    close(from[1]);
    if (err != 0) {
        close(to[1]);
        close(from[0]);
        return cannot(p, p->argv[0], err);
    }
    p->pid = pid;
    p->in = from[0];
    p->out = to[1];
    p->reading.from = p->reading.to = 0;
    p->writing.from = p->writing.to = 0;
    p->fault = peer_well;
    p->starts++;
    return true;
}

static void nap(void)
{
    struct timespec t = {.tv_nsec = 5 * 1000 * 1000};
    nanosleep(&t, NULL);
}

/* Its wait status, if it ends within that time; else -1. */
static int reap(peer *p, int ms)
{
    int status;
    for (int waited = 0;; waited += 5) {
        pid_t got = waitpid(p->pid, &status, WNOHANG);
        if (got == p->pid) {
            return status;
        }
        if ((got < 0 && errno != EINTR) || waited >= ms) {
            return -1;
        }
        nap();
    }
}

void peer_stop(peer *p)
{
    if (p->pid == 0) {
        return;
    }
    close(p->out); /* the end of its input is its sign to go */
    close(p->in);
    if (p->fault != peer_well || reap(p, 100) < 0) {
        kill(-p->pid, SIGKILL);
        reap(p, burial_ms);
    } else {
        kill(-p->pid, SIGKILL); /* what it has left behind */
    }
    p->pid = 0;
}

static char *failed(peer *p, peer_fault fault)
{
    p->fault = fault;
    return NULL;
}

/* Its output has ended. */
static char *ended(peer *p)
{
    int status = reap(p, burial_ms);
    const char *unread = p->reading.from < p->reading.to ? ", in the middle of a line" : "";
    if (status < 0) {
        snprintf(p->why, sizeof p->why, "it closed its output%s, and is still running", unread);
        return failed(p, peer_closed);
    }
    kill(-p->pid, SIGKILL);
    close(p->in);
    close(p->out);
    p->pid = 0;
    if (WIFSIGNALED(status)) {
        snprintf(p->why, sizeof p->why, "it died of signal %d (%s)%s", WTERMSIG(status),
                 strsignal(WTERMSIG(status)), unread);
    } else {
        snprintf(p->why, sizeof p->why, "it ended with exit status %d%s", WEXITSTATUS(status), unread);
    }
    return failed(p, peer_crash);
}

/* ---- lines ----------------------------------------------------------------- */

/* Writes what can be written now. */
static void push(peer *p)
{
    peer_buffer *w = &p->writing;
    while (w->from < w->to) {
        ssize_t n = write(p->out, w->at + w->from, w->to - w->from);
        if (n > 0) {
            w->from += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            return;
        } else {
            w->from = w->to; /* it is gone, as reading will show */
        }
    }
}

void peer_flush(peer *p)
{
    if (p->pid != 0) {
        push(p);
    }
}

void peer_send(peer *p, const char *line)
{
    size_t n = strlen(line);
    room_for(&p->writing, n + 1);
    memcpy(p->writing.at + p->writing.to, line, n);
    p->writing.at[p->writing.to + n] = '\n';
    p->writing.to += n + 1;
    if (p->writing.to - p->writing.from > enough_to_write) {
        peer_flush(p);
    }
}

/* Reads what is there.  False: nothing will come any more. */
static bool pull(peer *p)
{
    for (;;) {
        room_for(&p->reading, 1 << 16);
        ssize_t n = read(p->in, p->reading.at + p->reading.to, (1 << 16) - 1);
        if (n > 0) {
            p->reading.to += (size_t)n;
            return true;
        }
        if (n == 0) {
            return false;
        }
        if (errno != EINTR) {
            return errno == EAGAIN;
        }
    }
}

/* Time counts only in slices in which nothing came, so that neither a busy
 * machine nor a slow stream of answers is taken for a hang. */
char *peer_line(peer *p)
{
    peer_buffer *r = &p->reading;
    size_t looked = 0;
    unsigned idle = 0;
    if (p->pid == 0 || p->fault != peer_well) {
        return NULL;
    }
    room_for(r, 1); /* so that there is something to point into */
    for (;;) {
        char *begin = r->at + r->from;
        char *end = r->to > r->from ? memchr(begin + looked, '\n', r->to - r->from - looked) : NULL;
        if (end != NULL) {
            *end = '\0';
            r->from = (size_t)(end - r->at) + 1;
            return begin;
        }
        looked = r->to - r->from;
        if (looked > longest_line) {
            snprintf(p->why, sizeof p->why, "it has written %zu bytes without a newline", looked);
            return failed(p, peer_too_long);
        }
        push(p);
        struct pollfd fds[2] = {{.fd = p->in, .events = POLLIN}, {.fd = p->out, .events = POLLOUT}};
        int n = poll(fds, p->writing.from < p->writing.to ? 2 : 1, slice_ms);
        if (n == 0) {
            idle += slice_ms;
            if (idle >= p->patience_ms) {
                snprintf(p->why, sizeof p->why, "it did not answer within %u ms", p->patience_ms);
                return failed(p, peer_hang);
            }
        }
        if (n > 0 && fds[0].revents != 0) {
            idle = 0;
            if (!pull(p)) {
                return ended(p);
            }
        }
    }
}

bool peer_has_more(peer *p)
{
    struct pollfd in = {.fd = p->in, .events = POLLIN};
    if (p->pid == 0) {
        return false;
    }
    if (p->reading.from == p->reading.to && poll(&in, 1, 0) > 0) {
        pull(p);
    }
    return p->reading.from < p->reading.to;
}
