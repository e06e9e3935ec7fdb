/* SPDX-License-Identifier: BSD-3-Clause
 *
 * draw.c: a map as a picture; see draw.h.
 *
 * Buckets are rows, from top to bottom, then in columns; overflow buckets
 * follow their bucket, indented.  The more rows, the smaller the slots: first
 * their text goes, then the numbers of buckets.
 */
#include "draw.h"

#include <inttypes.h>
#include <stdlib.h>

typedef struct scale {
    uintptr_t rows;        /* up to so many buckets */
    unsigned width, pitch; /* of a slot; from row to row */
    unsigned height;
    unsigned font, chars; /* size of the text in slots, 0: none; how many characters have room */
    unsigned columns;     /* of one array */
    unsigned gutter;      /* to the left of a bucket, for its number */
} scale;

static const scale scales[] = {
    {40, 48, 30, 24, 12, 6, 1, 56},
    {400, 30, 18, 14, 9, 5, 4, 46},
    {4000, 7, 10, 7, 0, 0, 11, 40},
    {UINTPTR_MAX, 3, 4, 3, 0, 0, 30, 12},
};

enum { margin = 20, line = 18, least_width = 1080, title_chars = 60, iter_chars = 158 };

/* The states of a slot: those of a tophash below minTopHash, and an entry. */
enum { state_live = minTopHash, states };
static const char *const state_class[states] = {"rest", "one", "x", "y", "empty", "live"};
static const char *const state_fill[states] = {"#fff", "#fff1a8", "#cfe0ff", "#ffd3b0", "#ddd", "#a8dba8"};
static const char *const state_letter[states] = {"", "-", "X", "Y", "E", ""};
static const char *const state_words[states] = {
    "emptyRest: empty, and so is all behind it",
    "emptyOne: empty",
    "evacuatedX: moved to the same number",
    "evacuatedY: moved to number + old size",
    "evacuatedEmpty: was empty",
    "an entry, with its key",
};

static const char *const iter_colour[oracle_iters] = {"#c2185b", "#1a56db", "#00796b", "#8a4b00"};

typedef struct drawing {
    const trace *tr;
    const maptype *t;
    hmap *h;
    const hiter *its;
    FILE *out;
    const scale *s;
    uintptr_t slots[states]; /* how many there are */
} drawing;

/* ---- text ----------------------------------------------------------------- */

/* A sink that keeps the first line, as much of it as has room. */
typedef struct first_line {
    char text[256];
    size_t length, room;
    bool over, cut;
} first_line;

static void keep_first_line(void *ctx, const char *s, size_t n)
{
    first_line *l = ctx;
    for (size_t i = 0; i < n && !l->over; i++) {
        l->over = s[i] == '\n';
        if (!l->over && l->length < l->room) {
            l->text[l->length++] = s[i];
        } else if (!l->over) {
            l->cut = true;
        }
    }
    l->text[l->length] = '\0';
}

static void put_text(FILE *out, const char *s)
{
    for (; *s != '\0'; s++) {
        switch (*s) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        default:
            fputc(*s, out);
            break;
        }
    }
}

static void put_line(FILE *out, const first_line *l)
{
    put_text(out, l->text);
    fputs(l->cut ? "..." : "", out);
}

static void put_value(FILE *out, const rtype *t, bool indirect, void *slot)
{
    first_line l = {.room = title_chars};
    void *p = indirect ? gm_loadp(slot) : slot;
    if (p == NULL) {
        fputs("missing", out);
        return;
    }
    gm_dump_value(t, p, (gm_sink){keep_first_line, &l});
    put_line(out, &l);
}

/* ---- walking -------------------------------------------------------------- */

static unsigned state_of(const bmap *b, unsigned i)
{
    return b->tophash[i] < minTopHash ? b->tophash[i] : state_live;
}

/* The most buckets that a chain of this array can have, unless it leads back.
 * The list of overflow buckets may do that, too: there are only so many blocks. */
static uintptr_t longest(void *buckets)
{
    uintptr_t n = 0, blocks = gm_mem_stats_get().live_blocks;
    for (const gm_block *b = gm_gen_of(buckets)->overflow; b != NULL && n < blocks; b = b->next) {
        n++;
    }
    return n + gm_gen_of(buckets)->nbuckets;
}

static bmap *main_bucket(const drawing *d, void *buckets, uintptr_t n)
{
    return add(buckets, n * d->t->bucketsize);
}

/* The rows that an array takes; counts its slots by their state. */
static uintptr_t measure(drawing *d, void *buckets)
{
    uintptr_t rows = 0, most = longest(buckets);
    for (uintptr_t n = 0; n < bucketShift(gm_gen_of(buckets)->B); n++) {
        uintptr_t depth = 0;
        for (bmap *b = main_bucket(d, buckets, n); b != NULL && depth < most; b = bmap_overflow(b, d->t)) {
            for (unsigned i = 0; i < bucketCnt; i++) {
                d->slots[state_of(b, i)]++;
            }
            depth++;
        }
        rows += depth;
    }
    return rows;
}

/* ---- slots and buckets ---------------------------------------------------- */

/* What key this is: as people write it or, where that is too long, its number. */
static void put_key(const drawing *d, void *slot)
{
    char name[64];
    key_facts facts;
    uint32_t payload;
    void *p = maptype_indirectkey(d->t) ? gm_loadp(slot) : slot;
    if (p == NULL || !key_read((key_kind)d->tr->key, p, &facts, &payload)) {
        fputs("?", d->out);
        return;
    }
    key_name((key_kind)d->tr->key, facts.n, name, sizeof name);
    if (strlen(name) > d->s->chars) {
        snprintf(name, sizeof name, "#%u", (unsigned)facts.n);
    }
    if (strlen(name) <= d->s->chars) {
        put_text(d->out, name);
    }
}

static void draw_slot(const drawing *d, bmap *b, unsigned i)
{
    unsigned state = state_of(b, i), x = i * d->s->width;
    void *k = add(b, dataOffset + (uintptr_t)i * d->t->keysize);
    void *e = add(b, dataOffset + bucketCnt * (uintptr_t)d->t->keysize + (uintptr_t)i * d->t->elemsize);
    fprintf(d->out, "<rect class=\"slot %s\" x=\"%u\" width=\"%u\" height=\"%u\"", state_class[state], x,
            d->s->width, d->s->height);
    if (state == state_live) {
        fprintf(d->out, "><title>%02x:", b->tophash[i]);
        put_value(d->out, d->t->key, maptype_indirectkey(d->t), k);
        fputs("=", d->out);
        put_value(d->out, d->t->elem, maptype_indirectelem(d->t), e);
        fputs("</title></rect>", d->out);
    } else {
        fputs("/>", d->out);
    }
    if (d->s->font != 0 && state != emptyRest) {
        fprintf(d->out, "<text class=\"in\" x=\"%u\" y=\"%u\">", x + d->s->width / 2,
                d->s->height / 2 + d->s->font / 3 + 1);
        if (state == state_live) {
            put_key(d, k);
        } else {
            fputs(state_letter[state], d->out);
        }
        fputs("</text>", d->out);
    }
    fputc('\n', d->out);
}

/* A frame around a slot, and the iterator's letter at a corner of its own:
 * dashed and hollow where it began, solid where it stands. */
static void draw_frame(const drawing *d, unsigned iter, unsigned slot, bool stands)
{
    int x = (int)(slot * d->s->width), w = (int)d->s->width, h = (int)d->s->height, out = (int)iter;
    const char *colour = iter_colour[iter];
    fprintf(d->out, "<rect class=\"frame\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" stroke=\"%s\"%s/>",
            x - out, -out, w + 2 * out, h + 2 * out, colour, stands ? "" : " stroke-dasharray=\"3 2\"");
    if (d->s->font != 0) {
        int cx = iter % 2 == 0 ? x + (stands ? 0 : 11) : x + w - (stands ? 0 : 11), cy = iter < 2 ? 0 : h;
        fprintf(d->out,
                "<circle cx=\"%d\" cy=\"%d\" r=\"5.5\" fill=\"%s\" stroke=\"%s\"/>"
                "<text class=\"tag\" x=\"%d\" y=\"%d\" style=\"fill:%s\">%c</text>",
                cx, cy, stands ? colour : "#fff", colour, cx, cy + 3, stands ? "#fff" : colour,
                'a' + (char)iter);
    }
    fputc('\n', d->out);
}

static void draw_iterators(const drawing *d, void *buckets, uintptr_t n, const bmap *b, uintptr_t depth)
{
    for (unsigned i = 0; i < oracle_iters; i++) {
        const hiter *it = &d->its[i];
        if (it->h == NULL) {
            continue;
        }
        if (it->buckets == buckets && it->startBucket == n && depth == 0) {
            draw_frame(d, i, it->offset % bucketCnt, false);
        }
        if (it->bptr == b && it->i > 0) {
            draw_frame(d, i, (it->i - 1U + it->offset) % bucketCnt, true);
        }
    }
}

static void draw_bucket(const drawing *d, const char *name, void *buckets, uintptr_t n, bmap *b,
                        uintptr_t depth, unsigned x, unsigned y)
{
    const scale *s = d->s;
    int middle = (int)s->height / 2;
    fprintf(d->out, "<g id=\"%s-%" PRIuPTR, name, n);
    if (depth > 0) {
        fprintf(d->out, ".%" PRIuPTR, depth);
    }
    fprintf(d->out, "\" transform=\"translate(%u %u)\">\n", x, y);
    if (depth > 0) { /* from the bucket above it */
        fprintf(d->out, "<path class=\"link\" d=\"M-%u %dV%dH0\"/>\n", s->gutter / 5,
                middle - (int)(depth == 1 ? s->pitch - s->height / 2 : s->pitch), middle);
    } else if (s->pitch >= 10) {
        fprintf(d->out, "<text class=\"number\" x=\"-%u\" y=\"%d\">%" PRIuPTR "</text>\n", s->gutter / 5 + 4,
                middle + 4, n);
        if (bmap_overflow(b, d->t) != NULL) {
            fprintf(d->out, "<path class=\"link\" d=\"M0 %dH-%uV%u\"/>\n", middle, s->gutter / 5, s->height);
        }
    }
    for (unsigned i = 0; i < bucketCnt; i++) {
        draw_slot(d, b, i);
    }
    draw_iterators(d, buckets, n, b, depth);
    fputs("</g>\n", d->out);
}

/* ---- arrays --------------------------------------------------------------- */

static unsigned column_width(const scale *s)
{
    return s->gutter + bucketCnt * s->width + margin;
}

/* Draws an array with its title at the top left corner x, y; returns where it
 * ends at the bottom. */
static unsigned draw_array(const drawing *d, void *buckets, bool old, uintptr_t rows, unsigned x, unsigned y)
{
    const gm_gen *g = gm_gen_of(buckets);
    const scale *s = d->s;
    uintptr_t nmain = bucketShift(g->B), most = longest(buckets);
    uintptr_t height = (rows + s->columns - 1) / s->columns;
    fprintf(d->out, "<text class=\"title\" x=\"%u\" y=\"%u\">%s: %" PRIuPTR " + %" PRIuPTR " in the tail", x,
            y + line - 4, old ? "oldbuckets" : "buckets", nmain, g->nbuckets - nmain);
    if (old) {
        fprintf(d->out, "; nevacuate=%" PRIuPTR " <tspan class=\"mark\">(red)</tspan>", d->h->nevacuate);
    }
    fputs("</text>\n", d->out);

    unsigned top = y + line + 8, bottom = top;
    uintptr_t row = 0; /* in this column */
    x += s->gutter;
    for (uintptr_t n = 0; n < nmain; n++) {
        if (row >= height) {
            row = 0;
            x += column_width(s);
        }
        if (old && n == d->h->nevacuate) {
            unsigned at = top + (unsigned)row * s->pitch - (s->pitch - s->height) / 2;
            fprintf(d->out, "<path class=\"evacuation\" d=\"M%u %uH%u\"/>\n", x - s->gutter / 2, at,
                    x + bucketCnt * s->width + 8);
        }
        bmap *b = main_bucket(d, buckets, n);
        for (uintptr_t depth = 0; b != NULL && depth < most; depth++, row++) {
            unsigned at = top + (unsigned)row * s->pitch;
            draw_bucket(d, old ? "old" : "new", buckets, n, b, depth, x, at);
            bottom = at + s->pitch > bottom ? at + s->pitch : bottom;
            b = bmap_overflow(b, d->t);
        }
        if (b != NULL) {
            fprintf(d->out, "<text class=\"mark\" x=\"%u\" y=\"%u\">leads back</text>\n",
                    x + bucketCnt * s->width + 4, top + (unsigned)row * s->pitch);
        }
    }
    return bottom + margin;
}

/* ---- the picture ---------------------------------------------------------- */

static const char style[] = "<style>\n"
                            "text{font:11px monospace;fill:#222}\n"
                            ".title{font-weight:bold;font-size:12px}\n"
                            ".number{text-anchor:end}\n"
                            ".tag{text-anchor:middle;font-size:9px;font-weight:bold}\n"
                            ".mark{fill:#d00}\n"
                            ".evacuation{stroke:#d00;stroke-width:2;fill:none}\n"
                            ".link{stroke:#666;fill:none}\n"
                            ".frame{stroke-width:2;fill:none}\n"
                            ".slot{stroke:#888;stroke-width:.5}\n";

/* The top: what was done last, the map's own fields, the legend. */
static unsigned draw_head(const drawing *d, size_t n)
{
    char text[160];
    unsigned y = margin + line - 6;
    fprintf(d->out, "<text class=\"title\" x=\"%d\" y=\"%u\">", margin, y);
    if (n > 0 && n <= d->tr->nops) {
        op_print(d->tr, &d->tr->ops[n - 1], text, sizeof text);
        fprintf(d->out, "after op #%zu of %zu: ", n, d->tr->nops);
        put_text(d->out, text);
    } else {
        fprintf(d->out, "after the last op");
    }
    trace_print_header(d->tr, text, sizeof text);
    fprintf(d->out, "</text>\n<text x=\"%d\" y=\"%u\">", margin, y += line);
    put_text(d->out, text);

    first_line l = {.room = sizeof l.text - 1};
    gm_dump(d->t, d->h, (gm_sink){keep_first_line, &l});
    fprintf(d->out, "</text>\n<text x=\"%d\" y=\"%u\">", margin, y += line);
    put_line(d->out, &l);
    fputs("</text>\n", d->out);

    for (unsigned i = 0; i < states; i++) {
        unsigned state = (i + state_live) % states; /* entries first */
        unsigned x = margin + i % 3 * (least_width / 3), at = y + line * (1 + i / 3);
        /* Not the class of a state: who counts those counts the map's slots. */
        fprintf(d->out,
                "<path class=\"slot legend-%s\" d=\"M%u %uh22v12h-22z\"/><text x=\"%u\" y=\"%u\">%s%s%s "
                "(%" PRIuPTR ")</text>\n",
                state_class[state], x, at - 9, x + 28, at + 1, state_letter[state],
                state_letter[state][0] != '\0' ? " " : "", state_words[state], d->slots[state]);
    }
    return y + 3 * line + margin / 2;
}

static unsigned draw_iterator_lines(const drawing *d, unsigned y)
{
    bool any = false;
    for (unsigned i = 0; i < oracle_iters; i++) {
        if (d->its[i].h == NULL) {
            continue;
        }
        if (!any) {
            fprintf(d->out,
                    "<text class=\"title\" x=\"%d\" y=\"%u\">iterators: a dashed frame where one began, a "
                    "solid one where it stands</text>\n",
                    margin, y += line);
            any = true;
        }
        first_line l = {.room = iter_chars};
        gm_dump_iter(&d->its[i], (gm_sink){keep_first_line, &l});
        fprintf(d->out, "<text x=\"%d\" y=\"%u\"><tspan font-weight=\"bold\" fill=\"%s\">%c</tspan> ", margin,
                y += line, iter_colour[i], 'a' + (char)i);
        put_line(d->out, &l);
        fputs("</text>\n", d->out);
    }
    return y;
}

static void draw_map(drawing *d, size_t n, FILE *out)
{
    void *arrays[2] = {d->h->oldbuckets, d->h->buckets};
    uintptr_t rows[2] = {0, 0};
    for (int a = 0; a < 2; a++) {
        rows[a] = arrays[a] != NULL ? measure(d, arrays[a]) : 0;
    }
    d->s = scales;
    while (rows[0] + rows[1] > d->s->rows) {
        d->s++;
    }

    /* The size of the picture is known at its end only, and stands at its head. */
    char *text = NULL;
    size_t size;
    d->out = open_memstream(&text, &size);
    if (d->out == NULL) {
        return;
    }
    unsigned y = draw_head(d, n), bottom = y, x = margin;
    for (int a = 0; a < 2; a++) {
        if (arrays[a] == NULL) {
            continue;
        }
        unsigned end = draw_array(d, arrays[a], a == 0, rows[a], x, y);
        bottom = end > bottom ? end : bottom;
        if (d->s->columns == 1) {
            x += column_width(d->s) + margin; /* side by side */
        } else {
            y = end;
        }
    }
    if (arrays[1] == NULL) {
        fprintf(d->out, "<text class=\"title\" x=\"%d\" y=\"%u\">no buckets yet</text>\n", margin, y + line);
        bottom += 2 * line;
    }
    bottom = draw_iterator_lines(d, bottom) + margin;
    fclose(d->out);

    unsigned width = d->s->columns * column_width(d->s) + 2 * margin;
    width = width > least_width + 2 * margin ? width : least_width + 2 * margin;
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" viewBox=\"0 0 %u %u\">\n%s",
            width, bottom, width, bottom, style);
    for (unsigned i = 0; i < states; i++) {
        fprintf(out, ".%s,.legend-%s{fill:%s}\n", state_class[i], state_class[i], state_fill[i]);
    }
    fprintf(out, ".in{text-anchor:middle;font-size:%upx}\n.number{font-size:%dpx}\n</style>\n", d->s->font,
            d->s->pitch < 14 ? 8 : 11);
    fprintf(out, "<rect width=\"%u\" height=\"%u\" fill=\"#fff\"/>\n", width, bottom);
    fwrite(text, 1, size, out);
    fputs("</svg>\n", out);
    free(text);
}

/* ---- the run -------------------------------------------------------------- */

typedef struct artist {
    report_context *c;
    size_t at; /* draw after this op */
    FILE *out;
    bool drawn;
} artist;

static void paint(artist *a, size_t n, const maptype *t, hmap *h, const hiter *its)
{
    drawing d = {.tr = a->c->tr, .t = t, .h = h, .its = its};
    draw_map(&d, n, a->out);
    a->drawn = true;
}

static void paint_after(void *ctx, size_t n, const maptype *t, hmap *h, const hiter *its)
{
    artist *a = ctx;
    if (n == a->at) {
        paint(a, n, t, h, its);
    }
}

/* A map that is gone by now is drawn as it was after the last op. */
static void paint_failure(void *ctx, const oracle_step *s, const run_result *r)
{
    artist *a = ctx;
    report_failure(a->c, s, r);
    if (s->h != NULL && s->event != ev_free && s->event != ev_finish) {
        paint(a, r->op != 0 ? r->op : r->ops, s->t, s->h, s->its);
    }
}

bool draw_trace(report_context *c, size_t until, run_result *r, FILE *out)
{
    artist a = {.c = c, .out = out};
    *r = run_trace(c->tr, c->target, &(run_options){.until = until, .failed = paint_failure, .ctx = &a});
    if (!a.drawn && r->ops > 0) {
        /* Only now it is known which op was the last: the budget of a run may end it. */
        a.at = r->ops;
        run_trace(c->tr, c->target, &(run_options){.until = r->ops, .after = paint_after, .ctx = &a});
    }
    return a.drawn;
}
