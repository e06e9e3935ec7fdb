/* SPDX-License-Identifier: BSD-3-Clause
 *
 * judge_go.c: the real go1.19 runtime as a judge; see judge_go.h.
 */
#include "judge_go.h"

#include <inttypes.h>
#include <stdlib.h>

#include "digest.h"

static uint64_t states;
static char *port_text, *go_text; /* the states at the difference */
static char rule_text[64];

uint64_t judge_go_states(void)
{
    return states;
}

static oracle_answer no_answer(oracle_report *r)
{
    return oracle_differ(r, "go", "no-answer", "go1.19 did not survive this trace: %s", child_why());
}

void judge_go_begin(void)
{
    child_begin(&record, record.nops, record.digest);
}

oracle_answer judge_go_compare(oracle_report *r, size_t *step)
{
    const recording *rec = &record;
    child_reply reply;
    *step = SIZE_MAX;
    switch (child_ask(rec, rec->nops, rec->digest, false, &reply)) {
    case child_missing:
        return oracle_unsupported;
    case child_failed:
        return no_answer(r);
    case child_ok:
        break;
    }
    for (size_t i = 0; i < reply.count; i++) {
        if (reply.each[i] != rec->each[i]) {
            *step = i;
            break;
        }
    }
    if (*step == SIZE_MAX && reply.roll == rec->roll) {
        states += rec->states;
        return oracle_ok;
    }
    return oracle_differ(r, "go", "differs", "go1.19 has another state or gave other results");
}

oracle_answer judge_go_agrees(const oracle_step *s)
{
    child_reply reply;
    switch (child_ask(&record, record.nops, false, false, &reply)) {
    case child_missing:
    case child_failed:
        return oracle_unsupported;
    case child_ok:
        break;
    }
    bool same = digest_step(record.roll, oracle_digest(s)) == reply.roll;
    return same ? oracle_ok : oracle_differs;
}

static void put_value(const rtype *t, const void *p, FILE *f)
{
    if (p == NULL) {
        fputc('-', f);
    } else {
        gm_dump_value(t, p, gm_sink_file(f));
    }
}

void judge_go_port_result(const oracle_step *s, FILE *out)
{
    fprintf(out, "result seen=0x%03" PRIx64 " panic=\"%s\" key=", record.seen, record.words);
    put_value(s->t->key, record.key, out);
    fputs(" elem=", out);
    put_value(s->t->elem, record.elem, out);
    fprintf(out, " hash=0x%016" PRIx64 "\n", record.roll);
}

char *judge_go_port_state(const oracle_step *s)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL) {
        return NULL;
    }
    uintptr_t first, sentinel;
    gm_rand rand = gm_rand_state();
    uint64_t state = PtrSize == 8 ? rand.wyrand : rand.t[0] | (uint64_t)rand.t[1] << 32;
    fprintf(f, "rand 0x%016" PRIx64 "\n", state);
    gm_dump(s->t, s->h, gm_sink_file(f));
    if (digest_tail(s, &first, &sentinel)) {
        fprintf(f, "tail first=%" PRIuPTR " sentinel=%" PRIuPTR "\n", first, sentinel);
    }
    for (unsigned i = 0; i < oracle_iters; i++) {
        if (s->its[i].h != NULL) {
            fprintf(f, "iterator %c:\n", 'a' + (char)i);
            gm_dump_iter(&s->its[i], gm_sink_file(f));
        }
    }
    judge_go_port_result(s, f);
    fclose(f);
    return text;
}

void judge_go_explain(const oracle_step *s, oracle_report *r)
{
    child_reply reply;
    free(port_text);
    free(go_text);
    port_text = judge_go_port_state(s);
    go_text = NULL;
    if (child_ask(&record, record.nops, false, true, &reply) != child_ok) {
        no_answer(r);
        return;
    }
    go_text = strdup(reply.text);
    char detail[256];
    if (port_text == NULL || go_text == NULL) {
        oracle_differ(r, "go", "differs", "no memory to say where");
    } else if (judge_go_field(port_text, go_text, rule_text, detail)) {
        oracle_differ(r, "go", rule_text, "%s", detail);
    } else if (digest_step(record.roll, oracle_digest(s)) == reply.roll) {
        oracle_differ(r, "go", "unsteady", "a second run of the same trace agrees");
    } else {
        oracle_differ(r, "go", "digest", "the dumps are alike; what differs is not shown in them");
    }
}

static void go_show(const oracle_step *s, FILE *out)
{
    (void)s;
    fputs(go_text != NULL ? go_text : "no answer\n", out);
}

static void go_show_port(const oracle_step *s, FILE *out)
{
    (void)s;
    fputs(port_text != NULL ? port_text : "no memory\n", out);
}

/* No step: the runner asks it, when the run is over. */
const oracle oracle_go = {"go", NULL, go_show, go_show_port};
