/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conform_judge.c: takes a child's answers, and judges them; see conform_run.h.
 *
 * When an answer comes, the same request is carried out by the port here, which
 * says what is to be expected where the child has to be like it (level
 * structure), and how the models see the step; at the other levels the answers
 * of the child alone say in which order it iterates, and the models judge that.
 */
#include "conform_runner.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "../oracle/judge_go.h"

void runner_break(runner *r, const asked *a, conform_level level, const char *judge, const char *rule,
                  const char *format, ...)
{
    r->stop = true;
    r->b.any = true;
    r->b.level = level;
    r->b.op = a->op;
    snprintf(r->b.judge, sizeof r->b.judge, "%s", judge);
    snprintf(r->b.rule, sizeof r->b.rule, "%s", rule);
    va_list ap;
    va_start(ap, format);
    vsnprintf(r->b.detail, sizeof r->b.detail, format, ap);
    va_end(ap);
}

void runner_held(const runner *r, conform_check c)
{
    if (r->how->counted) {
        rules_held(c);
    }
}

/* ---- the models ------------------------------------------------------------- */

/* True: nobody objects. */
static bool ask_models(runner *r, const asked *a, oracle_event event)
{
    oracle_step *s = &r->step;
    oracle_report report;
    oracle_step real = {.event = event, .t = &r->ref.t, .h = r->ref.h, .its = r->ref.its};
    s->event = event;
    s->t = &r->ref.t;
    s->h = &r->shown;
    s->its = r->its;
    s->slot = a->slot;
    s->entry = NULL;
    oracle_errata_step(&real);
    if (oracle_uthash.step(s, &report) == oracle_differs) {
        bool iterating = event == ev_iter || event == ev_next;
        runner_break(r, a, iterating && strcmp(report.rule, "key-wellformed") == 0 ? level_range : level_map,
                     report.judge, report.rule, "%s", report.detail);
        return false;
    }
    if (r->range && oracle_range.step(s, &report) == oracle_differs) {
        runner_break(r, a, level_range, report.judge, report.rule, "%s", report.detail);
        return false;
    }
    oracle_errata_done(&real);
    return true;
}

/* The step is about the request's key. */
static void about_key(runner *r, const asked *a)
{
    oracle_step *s = &r->step;
    s->key_kind = r->ref.key;
    s->elem_kind = r->ref.elem;
    s->n = a->n;
    s->variant = a->payload;
    s->facts = key_facts_of(s->key_kind, a->n);
    s->stamp = a->stamp;
}

/* ---- answers ---------------------------------------------------------------- */

enum { quoted_bytes = 96 };

static void nonsense(runner *r, const asked *a, const char *line, const char *wanted)
{
    char shown[quoted_bytes + 1];
    size_t n = 0;
    for (; n < quoted_bytes && line[n] != '\0'; n++) {
        shown[n] = line[n] >= ' ' && line[n] < 0x7f ? line[n] : '?';
    }
    shown[n] = '\0';
    runner_break(r, a, level_protocol, "child", "nonsense",
                 "request `%.60s`: the answer is `%s`%s instead of %s", a->text, shown,
                 line[n] != '\0' ? "..." : "", wanted);
}

static bool starts(const char *line, const char *word)
{
    size_t n = strlen(word);
    return strncmp(line, word, n) == 0 && (line[n] == ' ' || line[n] == '\0');
}

/* `ok N`. */
static bool take_count(runner *r, const asked *a, const char *line, int64_t *n)
{
    if (!starts(line, "ok") || line[2] == '\0' || !wire_number(line + 3, n) || *n < 0) {
        nonsense(r, a, line, "`ok COUNT`");
        return false;
    }
    return true;
}

static bool take_ok(runner *r, const asked *a, const char *line)
{
    if (strcmp(line, "ok") != 0) {
        nonsense(r, a, line, "`ok`");
    }
    return !r->stop;
}

static void on_map(runner *r, const asked *a, const char *line)
{
    int64_t n;
    if (!take_count(r, a, line, &n)) {
        return;
    }
    r->made = true;
    memset(r->live, 0, sizeof r->live);
    memset(r->stands, 0, sizeof r->stands);
    memset(r->its, 0, sizeof r->its);
    r->shown.count = (intptr_t)n;
    about_key(r, a);
    if (ask_models(r, a, ev_make)) {
        runner_held(r, check_length);
    }
}

static void on_set(runner *r, const asked *a, const char *line)
{
    int64_t n;
    if (!take_count(r, a, line, &n)) {
        return;
    }
    about_key(r, a);
    oracle_step *s = &r->step;
    const oracle_entry *e = s->facts.nan ? NULL : model_entry(&s->facts, 0);
    memset(r->elem, 0, sizeof r->elem);
    if (e != NULL) {
        elem_make(s->elem_kind, e->stamp, r->elem);
    }
    s->elem = r->elem;
    r->shown.count = (intptr_t)n;
    if (ask_models(r, a, ev_assign)) {
        runner_held(r, check_length);
    }
}

static void on_del_or_clear(runner *r, const asked *a, const char *line)
{
    int64_t n;
    if (!take_count(r, a, line, &n)) {
        return;
    }
    about_key(r, a);
    r->shown.count = (intptr_t)n;
    if (ask_models(r, a, a->what == req_del ? ev_delete : ev_clear)) {
        runner_held(r, check_length);
    }
}

static void on_len(runner *r, const asked *a, const char *line)
{
    int64_t n;
    if (!take_count(r, a, line, &n)) {
        return;
    }
    r->shown.count = (intptr_t)n;
    if (ask_models(r, a, ev_check)) {
        runner_held(r, check_length);
    }
}

/* The elem that the answer speaks of, into r->elem. */
static bool take_elem(runner *r, const asked *a, const char *line, const char *word)
{
    switch (wire_get_elem(r->ref.elem, word, r->elem)) {
    case wire_ok:
        return true;
    case wire_strange:
        runner_break(r, a, level_map, "uthash", "elem-current",
                     "request `%.60s`: the elem `%.60s` is none of this kind", a->text, word);
        return false;
    case wire_unreadable:
        break;
    }
    nonsense(r, a, line, "a line with an elem of this kind");
    return false;
}

static void on_get(runner *r, const asked *a, const char *line)
{
    bool found = starts(line, "ok");
    if (!found && strcmp(line, "absent") != 0) {
        nonsense(r, a, line, "`ok ELEM` or `absent`");
        return;
    }
    if (found && !take_elem(r, a, line, line + 2 + (line[2] == ' '))) {
        return;
    }
    about_key(r, a);
    oracle_step *s = &r->step;
    const oracle_entry *e = s->facts.nan ? NULL : model_entry(&s->facts, 0);
    key_make(s->key_kind, e != NULL ? e->n : a->n, e != NULL ? e->variant : 0, r->key[0]);
    void *elem = found ? (void *)r->elem : (void *)zeroVal;
    void *fat = found ? (void *)r->elem : (void *)r->zero;
    s->access = (oracle_access){.e1 = elem,
                                .e2 = elem,
                                .fat1 = fat,
                                .fat2 = fat,
                                .ke = found ? elem : NULL,
                                .k = found ? (void *)r->key[0] : NULL,
                                .zero = r->zero,
                                .ok2 = found,
                                .okfat = found};
    r->shown.count = (intptr_t)model_count();
    if (ask_models(r, a, ev_get)) {
        runner_held(r, check_membership);
        if (found) {
            runner_held(r, check_elem);
        }
    }
}

/* Is what the child's iterator stands on what the port's does? */
static bool same_place(runner *r, const asked *a, const key_facts *f, uint32_t payload, bool ended)
{
    const hiter *it = &r->ref.its[a->slot];
    key_facts want = {.n = 0};
    uint32_t want_payload = 0;
    char name[64], wanted[64] = "the end", word[wire_room];
    if (ended) {
        snprintf(name, sizeof name, "the end");
    } else {
        key_name(r->ref.key, f->n, name, sizeof name);
    }
    if (it->key != NULL && key_read(r->ref.key, it->key, &want, &want_payload)) {
        key_name(r->ref.key, want.n, wanted, sizeof wanted);
    }
    bool same = ended == (it->key == NULL) && (ended || (f->n == want.n && payload == want_payload));
    if (!same) {
        runner_break(r, a, level_structure, "structure", "order",
                     "iterator %c produced %s, and should have produced %s", 'a' + (char)a->slot, name,
                     wanted);
        return false;
    }
    runner_held(r, check_order);
    if (ended) {
        return true;
    }
    wire_put_elem(r->ref.elem, r->elem, word);
    char want_word[wire_room];
    wire_put_elem(r->ref.elem, it->elem, want_word);
    if (strcmp(word, want_word) != 0) {
        runner_break(r, a, level_structure, "structure", "result",
                     "iterator %c produced %s with elem %.60s, and should with %.60s", 'a' + (char)a->slot,
                     name, word, want_word);
        return false;
    }
    runner_held(r, check_result);
    return true;
}

/* The child's iteration in that slot is over, or never was. */
static void on_ended(runner *r, const asked *a)
{
    hiter *it = &r->its[a->slot];
    bool was_live = r->live[a->slot] || a->what == req_iter;
    memset(it, 0, sizeof *it);
    r->stands[a->slot] = r->live[a->slot] = false;
    r->shown.count = (intptr_t)model_count();
    if (!ask_models(r, a, a->what == req_iter ? ev_iter : ev_next)) {
        return;
    }
    runner_held(r, was_live ? check_missed : check_after_end);
    if (r->structure) {
        same_place(r, a, &(key_facts){.n = 0}, 0, true);
    }
}

static void on_step(runner *r, const asked *a, char *line)
{
    hiter *it = &r->its[a->slot];
    if (strcmp(line, "end") == 0) {
        on_ended(r, a);
        return;
    }
    char *key = starts(line, "ok") && line[2] == ' ' ? line + 3 : NULL;
    char *elem = key != NULL ? strchr(key, ' ') : NULL;
    if (elem == NULL) {
        nonsense(r, a, line, "`ok KEY ELEM` or `end`");
        return;
    }
    *elem++ = '\0';
    uint64_t *bytes = r->key[a->slot];
    key_facts f = {.n = 0};
    uint32_t payload = 0;
    switch (wire_get_key(r->ref.key, key, 0, bytes)) {
    case wire_ok:
        break;
    case wire_strange:
        runner_break(r, a, level_range, "uthash", "key-wellformed",
                     "iterator %c produced the key `%.60s`, which nobody ever inserted", 'a' + (char)a->slot,
                     key);
        return;
    case wire_unreadable:
        elem[-1] = ' ';
        nonsense(r, a, line, "a line with a key of this kind");
        return;
    }
    if (!take_elem(r, a, line, elem)) {
        return;
    }
    key_read(r->ref.key, bytes, &f, &payload);
    runner_held(r, check_key_wellformed);
    /* Which of equal keys lies in the map is a matter of the structure. */
    const oracle_entry *e = model_entry(&f, payload);
    if (e != NULL) {
        key_make(r->ref.key, e->n, e->variant, bytes);
    }
    it->h = &r->shown;
    it->key = bytes;
    it->elem = r->elem;
    r->stands[a->slot] = r->live[a->slot] = true;
    r->at[a->slot] = f.n;
    r->shown.count = (intptr_t)model_count();
    about_key(r, a);
    if (!ask_models(r, a, a->what == req_iter ? ev_iter : ev_next)) {
        return;
    }
    runner_held(r, check_deleted);
    runner_held(r, check_twice);
    runner_held(r, check_elem);
    if (r->structure) {
        same_place(r, a, &f, payload, false);
    }
}

/* ---- dumps ------------------------------------------------------------------- */

/* Nothing leads any more to the bucket of an iterator whose array is gone: how
 * it is reached there is nobody's business. */
static void forget_gone(char *text)
{
    for (char *p = text; (p = strstr(p, " buckets=gone")) != NULL;) {
        p += strlen(" buckets=gone");
        size_t rest = strcspn(p, "\n");
        memmove(p, p + rest, strlen(p + rest) + 1);
    }
}

static char *read_dump(runner *r, const asked *a, const char *line)
{
    int64_t lines;
    if (!take_count(r, a, line, &lines)) {
        return NULL;
    }
    size_t size = 0, room = 1 << 12;
    char *text = malloc(room);
    for (int64_t i = 0; text != NULL && i < lines; i++) {
        const char *next = peer_line(&r->c->child);
        if (next == NULL) {
            free(text);
            return NULL;
        }
        size_t n = strlen(next);
        if (size + n + 2 > room) {
            room = 2 * (size + n + 2);
            char *more = realloc(text, room);
            if (more == NULL) {
                free(text);
                return NULL;
            }
            text = more;
        }
        memcpy(text + size, next, n);
        size += n;
        text[size++] = '\n';
    }
    if (text != NULL) {
        text[size] = '\0';
    }
    return text;
}

static void on_dump(runner *r, const asked *a, const char *line, const char *expected)
{
    char *got = read_dump(r, a, line);
    if (got == NULL) {
        return;
    }
    const char *body = strchr(expected, '\n');
    size_t n = strlen(body != NULL ? body : "");
    char *want = malloc(n + 2);
    if (want != NULL) {
        snprintf(want, n + 2, "%s\n", body + 1);
        r->dumped += n;
        forget_gone(got);
        forget_gone(want);
        char rule[64], detail[256];
        if (strcmp(got, want) != 0 && judge_go_field(got, want, rule, detail)) {
            runner_break(r, a, level_structure, "structure", rule, "%s", detail);
        } else {
            runner_held(r, check_dump);
        }
    }
    free(want);
    free(got);
}

/* ---- taking answers ------------------------------------------------------------ */

static void refused(runner *r, const asked *a)
{
    conform *c = r->c;
    char what[sizeof c->refused[0].what];
    if (a->what == req_map) {
        snprintf(what, sizeof what, "map key=%s elem=%s", key_kind_names[r->tr->key],
                 elem_kind_names[r->tr->elem]);
    } else {
        bool keyed = a->what == req_set || a->what == req_get || a->what == req_del;
        size_t len = strcspn(a->text, " ");
        snprintf(what, sizeof what, "%.*s%s%s", (int)len, a->text, keyed ? " of keys " : "",
                 keyed ? key_kind_names[r->tr->key] : "");
    }
    size_t i = 0;
    while (i < c->nrefused && strcmp(c->refused[i].what, what) != 0) {
        i++;
    }
    if (i == c->nrefused && i < conform_refusals) {
        snprintf(c->refused[i].what, sizeof what, "%s", what);
        c->nrefused++;
    }
    if (i < conform_refusals && r->how->counted) {
        c->refused[i].times++;
    }
}

/* No memory: allowed as often as failures were asked for, where something may
 * need memory. */
static void on_nomem(runner *r, const asked *a)
{
    if (!r->leaks) {
        runner_break(r, a, level_protocol, "child", "nomem",
                     "request `%.60s`: `nomem`, from a child that does not claim the level memory", a->text);
        return;
    }
    bool may = a->what == req_set || a->what == req_map;
    if (!may || r->nomems >= r->failures) {
        runner_break(r, a, level_memory, "alloc", "null-without-failure",
                     may ? "request `%.60s`: `nomem`, although no allocation was to fail"
                         : "request `%.60s`: `nomem`, but this needs no memory",
                     a->text);
        return;
    }
    r->nomems++;
    r->nomem = true;
    runner_held(r, check_nomem);
}

static void on_panic(runner *r, const asked *a, const char *line, const char *expected)
{
    if (!starts(expected, "panic")) {
        runner_break(r, a, level_map, "panic", "unexpected", "request `%.60s`: %.120s", a->text, line);
        return;
    }
    runner_held(r, check_panic);
    if (r->structure && strcmp(line, expected) != 0) {
        runner_break(r, a, level_structure, "panic", "words", "`%.120s` instead of `%.120s`", line, expected);
        return;
    }
    if (r->structure) {
        runner_held(r, check_words);
    }
    if (a->what == req_iter || a->what == req_next) { /* E3 of ref/ERRATA.md */
        r->step.fault = true;
        memset(&r->its[a->slot], 0, sizeof r->its[0]);
        ask_models(r, a, a->what == req_iter ? ev_iter : ev_next);
        r->step.fault = false;
        r->stands[a->slot] = r->live[a->slot] = false;
    }
}

static void on_nil(runner *r, const asked *a, const char *line, const char *expected)
{
    if (strcmp(line, expected) != 0) {
        runner_break(r, a, level_map, "panic", "nil-map",
                     "request `%.60s`: the answer is `%.60s` instead of `%.60s`", a->text, line, expected);
    } else {
        runner_held(r, check_result);
    }
}

static void on_leak(runner *r, const asked *a, const char *line)
{
    int64_t n;
    if (!take_count(r, a, line, &n)) {
        return;
    }
    if (n != 0) {
        runner_break(r, a, level_memory, "memory", "leak", "%" PRId64 " blocks are left when the map is gone",
                     n);
    } else {
        runner_held(r, check_leak);
    }
}

static void judge(runner *r, const asked *a, char *line, const char *expected)
{
    if (starts(line, "panic")) {
        on_panic(r, a, line, expected);
        return;
    }
    if (starts(expected, "panic") && a->what != req_nil) {
        if (r->structure || (a->what != req_iter && a->what != req_next)) {
            runner_break(r, a, level_map, "panic", "missing",
                         "request `%.60s`: the answer is `%.60s` instead of `%.120s`", a->text, line,
                         expected);
            return;
        }
    } else {
        runner_held(r, check_no_panic);
    }
    switch (a->what) {
    case req_map:
        on_map(r, a, line);
        break;
    case req_set:
        on_set(r, a, line);
        break;
    case req_get:
        on_get(r, a, line);
        break;
    case req_del:
    case req_clear:
        on_del_or_clear(r, a, line);
        break;
    case req_len:
        on_len(r, a, line);
        break;
    case req_iter:
    case req_next:
        on_step(r, a, line);
        break;
    case req_end:
        if (take_ok(r, a, line)) {
            r->stands[a->slot] = r->live[a->slot] = false;
            memset(&r->its[a->slot], 0, sizeof r->its[0]);
            r->shown.count = (intptr_t)model_count();
            ask_models(r, a, ev_end);
        }
        break;
    case req_seed:
    case req_fail:
        take_ok(r, a, line);
        break;
    case req_dump:
        on_dump(r, a, line, expected);
        break;
    case req_free:
        on_leak(r, a, line);
        break;
    case req_nil:
        on_nil(r, a, line, expected);
        break;
    }
}

static void on_fault(runner *r, const asked *a)
{
    static const char *const rules[] = {"well", "hang", "crash", "closed-output", "too-long"};
    runner_break(r, a, level_protocol, "child", rules[r->c->child.fault], "request `%.60s`: %s", a->text,
                 r->c->child.why);
}

/* A step that only the port takes: where its iterator stands counts. */
static void take_local(runner *r, const asked *a)
{
    const hiter *it = &r->ref.its[a->slot];
    key_facts f = {.n = 0};
    uint32_t payload;
    port_answer(&r->ref, a->text);
    r->live[a->slot] = it->key != NULL;
    r->stands[a->slot] = it->key != NULL && key_read(r->ref.key, it->key, &f, &payload);
    r->at[a->slot] = f.n;
}

/* What the port answers, and NULL where it is not asked. */
static const char *expect(runner *r, const asked *a)
{
    if (a->what == req_fail || a->what == req_free) {
        return "ok";
    }
    const char *said = port_answer(&r->ref, a->text);
    if (said == NULL || strcmp(said, "unsupported") == 0) {
        fprintf(stderr, "gomap-conform: the port does not know its own request: %.80s\n", a->text);
        abort();
    }
    return said;
}

/* The oldest request's answer. */
void runner_take(runner *r)
{
    asked a = r->ring[r->first];
    r->first = (r->first + 1) % runner_window;
    r->due--;
    if (a.local) {
        if (!r->stop) {
            take_local(r, &a);
        }
        free(a.text);
        return;
    }
    char *line = r->stop ? NULL : peer_line(&r->c->child);
    if (r->stop) {
        free(a.text);
        return;
    }
    if (line == NULL) {
        on_fault(r, &a);
    } else if (strcmp(line, "unsupported") == 0) {
        refused(r, &a);
    } else if (strcmp(line, "nomem") == 0) {
        on_nomem(r, &a);
    } else {
        judge(r, &a, line, expect(r, &a));
        if (r->c->child.fault != peer_well && !r->stop) {
            on_fault(r, &a); /* in the middle of a dump */
        }
        if (r->how->saw != NULL && r->ref.h != NULL) {
            r->how->saw(r->how->ctx, &r->ref);
        }
    }
    if (!r->stop) {
        runner_held(r, check_answer);
    }
    if (!r->stop && r->due == 0 && r->how->in_step) {
        if (peer_has_more(&r->c->child)) {
            const char *more = peer_line(&r->c->child);
            runner_break(r, &a, level_protocol, "child", "unasked",
                         "request `%.60s` was answered, and then came `%.60s`", a.text,
                         more != NULL ? more : "something without a newline");
        } else {
            runner_held(r, check_asked);
        }
    }
    free(a.text);
}
