/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_report.c: what was found out; see conform_report.h.
 */
#include "conform_report.h"

#include <inttypes.h>
#include <stdlib.h>

static bool judged(const conform_summary *s, unsigned level)
{
    return (s->c->levels >> level & 1) != 0;
}

bool report_level(const conform_summary *s, conform_level level, uint64_t *checks)
{
    uint64_t broken = 0;
    (void)s;
    *checks = 0;
    for (size_t i = 0; i < conform_rule_count; i++) {
        const conform_rule *r = &conform_rules[i];
        if (r->level == level) {
            *checks += r->held;
            broken += r->broken;
        }
    }
    if (level == level_memory && conform_rules[check_nomem].held == 0) {
        *checks = 0; /* nothing has failed, so nothing is known */
    }
    return broken == 0;
}

/* Which op it is, as run_verdict has it. */
static void place(const conform_rule *r, char out[48])
{
    if (r->first->op == 0) {
        snprintf(out, 48, "the making of the map");
    } else if (r->first->op > r->first->tr.nops) {
        snprintf(out, 48, "at the end");
    } else {
        snprintf(out, 48, "op #%zu", r->first->op);
    }
}

static void print_broken(const conform_rule *r, FILE *out)
{
    char where[48];
    const char *clause = rules_clause(r->judge, r->rule);
    place(r, where);
    fprintf(out, "\n%s: %s: %s%s%s%s\n    %s\n", r->judge, r->rule, where, clause != NULL ? " (SPEC.md " : "",
            clause != NULL ? clause : "", clause != NULL ? ")" : "", r->first->detail);
    if (!r->first->steady) {
        fprintf(out, "    it was not seen again with the same trace\n");
    } else if (!r->first->whole) {
        fprintf(out, "    there was no time to try everything smaller (--shrink)\n");
    }
    fprintf(out, "the trace%s%s:\n", r->first->file[0] != '\0' ? ", saved as " : "", r->first->file);
    trace_print(&r->first->tr, out);
}

static void print_levels(const conform_summary *s, FILE *out)
{
    uint64_t checks;
    if (!report_level(s, level_protocol, &checks)) {
        fprintf(out, "the protocol     BROKEN\n");
    }
    for (unsigned l = level_map; l < conform_levels; l++) {
        if ((s->c->offers >> l & 1) == 0) {
            fprintf(out, "level %-10s not claimed\n", conform_level_names[l]);
        } else if (!judged(s, l)) {
            fprintf(out, "level %-10s claimed, and left out by --levels\n", conform_level_names[l]);
        } else if (!report_level(s, (conform_level)l, &checks)) {
            fprintf(out, "level %-10s BROKEN\n", conform_level_names[l]);
        } else if (checks == 0) {
            fprintf(out, "level %-10s NOT SHOWN: %s\n", conform_level_names[l],
                    l == level_memory ? "no allocation has ever failed" : "nothing could be checked");
        } else {
            fprintf(out, "level %-10s holds, %" PRIu64 " checks\n", conform_level_names[l], checks);
        }
    }
}

static void print_unsupported(const conform_summary *s, FILE *out)
{
    const fuzz_target *f = &s->c->target;
    fprintf(out, "declared unsupported:");
    bool any = false;
    for (unsigned i = 0; i < wire_key_kinds; i++) {
        if ((f->keys >> i & 1) == 0) {
            fprintf(out, "%s key=%s", any ? "," : "", key_kind_names[i]);
            any = true;
        }
    }
    for (unsigned i = 0; i < elem_kinds; i++) {
        if ((f->elems >> i & 1) == 0) {
            fprintf(out, "%s elem=%s", any ? "," : "", elem_kind_names[i]);
            any = true;
        }
    }
    for (unsigned i = 0; judged(s, level_structure) && i < wire_hash_kinds; i++) {
        if ((f->hashes >> i & 1) == 0) {
            fprintf(out, "%s hash=%s", any ? "," : "", hash_kind_names[i]);
            any = true;
        }
    }
    for (size_t i = 0; i < s->c->nrefused; i++) {
        fprintf(out, "%s `%s` (%" PRIu64 " times)", any ? "," : "", s->c->refused[i].what,
                s->c->refused[i].times);
        any = true;
    }
    fprintf(out, "%s\n", any ? "" : " nothing");
}

void report_text(const conform_summary *s, FILE *out)
{
    for (size_t i = 0; i < conform_rule_count; i++) {
        if (conform_rules[i].first != NULL) {
            print_broken(&conform_rules[i], out);
        }
    }
    fprintf(out, "\n%-10s %-32s %-16s %12s %8s\n", "level", "rule", "clause", "held", "broken");
    for (unsigned l = 0; l < conform_levels; l++) {
        for (size_t i = 0; i < conform_rule_count; i++) {
            const conform_rule *r = &conform_rules[i];
            char name[96];
            const char *clause = rules_clause(r->judge, r->rule);
            if (r->level != l || !judged(s, l) || (r->held == 0 && r->broken == 0)) {
                continue;
            }
            snprintf(name, sizeof name, "%s: %s", r->judge, r->rule);
            fprintf(out, "%-10s %-32s %-16s %12" PRIu64 " %8" PRIu64 "\n", conform_level_names[l], name,
                    clause != NULL ? clause : "-", r->held, r->broken);
        }
    }
    fputc('\n', out);
    print_levels(s, out);
    print_unsupported(s, out);
    if (s->excused != 0) {
        fprintf(out,
                "%" PRIu64 " breaches of range did not come again: put down to the errata that it declares\n",
                s->excused);
    }
    if (s->corpus < s->corpus_files) {
        fprintf(out, "of the corpus only %zu of %zu traces were run: more --time is needed\n", s->corpus,
                s->corpus_files);
    }
    fprintf(out,
            "%s: %zu traces of the corpus, %zu random, %zu guided; %" PRIu64
            " requests, %zu kinds of state, %.1f s, seed %" PRIu64 "\n",
            s->c->name, s->corpus, s->random, s->guided, s->c->requests, s->kinds, s->seconds, s->seed);
}

/* ---- JSON ------------------------------------------------------------------ */

static void put_string(const char *text, FILE *out)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            fprintf(out, "\\%c", c);
        } else if (c < ' ' || c >= 0x7f) {
            fprintf(out, "\\u%04x", c);
        } else {
            fputc(c, out);
        }
    }
    fputc('"', out);
}

static void put_first(const conform_rule *r, FILE *out)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    if (f == NULL) {
        fputs("null", out);
        return;
    }
    trace_print(&r->first->tr, f);
    fclose(f);
    fprintf(out, "{\"op\": %zu, \"ops\": %zu, \"steady\": %s, \"minimal\": %s, \"detail\": ", r->first->op,
            r->first->tr.nops, r->first->steady ? "true" : "false", r->first->whole ? "true" : "false");
    put_string(r->first->detail, out);
    fputs(", \"trace\": ", out);
    put_string(text, out);
    fputs(", \"file\": ", out);
    put_string(r->first->file, out);
    fputc('}', out);
    free(text);
}

static void put_rule(const conform_rule *r, FILE *out)
{
    const char *clause = rules_clause(r->judge, r->rule);
    fprintf(out, "  {\"level\": \"%s\", \"judge\": \"%s\", \"rule\": \"%s\", \"clause\": ",
            conform_level_names[r->level], r->judge, r->rule);
    if (clause != NULL) {
        put_string(clause, out);
    } else {
        fputs("null", out);
    }
    fprintf(out, ", \"held\": %" PRIu64 ", \"broken\": %" PRIu64 ", \"first\": ", r->held, r->broken);
    if (r->first != NULL) {
        put_first(r, out);
    } else {
        fputs("null", out);
    }
    fputc('}', out);
}

void report_json(const conform_summary *s, FILE *out)
{
    fputs("{\n\"child\": ", out);
    put_string(s->c->name, out);
    fprintf(out,
            ",\n\"seed\": %" PRIu64
            ", \"corpus\": %zu, \"corpus_files\": %zu, \"random\": %zu, \"guided\": %zu,\n"
            "\"requests\": %" PRIu64 ", \"states\": %zu, \"excused\": %" PRIu64
            ", \"seconds\": %.1f,\n\"levels\": {",
            s->seed, s->corpus, s->corpus_files, s->random, s->guided, s->c->requests, s->kinds, s->excused,
            s->seconds);
    const char *comma = "";
    for (unsigned l = level_map; l < conform_levels; l++) {
        uint64_t checks;
        bool holds = report_level(s, (conform_level)l, &checks);
        fprintf(out, "%s\"%s\": \"%s\"", comma, conform_level_names[l],
                (s->c->offers >> l & 1) == 0 ? "not claimed"
                : !judged(s, l)              ? "left out"
                : !holds                     ? "broken"
                : checks == 0                ? "not shown"
                                             : "holds");
        comma = ", ";
    }
    fputs("},\n\"unsupported\": [", out);
    for (size_t i = 0; i < s->c->nrefused; i++) {
        fputs(i > 0 ? ", {\"request\": " : "{\"request\": ", out);
        put_string(s->c->refused[i].what, out);
        fprintf(out, ", \"times\": %" PRIu64 "}", s->c->refused[i].times);
    }
    fputs("],\n\"rules\": [\n", out);
    comma = "";
    for (size_t i = 0; i < conform_rule_count; i++) {
        if (judged(s, conform_rules[i].level)) {
            fputs(comma, out);
            put_rule(&conform_rules[i], out);
            comma = ",\n";
        }
    }
    fputs("\n]\n}\n", out);
}
