/* SPDX-License-Identifier: BSD-3-Clause
 *
 * vector.c: one trace, step by step, for corpus/vectors/: what was done, what it
 * returned, a digest of results and state, and the state at the end.
 *
 *     vector <trace.txt          the port
 *     vector --go <trace.txt     the real go1.19, which the port has to agree with
 *
 * Prints a line for each step, its parts separated by tabs, then `end` and the
 * state.  ci/vectors turns this into files and compares it with them.  Exit
 * code: 0 all well, 1 the trace fails on the port or go1.19 differs, 2 bad usage,
 * a trace that cannot be read or compared (strict mode, failed allocations), or
 * no go1.19.
 */
#include <stdlib.h>

#include "../oracle/judge_go.h"
#include "lockstep.h"
#include "report.h"

enum { max_text = 1 << 20, longest_result = 120 };

static trace tr;

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "vector: %s\n", what);
    exit(2);
}

static void read_trace(void)
{
    char *text = malloc(max_text);
    if (text == NULL) {
        die("no memory for the trace");
    }
    size_t n = fread(text, 1, max_text, stdin);
    if (ferror(stdin) || n == max_text) {
        die(n == max_text ? "the trace is larger than 1 MiB" : "standard input cannot be read");
    }
    trace_error err;
    if (!trace_parse(&tr, text, n, &err)) {
        fprintf(stderr, "stdin:%u:%u: %s\n", err.line, err.column, err.message);
        exit(2);
    }
    free(text);
}

/* The operation of the last step recorded: step 0 makes the map of the header. */
static void print_op(size_t step)
{
    static trace one;
    uint8_t bytes[record_header_bytes + record_op_bytes];
    char line[160] = "make";
    memcpy(bytes, record.header, record_header_bytes);
    if (step > 0) {
        memcpy(bytes + record_header_bytes, record.ops + record_op_bytes * (step - 1), record_op_bytes);
        trace_decode(&one, bytes, sizeof bytes);
        op_print(&one, &one.ops[0], line, sizeof line);
    }
    fputs(line, stdout);
}

/* text: the line of results, or a state that ends in it.  The line goes into the
 * step's, less its hash; what lies before it is shown if this is the end. */
static void print_step(size_t step, uint64_t digest, const char *text, bool end)
{
    const char *line = strncmp(text, "result ", strlen("result ")) == 0 ? text : strstr(text, "\nresult ");
    if (line == NULL) {
        die("a state without results");
    }
    line += *line == '\n';
    const char *result = line + strlen("result ");
    const char *hash = strstr(result, " hash=0x");
    int length = (int)(hash != NULL ? (size_t)(hash - result) : strcspn(result, "\n"));
    print_op(step);
    printf("\t%.*s%s\t%016llx\n", length > longest_result ? longest_result : length, result,
           length > longest_result ? "..." : "", (unsigned long long)digest);
    if (end) {
        printf("end\n%.*s", (int)(line - text), text);
    }
}

/* How many steps there are is known after a first run; only then is there a last
 * one, whose state is shown. */
static bool counted;
static size_t last_step;

static void look(const oracle_step *s)
{
    bool end = counted && record.nops == last_step;
    char *text = NULL;
    size_t size;
    if (!counted) {
        return;
    }
    if (end) {
        text = judge_go_port_state(s);
    } else {
        FILE *f = open_memstream(&text, &size);
        if (f != NULL) {
            judge_go_port_result(s, f);
            fclose(f);
        }
    }
    if (text == NULL) {
        die("no memory to show a state");
    }
    print_step(record.nops, record.each[record.nops], text, end);
    free(text);
}

static void print_go(void)
{
    for (size_t step = 0; step <= record.nops; step++) {
        child_reply reply;
        if (child_ask(&record, step, true, true, &reply) != child_ok) {
            die(child_why());
        }
        print_step(step, reply.each[step], reply.text, step == record.nops);
    }
}

int main(int argc, char **argv)
{
    bool go = argc == 2 && strcmp(argv[1], "--go") == 0;
    if (argc > 2 || (argc == 2 && !go)) {
        fputs("usage: vector [--go] <TRACE.txt\n", stderr);
        return 2;
    }
    if (go && !child_ready()) {
        die(child_why());
    }
    read_trace();
    if (tr.mode != gm_exact) {
        die("strict mode is not that of go1.19");
    }
    report_context c = {
        .tr = &tr, .target = fuzz_target_named("everything", strlen("everything")), .out = stderr};
    run_options o = {
        .until = SIZE_MAX, .failed = report_failure, .ctx = &c, .go = go ? run_go_each : run_go_record};
    lockstep_options(&o); /* for its limits: no trace of the corpus is too large */
    o.go_alone = false;
    record.look = go ? NULL : look;
    run_result r = run_trace(&tr, c.target, &o);
    if (r.failed) {
        return 1;
    }
    if (record.cut || r.go == go_in_part || r.ops < tr.nops) {
        die("it does not run to its end: an allocation fails, or the budget of a run is used up");
    }
    if (go) {
        print_go();
    } else {
        counted = true;
        last_step = record.nops;
        o.go_alone = true; /* the judges have had their say */
        run_trace(&tr, c.target, &o);
    }
    return 0;
}
