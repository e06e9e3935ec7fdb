/* SPDX-License-Identifier: BSD-3-Clause
 *
 * child.c: another implementation in a process of its own: gomap-go119, or what
 * GOMAP_GO names.
 *
 * It is started at the first request, so that a fork server has forked before,
 * and again in a process that was forked since.  All that it does wrong ends in
 * a message and another start; when it has gone wrong too often, in none.
 * GOMAP_GO_SECONDS: how long a reply may take (20).
 *
 * Messages; all numbers are little-endian.
 *
 *   hello     child, once     "GMGO" u32 protocol, u32 bytes of a word, u32 0,
 *                             its version and its architecture, 32 and 16 bytes,
 *                             NUL-terminated: 64 bytes
 *   request   32 bytes        "GMRQ" u32 number, u32 flags (1 each, 2 dump, 4 leave
 *                             the state at the end out of roll), u32 nops, header of
 *                             the trace (12), u32 0; then nops operations of 4 bytes
 *   reply     32 bytes        "GMRP" u32 number of the request, u32 count, u32 bytes
 *                             of text, u64 roll, u64 0; then count digests of 8 bytes,
 *                             then the text
 *
 * A socket pair rather than two pipes: writing to a child that has died must not
 * raise SIGPIPE, whose handling belongs to the program around us.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    protocol = 1,
    hello_bytes = 64,
    request_bytes = 32,
    reply_bytes = 32,
    default_seconds = 20,
    most_losses = 5,
    most_text = 1 << 30
};

#define HELLO UINT32_C(0x4f474d47)
#define REQUEST UINT32_C(0x51524d47)
#define REPLY UINT32_C(0x50524d47)

/* GOMAP_GO_BINARY comes from CMake; "": there was no go1.19 to build it with. */

static struct {
    pid_t owner; /* the process that started it */
    pid_t pid;   /* 0: none */
    int fd;
    unsigned losses; /* how often it was lost */
    bool greeted;    /* it has said who it is, once at least */
    bool aes;        /* it runs where Go hashes by AES */
    uint32_t number; /* of the last request */
    unsigned flags;  /* and what it was */
    size_t nops;
    uint64_t roll;
    bool begun; /* its reply has not been read yet */
    char version[80];
    char why[256];
    int64_t deadline; /* of what is under way, in ms */
    uint8_t *out, *in;
    size_t out_room, in_room;
    uint64_t *each;
    size_t each_room;
} child;

extern char **environ;

const char *child_why(void)
{
    return child.why;
}

const char *child_version(void)
{
    return child.version;
}

/* ---- numbers -------------------------------------------------------------- */

static void put32(uint8_t *b, uint32_t v)
{
    for (unsigned i = 0; i < 4; i++) {
        b[i] = (uint8_t)(v >> 8 * i);
    }
}

static uint32_t get32(const uint8_t *b)
{
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static uint64_t get64(const uint8_t *b)
{
    return get32(b) | (uint64_t)get32(b + 4) << 32;
}

static void *grown(void *p, size_t *room, size_t want)
{
    if (want <= *room) {
        return p;
    }
    *room = 2 * want;
    p = realloc(p, *room);
    if (p == NULL) {
        fprintf(stderr, "gomap: the machine has no %zu bytes left\n", *room);
        abort();
    }
    return p;
}

/* ---- time ----------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static long patience(void)
{
    const char *text = getenv("GOMAP_GO_SECONDS");
    long seconds = text != NULL ? strtol(text, NULL, 10) : default_seconds;
    return seconds > 0 && seconds < 100000 ? seconds : default_seconds;
}

/* Waits until the child can be read from or written to. */
static bool wait_for(short events)
{
    for (;;) {
        int64_t left = child.deadline - now_ms();
        struct pollfd p = {.fd = child.fd, .events = events};
        int n = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (n > 0) {
            return true;
        }
        if (n == 0) {
            snprintf(child.why, sizeof child.why, "it did not answer within %ld s", patience());
            return false;
        }
        if (errno != EINTR) {
            snprintf(child.why, sizeof child.why, "poll: %s", strerror(errno));
            return false;
        }
    }
}

/* ---- life and death --------------------------------------------------------- */

/* What became of it, for a message. */
static void bury(bool ours)
{
    close(child.fd);
    if (ours) {
        kill(child.pid, SIGKILL);
        while (waitpid(child.pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    child.pid = 0;
}

/* It is of no use any more: says why, and ends it. */
static void lose(void)
{
    child.losses++;
    fprintf(stderr, "go judge: lost the child process: %s%s\n", child.why,
            child.losses < most_losses ? "; starting it anew" : "; giving up");
    bury(true);
}

static bool receive(void *to, size_t n)
{
    for (uint8_t *p = to; n > 0;) {
        ssize_t got = recv(child.fd, p, n, MSG_DONTWAIT);
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        } else if (got == 0) {
            snprintf(child.why, sizeof child.why, "it ended in the middle of an answer");
            return false;
        } else if (errno != EINTR && errno != EAGAIN) {
            snprintf(child.why, sizeof child.why, "reading: %s", strerror(errno));
            return false;
        } else if (!wait_for(POLLIN)) {
            return false;
        }
    }
    return true;
}

static bool transmit(const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t put = send(child.fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put >= 0) {
            p += put;
            n -= (size_t)put;
        } else if (errno != EINTR && errno != EAGAIN) {
            snprintf(child.why, sizeof child.why, "it is gone (%s)", strerror(errno));
            return false;
        } else if (!wait_for(POLLOUT)) {
            return false;
        }
    }
    return true;
}

static const char *binary(void)
{
    const char *path = getenv("GOMAP_GO");
    return path != NULL ? path : GOMAP_GO_BINARY;
}

/* For good: there will be none. */
__attribute__((format(printf, 1, 2))) static bool refuse(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(child.why, sizeof child.why, format, ap);
    va_end(ap);
    child.losses = most_losses;
    return false;
}

static bool spawn(void)
{
    int pair[2];
    if (binary()[0] == '\0') {
        return refuse("gomap-go119 was not built: no Go 1.19 (golang-1.19-go) on this machine");
    }
    if (access(binary(), X_OK) != 0) {
        return refuse("%s: %s", binary(), strerror(errno));
    }
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) {
        return refuse("socketpair: %s", strerror(errno));
    }
    fcntl(pair[0], F_SETFD, FD_CLOEXEC);
    fcntl(pair[1], F_SETFD, FD_CLOEXEC);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, pair[1], 0);
    posix_spawn_file_actions_adddup2(&files, pair[1], 1);
    char name[] = "gomap-go119";
    char *argv[] = {name, NULL};
    int err = posix_spawn(&child.pid, binary(), &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    close(pair[1]);
    if (err != 0) {
        close(pair[0]);
        child.pid = 0;
        return refuse("%s: %s", binary(), strerror(err));
    }
    child.owner = getpid();
    child.fd = pair[0];
    child.begun = false;
    return true;
}

/* Is it one to compare with? */
static bool greet(void)
{
    uint8_t hello[hello_bytes];
    child.deadline = now_ms() + 1000 * patience();
    if (!receive(hello, sizeof hello)) {
        return false;
    }
    hello[47] = hello[63] = '\0';
    const char *version = (const char *)hello + 16;
    if (get32(hello) != HELLO || get32(hello + 4) != protocol) {
        snprintf(child.why, sizeof child.why, "%s does not speak our language", binary());
        return false;
    }
    snprintf(child.version, sizeof child.version, "%s on %s", version, (const char *)hello + 48);
    if (strncmp(version, "go1.19.", 7) != 0) {
        bury(true);
        return refuse("%s is %s; the map to compare with is that of go1.19", binary(), version);
    }
    if (get32(hello + 8) != PtrSize) {
        bury(true);
        return refuse("%s has words of %u bytes instead of %d", binary(), get32(hello + 8), (int)PtrSize);
    }
    child.aes = get32(hello + 12) == 1;
    return true;
}

bool child_ready(void)
{
    if (child.pid != 0 && child.owner != getpid()) {
        bury(false); /* a fork's: its parent's child is not ours */
    }
    while (child.pid == 0) {
        if (child.losses >= most_losses) {
            if (child.why[0] == '\0') {
                snprintf(child.why, sizeof child.why, "it was lost too often");
            }
            return false;
        }
        if (!spawn()) {
            continue;
        }
        if (greet()) {
            child.greeted = true;
        } else if (child.pid != 0) {
            if (!child.greeted && child.losses > 0) {
                child.losses = most_losses - 1; /* it never will */
            }
            lose();
        }
    }
    return true;
}

bool child_has_aes(void)
{
    return !child_ready() || child.aes;
}

/* ---- requests --------------------------------------------------------------- */

static bool request(const recording *rec, size_t nops, unsigned flags)
{
    size_t size = request_bytes + nops * record_op_bytes;
    child.out = grown(child.out, &child.out_room, size);
    memset(child.out, 0, request_bytes);
    put32(child.out, REQUEST);
    put32(child.out + 4, ++child.number);
    put32(child.out + 8, flags);
    put32(child.out + 12, (uint32_t)nops);
    memcpy(child.out + 16, rec->header, record_header_bytes);
    memcpy(child.out + request_bytes, rec->ops, nops * record_op_bytes);
    child.deadline = now_ms() + 1000 * patience();
    child.begun = transmit(child.out, size);
    child.flags = flags;
    child.nops = nops;
    child.roll = rec->roll;
    return child.begun;
}

/* The reply to the last request. */
static bool answer(child_reply *reply)
{
    uint8_t head[reply_bytes];
    child.begun = false;
    if (!receive(head, sizeof head)) {
        return false;
    }
    size_t count = get32(head + 8), text = get32(head + 12);
    bool wanted =
        count == ((child.flags & 1) != 0 ? child.nops + 1 : 0) && ((child.flags & 2) != 0 || text == 0);
    if (get32(head) != REPLY || get32(head + 4) != child.number || !wanted || text > most_text) {
        snprintf(child.why, sizeof child.why, "its answer to request %u makes no sense", child.number);
        return false;
    }
    child.in = grown(child.in, &child.in_room, 8 * count + text + 1);
    if (!receive(child.in, 8 * count + text)) {
        return false;
    }
    child.in[8 * count + text] = '\0';
    child.each = grown(child.each, &child.each_room, (count + 1) * sizeof *child.each);
    for (size_t i = 0; i < count; i++) {
        child.each[i] = get64(child.in + 8 * i);
    }
    *reply = (child_reply){.roll = get64(head + 16),
                           .each = child.each,
                           .count = count,
                           .text = (const char *)child.in + 8 * count};
    return true;
}

static unsigned flags_of(const recording *rec, bool each, bool dump)
{
    return (each ? 1U : 0) | (dump ? 2U : 0) | (rec->cut ? 4U : 0);
}

/* Nothing else is under way: what was begun and not asked for is read, and lost. */
static bool idle(void)
{
    child_reply unread;
    if (child.begun && !answer(&unread)) {
        lose();
    }
    return child_ready();
}

void child_begin(const recording *rec, size_t nops, bool each)
{
    if (child_ready() && idle() && !request(rec, nops, flags_of(rec, each, false))) {
        lose();
    }
}

child_answer child_ask(const recording *rec, size_t nops, bool each, bool dump, child_reply *reply)
{
    if (!child_ready()) {
        return child_missing;
    }
    unsigned flags = flags_of(rec, each, dump);
    bool begun = child.begun && child.flags == flags && child.nops == nops && child.roll == rec->roll;
    if (!begun && !idle()) {
        return child_missing;
    }
    /* Twice: it may have died since the last request, for reasons of its own. */
    for (int try = 0; try < 2; try++) {
        if ((begun || request(rec, nops, flags)) && answer(reply)) {
            return child_ok;
        }
        begun = false;
        lose();
        if (!child_ready()) {
            return child_missing;
        }
    }
    return child_failed;
}
