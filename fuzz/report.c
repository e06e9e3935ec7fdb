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
