/* SPDX-License-Identifier: BSD-3-Clause
 *
 * report.c: a failure, told to a person; see report.h.
 */
#include "report.h"

#include <stdlib.h>

enum { context_before = 12, context_after = 3, state_lines = 60, columns = 100, line_bytes = 160 };

void report_ops(const trace *tr, size_t first, size_t last, size_t mark, FILE *out)
{
    for (size_t i = first; i <= last && i <= tr->nops; i++) {
        const op *o = &tr->ops[i - 1];
        char text[line_bytes], name[64], number[16];
        op_print(tr, o, text, sizeof text);
        fprintf(out, "%s%5zu  %s", i == mark ? "=>" : "  ", i, text);
        bool keyed = o->code == op_assign || o->code == op_delete || o->code == op_get || o->code == op_nil;
        key_name((key_kind)tr->key, o->key, name, sizeof name);
        snprintf(number, sizeof number, "%u", o->key);
        if (keyed && strcmp(name, number) != 0) {
            fprintf(out, "    # from %s", name);
        }
        fputc('\n', out);
    }
}

void report_step(void *ctx, const run_step *s)
{
    static const char *const names[run_acts] = {
        [act_make] = "make",   [act_assign] = "assign", [act_delete] = "delete", [act_get] = "get",
        [act_iter] = "iter",   [act_next] = "next",     [act_end] = "end",       [act_clear] = "clear",
        [act_check] = "check", [act_fail] = "fail",     [act_seed] = "seed",     [act_nil] = "nil",
        [act_free] = "free",
    };
    FILE *out = ctx;
    fputs(names[s->act], out);
    switch (s->act) {
    case act_make:
        fprintf(out, " %u %lld", s->maker, (long long)s->hint);
        break;
    case act_assign:
    case act_delete:
    case act_get:
    case act_nil:
        fprintf(out, " %u%s", s->key, s->unhashable ? " unhashable" : "");
        break;
    case act_iter:
    case act_next:
    case act_end:
        fprintf(out, " %u", s->slot);
        break;
    case act_fail:
        fprintf(out, " %u %u", s->key, s->count);
        break;
    case act_seed:
        fprintf(out, " %u", s->key);
        break;
    case act_clear:
    case act_check:
    case act_free:
    case run_acts:
        break;
    }
    fputc('\n', out);
    fflush(out); /* the step may end the program */
}

/* What a step calls: always, while the map grows, where it begins a growth. */
static const struct {
    const char *always, *growing, *begins;
} functions[run_acts] = {
    [act_make] = {"makeBucketArray, overLoadFactor", NULL, NULL},
    [act_assign] = {"mapassign", "growWork, evacuate", "hashGrow, growWork, evacuate"},
    [act_delete] = {"mapdelete", "growWork, evacuate", NULL},
    [act_get] = {"mapaccess1, mapaccess2, mapaccessK", "reads the old buckets", NULL},
    [act_iter] = {"mapiterinit, mapiternext", "reads the old buckets", NULL},
    [act_next] = {"mapiternext", "reads the old buckets", NULL},
    [act_end] = {"gm_iter_end", NULL, NULL},
    [act_clear] = {"mapclear", NULL, NULL},
    [act_nil] = {"the functions on a nil map", NULL, NULL},
    [act_free] = {"gm_map_free", NULL, NULL},
};

void report_functions(const oracle_step *s, const run_result *r, char *out, size_t cap)
{
    const run_step *step = &r->step;
    const char *always = functions[step->act].always;
    if (always == NULL) {
        snprintf(out, cap, "what came before: the step itself only looks");
        return;
    }
    /* A small map begins and ends it in one step. */
    bool begins = !step->growing && s->h != NULL && (s->phase || hmap_growing(s->h));
    const char *more = step->growing ? functions[step->act].growing : functions[step->act].begins;
    if (more == NULL || !(step->growing || begins)) {
        bool make = step->act == act_make && step->maker < op_makers;
        snprintf(out, cap, "%s%s%s", make ? op_maker_names[step->maker] : "", make ? ", " : "", always);
    } else {
        snprintf(out, cap, "%s (%s: %s)", always, step->growing ? "growing" : "begins to grow", more);
    }
}

/* Large states are cut: the dump in full is a replay away. */
static void cut_lines(char *text, FILE *out)
{
    bool cut = false;
    char *p = text;
    for (int n = 0; n < state_lines && p != NULL && *p != '\0'; n++) {
        size_t length = strcspn(p, "\n");
        bool wide = length > columns;
        fprintf(out, "%.*s%s\n", (int)(wide ? columns - 3 : length), p, wide ? "..." : "");
        cut = cut || wide;
        p = p[length] != '\0' ? p + length + 1 : NULL;
    }
    if (cut || (p != NULL && *p != '\0')) {
        fprintf(out, "(in full with --dump)\n");
    }
}

void report_failure(void *ctx, const oracle_step *s, const run_result *r)
{
    const report_context *c = ctx;
    char verdict[128], header[line_bytes];
    run_verdict(r, verdict, sizeof verdict);
    fprintf(c->out, "%s\n    %s\n", verdict, r->report.detail);
    const oracle_clause *clause = oracle_clause_of(&r->report);
    if (clause != NULL) {
        bool whole = clause->words[strlen(clause->words) - 1] == '.';
        fprintf(c->out, "    clause: %s %s%s\n", clause->id, clause->words, whole ? "" : " ...");
    }
    char in[line_bytes];
    report_functions(s, r, in, sizeof in);
    fprintf(c->out, "    in: %s\n", in);

    trace_print_header(c->tr, header, sizeof header);
    size_t at = r->op != 0 ? r->op : r->ops;
    size_t first = at > context_before ? at - context_before : 1;
    fprintf(c->out, "\nthe trace:\n         %s\n", header);
    if (first > 1) {
        fprintf(c->out, "         ... %zu ops before\n", first - 1);
    }
    report_ops(c->tr, first, at + context_after, r->op, c->out);
    if (at + context_after < c->tr->nops) {
        fprintf(c->out, "         ... %zu ops behind\n", c->tr->nops - at - context_after);
    }

    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (f != NULL) {
        oracle_side_by_side(s, &r->report, columns, f);
        fclose(f);
        fputc('\n', c->out);
        cut_lines(text, c->out);
        free(text);
    }

    fprintf(c->out, "\nto repeat it: %s --target %s%s %s\n", c->program != NULL ? c->program : "replay",
            c->target->name, c->more != NULL ? c->more : "", c->file != NULL ? c->file : "FILE");
    fflush(c->out);
}
