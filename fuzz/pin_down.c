/* SPDX-License-Identifier: BSD-3-Clause
 *
 * pin_down.c: which op it is that kills the program; see pin_down.h.
 */
#define _XOPEN_SOURCE 700 /* setitimer */

#include "pin_down.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

/* The wait status of a run of the first ops. */
static int status_of(const report_context *c, const run_options *o, size_t ops, unsigned seconds, bool quiet)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        int nowhere = quiet ? open("/dev/null", O_WRONLY) : -1;
        if (nowhere >= 0) {
            dup2(nowhere, STDOUT_FILENO);
            dup2(nowhere, STDERR_FILENO);
        }
        run_options mine = *o;
        mine.until = ops;
        struct itimerval t = {.it_value = {.tv_sec = (time_t)seconds}};
        setitimer(ITIMER_VIRTUAL, &t, NULL); /* SIGVTALRM ends it */
        run_result r = run_trace(c->tr, c->target, &mine);
        fflush(NULL);
        _exit(r.failed);
    }
    int status = -1;
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

void pin_down(const report_context *c, const run_options *o, unsigned seconds)
{
    size_t good = 0, bad = c->tr->nops; /* good: no beginning up to good-1 ops fails */
    while (good < bad) {
        size_t ops = good + (bad - good) / 2;
        if (status_of(c, o, ops, seconds, true) == 0) {
            good = ops + 1;
        } else {
            bad = ops;
        }
    }
    int status = status_of(c, o, bad, seconds, false);
    if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
        return; /* it has reported by itself */
    }
    if (status == 0) {
        fprintf(c->out, "port: unsteady: at the end\n    it has crashed once, and now it does not\n");
    } else if (WIFSIGNALED(status) && WTERMSIG(status) == SIGVTALRM) {
        fprintf(c->out, "port: stuck: op #%zu\n    it does not end within %u s of work\n", bad, seconds);
    } else {
        fprintf(c->out, "port: crash: op #%zu\n    signal %d\n", bad, WTERMSIG(status));
    }
    fprintf(c->out, "\nthe trace:\n");
    report_ops(c->tr, bad > 12 ? bad - 12 : 1, bad, bad, c->out);
    fprintf(c->out, "\nto repeat it: %s --target %s%s --until %zu %s\n", c->program, c->target->name, c->more,
            bad > 0 ? bad : 1, c->file);
}
