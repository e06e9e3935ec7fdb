/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ops.c: the trace formats of FORMAT.md: bytes, ops, text, and every way
 * between them.
 *
 * The binary form is for fuzzers: no byte string is an error, and ops have one
 * size, so that cutting and splicing keeps the rest in step.  The text form is
 * for people: every mistake is an error with its place.  In between stands the
 * trace, in which each meaning has exactly one spelling; that makes both round
 * trips exact.
 */
#include "ops.h"

#include <inttypes.h>
#include <stdarg.h>

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

#if defined(__GNUC__)
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first)
#endif

const char *const op_maker_names[op_makers] = {
    [make_map] = "makemap",
    [make_map64] = "makemap64",
    [make_map_small] = "makemap_small",
    [make_map_reflect] = "reflect_makemap",
    [make_map_own] = "own",
};

static const char *const mode_names[] = {[gm_exact] = "exact", [gm_strict] = "strict"};

/* ---- meanings with several spellings ----------------------------------- */

/* A hint is a 16-bit number shifted left, the result wrapped to 64 bits. */
static int64_t hint_join(int16_t mantissa, unsigned shift)
{
    uint64_t wrapped = (uint64_t)(int64_t)mantissa << shift;
    int64_t hint;
    memcpy(&hint, &wrapped, sizeof hint);
    return hint;
}

/* The smallest shift that gives hint.  48 is always enough: where a greater
 * one was used, all bits below 48 are zero.  False: hint has no such form, and
 * the result is its top 16 bits. */
static bool hint_split(int64_t hint, int16_t *mantissa, unsigned *shift)
{
    for (unsigned s = 0;; s++) {
        int64_t unit = (int64_t)1 << s;
        int64_t m = hint / unit;
        bool exact = hint % unit == 0 && m >= INT16_MIN && m <= INT16_MAX;
        if (exact || s == 48) {
            *mantissa = (int16_t)m;
            *shift = s;
            return exact;
        }
    }
}

int64_t trace_hint(int64_t hint)
{
    unsigned shift = 0;
    for (; hint > INT16_MAX || hint < INT16_MIN; shift++) {
        hint /= 2;
    }
    return hint * ((int64_t)1 << shift);
}

/* The step of a single key means nothing. */
static uint16_t step_of(unsigned count, unsigned step)
{
    return (uint16_t)(count == 1 ? 1 : step);
}

/* ---- bytes ------------------------------------------------------------- */

/* The low five bits of an op's first byte pick its code here.  The more lines,
 * the livelier random bytes: a map has to live for a while to get anywhere. */
static const uint8_t code_table[32] = {
    op_assign, op_assign, op_assign, op_assign, op_assign, op_assign, op_assign, op_assign, /* 0 */
    op_delete, op_delete, op_delete, op_delete,                                             /* 8 */
    op_get,    op_get,    op_get,                                                           /* 12 */
    op_set_at, op_set_at,                                                                   /* 15 */
    op_del_at, op_del_at,                                                                   /* 17 */
    op_get_at,                                                                              /* 19 */
    op_iter,   op_iter,                                                                     /* 20 */
    op_next,   op_next,   op_next,                                                          /* 22 */
    op_end,    op_clear,  op_check,  op_fail,   op_seed,   op_make,   op_nil,               /* 25 */
};

/* Counted ops come in two widths.  Most selectors take small counts, so that
 * random bytes interleave ops finely and a run stays cheap; the others reach
 * far in four bytes. */
enum { few = 8 };

static bool is_wide(unsigned selector)
{
    return selector == 7 || selector == 11 || selector == 14 || selector == 24;
}

static unsigned get16(const uint8_t *b)
{
    return (unsigned)(b[0] | b[1] << 8);
}

static int16_t as_int16(unsigned bits)
{
    return (int16_t)(bits < 0x8000 ? (int)bits : (int)bits - 0x10000);
}

static void put16(uint8_t *b, unsigned v)
{
    b[0] = (uint8_t)v;
    b[1] = (uint8_t)(v >> 8);
}

static void op_decode(op *o, const uint8_t b[trace_op_bytes])
{
    unsigned hi = b[0] >> 5;
    unsigned n = b[1];
    unsigned key = get16(b + 2);

    memset(o, 0, sizeof *o);
    o->code = code_table[b[0] & 31];
    bool wide = is_wide(b[0] & 31);
    switch ((op_code)o->code) {
    case op_assign:
    case op_delete:
    case op_get:
        o->count = (uint16_t)(n % (wide ? op_max_keys : few) + 1);
        o->step = step_of(o->count, 1U << hi);
        o->key = (uint16_t)key;
        break;
    case op_next:
        n %= wide ? op_max_steps + 1 : few;
        o->all = wide && n == op_max_steps;
        o->count = (uint16_t)(o->all ? 0 : n + 1);
        o->iter = hi & 3;
        break;
    case op_set_at:
    case op_del_at:
    case op_get_at:
    case op_iter:
    case op_end:
        o->iter = hi & 3;
        break;
    case op_fail:
        o->count = (uint16_t)(hi + 1);
        o->key = (uint16_t)key;
        break;
    case op_seed:
    case op_nil:
        o->key = (uint16_t)key;
        break;
    case op_make:
        o->maker = (uint8_t)(hi % op_makers);
        o->hint = hint_join(as_int16(key), n & 63);
        break;
    case op_clear:
    case op_check:
    case op_codes:
        break;
    }
}

void trace_decode(trace *tr, const uint8_t *data, size_t size)
{
    uint8_t h[trace_header_bytes] = {0};
    if (size != 0) {
        memcpy(h, data, size < sizeof h ? size : sizeof h);
    }
    tr->key = h[0] % key_kinds;
    tr->elem = h[1] % elem_kinds;
    tr->hash = h[2] % hash_kinds;
    tr->mode = h[3] & 1;
    tr->maker = (uint8_t)((h[3] >> 1 & 7) % op_makers);
    tr->hint = hint_join(as_int16(get16(h + 4)), h[6] & 63);
    tr->seed = get16(h + 8) | (uint32_t)get16(h + 10) << 16;
    tr->nops = 0;

    for (size_t at = trace_header_bytes; at < size && tr->nops < trace_max_ops; at += trace_op_bytes) {
        uint8_t b[trace_op_bytes] = {0};
        memcpy(b, data + at, size - at < sizeof b ? size - at : sizeof b);
        op_decode(&tr->ops[tr->nops++], b);
    }
}

static uint8_t code_byte(unsigned code, bool wide, unsigned hi)
{
    unsigned i = 0;
    while (i < COUNT(code_table) - 1 && (code_table[i] != code || is_wide(i) != wide)) {
        i++;
    }
    return (uint8_t)(i | hi << 5);
}

void op_encode(const op *o, uint8_t b[trace_op_bytes])
{
    unsigned hi = 0, n = 0, key = o->key, shift;
    int16_t mantissa;

    switch ((op_code)o->code) {
    case op_assign:
    case op_delete:
    case op_get:
        n = o->count - 1U;
        while (hi < 7 && 1U << hi < o->step) {
            hi++;
        }
        break;
    case op_next:
        n = o->all ? op_max_steps : o->count - 1U;
        hi = o->iter;
        break;
    case op_set_at:
    case op_del_at:
    case op_get_at:
    case op_iter:
    case op_end:
        hi = o->iter;
        break;
    case op_fail:
        hi = o->count - 1U;
        break;
    case op_make:
        hint_split(o->hint, &mantissa, &shift);
        hi = o->maker;
        n = shift;
        key = (unsigned)mantissa & 0xffff;
        break;
    case op_seed:
    case op_nil:
    case op_clear:
    case op_check:
    case op_codes:
        break;
    }
    bool counted = o->code == op_assign || o->code == op_delete || o->code == op_get || o->code == op_next;
    b[0] = code_byte(o->code, counted && n >= few, hi & 7);
    b[1] = (uint8_t)n;
    put16(b + 2, key);
}

size_t trace_encode(const trace *tr, uint8_t out[trace_max_bytes])
{
    int16_t mantissa;
    unsigned shift;
    hint_split(tr->hint, &mantissa, &shift);
    out[0] = tr->key;
    out[1] = tr->elem;
    out[2] = tr->hash;
    out[3] = (uint8_t)(tr->mode | tr->maker << 1);
    put16(out + 4, (unsigned)mantissa & 0xffff);
    out[6] = (uint8_t)shift;
    out[7] = 0;
    put16(out + 8, tr->seed & 0xffff);
    put16(out + 10, tr->seed >> 16);

    size_t at = trace_header_bytes;
    for (size_t i = 0; i < tr->nops; i++, at += trace_op_bytes) {
        op_encode(&tr->ops[i], out + at);
    }
    return at;
}

/* ---- text out ---------------------------------------------------------- */

static const char *const code_words[op_codes] = {
    [op_assign] = "assign", [op_delete] = "delete", [op_get] = "get",     [op_set_at] = "assign",
    [op_del_at] = "delete", [op_get_at] = "get",    [op_clear] = "clear", [op_iter] = "iter",
    [op_next] = "next",     [op_end] = "end",       [op_check] = "check", [op_fail] = "fail",
    [op_seed] = "seed",     [op_make] = "make",     [op_nil] = "nil",
};

void trace_print_header(const trace *tr, char *out, size_t cap)
{
    snprintf(out, cap, "map key=%s elem=%s hash=%s hint=%" PRId64 " seed=%" PRIu32 " mode=%s%s%s",
             key_kind_names[tr->key], elem_kind_names[tr->elem], hash_kind_names[tr->hash], tr->hint,
             tr->seed, mode_names[tr->mode],
             tr->maker == make_map ? "" : " maker=", tr->maker == make_map ? "" : op_maker_names[tr->maker]);
}

static void print_range(const op *o, char *out, size_t cap)
{
    const char *word = code_words[o->code];
    unsigned key = o->key, last = key + (o->count - 1U) * o->step;
    char step[16] = "";
    if (o->step != 1) {
        snprintf(step, sizeof step, " step %u", (unsigned)o->step);
    }

    if (o->count == 1) {
        snprintf(out, cap, "%s %u", word, key);
    } else if (last < key_numbers) {
        snprintf(out, cap, "%s %u..%u%s", word, key, last, step);
    } else {
        snprintf(out, cap, "%s %u x%u%s", word, key, (unsigned)o->count, step);
    }
}

void op_print(const trace *tr, const op *o, char *out, size_t cap)
{
    (void)tr; /* keys are printed as numbers, whatever their kind */
    const char *word = code_words[o->code];
    char slot = (char)('a' + o->iter);

    switch ((op_code)o->code) {
    case op_assign:
    case op_delete:
    case op_get:
        print_range(o, out, cap);
        break;
    case op_set_at:
    case op_del_at:
    case op_get_at:
        snprintf(out, cap, "%s @%c", word, slot);
        break;
    case op_next:
        if (o->all) {
            snprintf(out, cap, "%s %c x*", word, slot);
        } else if (o->count == 1) {
            snprintf(out, cap, "%s %c", word, slot);
        } else {
            snprintf(out, cap, "%s %c x%u", word, slot, (unsigned)o->count);
        }
        break;
    case op_iter:
    case op_end:
        snprintf(out, cap, "%s %c", word, slot);
        break;
    case op_fail:
        if (o->count == 1) {
            snprintf(out, cap, "%s after %u", word, (unsigned)o->key);
        } else {
            snprintf(out, cap, "%s after %u x%u", word, (unsigned)o->key, (unsigned)o->count);
        }
        break;
    case op_seed:
    case op_nil:
        snprintf(out, cap, "%s %u", word, (unsigned)o->key);
        break;
    case op_make:
        snprintf(out, cap, "%s hint=%" PRId64 "%s%s", word, o->hint,
                 o->maker == make_map ? "" : " maker=", o->maker == make_map ? "" : op_maker_names[o->maker]);
        break;
    case op_clear:
    case op_check:
    case op_codes:
        snprintf(out, cap, "%s", word);
        break;
    }
}

void trace_print(const trace *tr, FILE *out)
{
    char line[256];
    trace_print_header(tr, line, sizeof line);
    fprintf(out, "%s\n", line);
    for (size_t i = 0; i < tr->nops; i++) {
        op_print(tr, &tr->ops[i], line, sizeof line);
        fprintf(out, "%s\n", line);
    }
}

/* ---- text in ----------------------------------------------------------- */

/* One line, without its end and its comment. */
typedef struct scanner {
    const char *line, *at, *end;
    unsigned number; /* of the line */
    trace_error *err;
} scanner;

/* Notes an error at the given place of the line and returns false. */
PRINTF_LIKE(3, 4)
static bool wrong(scanner *s, const char *where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->err->message, sizeof s->err->message, format, args);
    va_end(args);
    s->err->line = s->number;
    s->err->column = (unsigned)(where - s->line) + 1;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks(scanner *s)
{
    while (s->at < s->end && is_blank(*s->at)) {
        s->at++;
    }
}

/* The end of the word that begins at p. */
static const char *word_end(const scanner *s, const char *p)
{
    while (p < s->end && !is_blank(*p)) {
        p++;
    }
    return p;
}

/* What stands at p, in quotes and in a few printable characters, for messages. */
typedef struct found {
    char text[32];
} found;

static found found_at(const scanner *s, const char *p)
{
    found f;
    const char *end = word_end(s, p);
    size_t n = 0;
    if (p == end) {
        snprintf(f.text, sizeof f.text, "the end of the line");
        return f;
    }
    f.text[n++] = '"';
    for (; p < end && n < 16; p++) {
        f.text[n++] = *p;
    }
    if (p < end) {
        memcpy(f.text + n, "...", 3);
        n += 3;
    }
    f.text[n++] = '"';
    f.text[n] = '\0';
    for (size_t i = 0; i < n; i++) {
        if (f.text[i] < ' ' || f.text[i] > '~') {
            f.text[i] = '?';
        }
    }
    return f;
}

static bool expected(scanner *s, const char *where, const char *what)
{
    return wrong(s, where, "expected %s, found %s", what, found_at(s, where).text);
}

/* Takes the text at s->at if it is the given one. */
static bool take(scanner *s, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(s->end - s->at) < n || memcmp(s->at, text, n) != 0) {
        return false;
    }
    s->at += n;
    return true;
}

/* Takes a whole word that is the given one, and the blanks behind it. */
static bool take_word(scanner *s, const char *text)
{
    size_t n = strlen(text);
    if ((size_t)(word_end(s, s->at) - s->at) != n || !take(s, text)) {
        return false;
    }
    skip_blanks(s);
    return true;
}

/* Something has just been read: does the word end here? */
static bool finish_word(scanner *s)
{
    if (s->at < s->end && !is_blank(*s->at)) {
        return expected(s, s->at, "a blank or the end of the line");
    }
    skip_blanks(s);
    return true;
}

static bool finish_line(scanner *s)
{
    if (s->at < s->end) {
        return expected(s, s->at, "the end of the line");
    }
    return true;
}

/* Decimal digits, at most max. */
static bool digits(scanner *s, uint64_t min, uint64_t max, const char *what, uint64_t *v)
{
    const char *start = s->at;
    bool fits = true;
    *v = 0;
    for (; s->at < s->end && is_digit(*s->at); s->at++) {
        unsigned d = (unsigned)(*s->at - '0');
        fits = fits && d <= max && *v <= (max - d) / 10;
        if (fits) {
            *v = *v * 10 + d;
        }
    }
    if (s->at == start || !fits || *v < min) {
        return expected(s, start, what);
    }
    return true;
}

static bool parse_u16(scanner *s, const char *what, uint16_t *out)
{
    uint64_t v;
    if (!digits(s, 0, UINT16_MAX, what, &v)) {
        return false;
    }
    *out = (uint16_t)v;
    return true;
}

/* A key: a number, or a name that this kind of key knows. */
static bool parse_key(scanner *s, const trace *tr, uint16_t *key)
{
    if (s->at < s->end && is_digit(*s->at)) {
        return parse_u16(s, "a key number 0..65535", key);
    }

    const char *end = s->at;
    while (end < s->end && !is_blank(*end) && *end != '.') {
        end++;
    }
    int n = key_by_name((key_kind)tr->key, s->at, (size_t)(end - s->at));
    if (n < 0) {
        return wrong(s, s->at, "expected a key number 0..65535 or a name that %s keys have, found %s",
                     key_kind_names[tr->key], found_at(s, s->at).text);
    }
    *key = (uint16_t)n;
    s->at = end;
    return true;
}

static bool parse_slot(scanner *s, uint8_t *iter)
{
    const char *what = "an iterator: a, b, c or d";
    if (s->at == s->end || *s->at < 'a' || *s->at >= 'a' + trace_iters || word_end(s, s->at) != s->at + 1) {
        return expected(s, s->at, what);
    }
    *iter = (uint8_t)(*s->at - 'a');
    s->at++;
    return finish_word(s);
}

/* [xN], which stands for 1 if it is missing. */
static bool parse_times(scanner *s, uint64_t max, const char *what, uint16_t *count)
{
    uint64_t v = 1;
    if (take(s, "x") && (!digits(s, 1, max, what, &v) || !finish_word(s))) {
        return false;
    }
    *count = (uint16_t)v;
    return true;
}

/* key[..last] [xN] [step S] */
static bool parse_range(scanner *s, const trace *tr, op *o)
{
    const char *last_at = NULL;
    uint16_t last = 0;
    if (!parse_key(s, tr, &o->key)) {
        return false;
    }
    if (take(s, "..")) {
        last_at = s->at;
        if (!parse_key(s, tr, &last)) {
            return false;
        }
    }
    if (!finish_word(s)) {
        return false;
    }

    unsigned count = 1;
    if (last_at == NULL) {
        if (!parse_times(s, op_max_keys, "a count of keys 1..64 behind x", &o->count)) {
            return false;
        }
        count = o->count;
    }

    unsigned step = 1;
    if (take_word(s, "step")) {
        const char *what = "a step of 1, 2, 4, 8, 16, 32, 64 or 128";
        const char *step_at = s->at;
        uint64_t v;
        if (!digits(s, 1, 128, what, &v)) {
            return false;
        }
        if ((v & (v - 1)) != 0) {
            return expected(s, step_at, what);
        }
        if (!finish_word(s)) {
            return false;
        }
        step = (unsigned)v;
    }

    if (last_at != NULL) {
        if (last < o->key) {
            return wrong(s, last_at,
                         "expected a last key of at least %u; a range that wraps is written %u xN",
                         (unsigned)o->key, (unsigned)o->key);
        }
        unsigned distance = (unsigned)(last - o->key);
        if (distance % step != 0) {
            return wrong(s, last_at, "expected a last key that is %u plus a multiple of the step %u",
                         (unsigned)o->key, step);
        }
        count = distance / step + 1;
        if (count > op_max_keys) {
            return wrong(s, last_at, "expected a range of at most %d keys, found %u", op_max_keys, count);
        }
    }
    o->count = (uint16_t)count;
    o->step = step_of(count, step);
    return true;
}

/* A decimal number of 64 bits, or a 16-bit one << a shift below 64. */
static bool parse_hint(scanner *s, int64_t *hint)
{
    const char *start = s->at;
    const char *what = "a hint: a 16-bit number shifted left, like 1000 or -3<<40";
    bool negative = take(s, "-");
    uint64_t limit = (uint64_t)INT64_MAX + (negative ? 1 : 0);
    uint64_t v, shift;
    int16_t mantissa;
    unsigned canonical;

    if (!digits(s, 0, limit, what, &v)) {
        return expected(s, start, what); /* the sign belongs to what was found */
    }
    if (!negative) {
        *hint = (int64_t)v;
    } else {
        *hint = v == limit ? INT64_MIN : -(int64_t)v;
    }

    if (take(s, "<<")) {
        if (*hint < INT16_MIN || *hint > INT16_MAX) {
            return expected(s, start, "a number -32768..32767 before <<");
        }
        mantissa = (int16_t)*hint;
        if (!digits(s, 0, 63, "a shift 0..63 behind <<", &shift)) {
            return false;
        }
        *hint = hint_join(mantissa, (unsigned)shift);
    }
    if ((s->at < s->end && !is_blank(*s->at)) || !hint_split(*hint, &mantissa, &canonical)) {
        return expected(s, start, what);
    }
    skip_blanks(s);
    return true;
}

/* One of n names, as a whole word. */
static bool parse_name(scanner *s, const char *const *names, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        if (take_word(s, names[i])) {
            *out = (uint8_t)i;
            return true;
        }
    }
    char list[160] = ""; /* the longest, of the key kinds, takes 143 */
    size_t used = 0;
    for (size_t i = 0; i < n && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : " ", names[i]);
    }
    return expected(s, s->at, list);
}

static bool parse_header(scanner *s, trace *tr)
{
    enum { key, elem, hash, hint, seed, mode, maker, words };
    static const char *const names[words] = {"key=", "elem=", "hash=", "hint=", "seed=", "mode=", "maker="};
    bool given[words] = {false};

    while (s->at < s->end) {
        const char *start = s->at;
        unsigned w = 0;
        while (w < words && !take(s, names[w])) {
            w++;
        }
        if (w == words) {
            return expected(s, start, "key= elem= hash= hint= seed= mode= or maker=");
        }
        if (given[w]) {
            return wrong(s, start, "expected %s only once", names[w]);
        }
        given[w] = true;

        uint64_t v;
        bool ok = true;
        switch (w) {
        case key:
            ok = parse_name(s, key_kind_names, key_kinds, &tr->key);
            break;
        case elem:
            ok = parse_name(s, elem_kind_names, elem_kinds, &tr->elem);
            break;
        case hash:
            ok = parse_name(s, hash_kind_names, hash_kinds, &tr->hash);
            break;
        case hint:
            ok = parse_hint(s, &tr->hint);
            break;
        case seed:
            ok = digits(s, 0, UINT32_MAX, "a seed 0..4294967295", &v);
            if (ok) {
                tr->seed = (uint32_t)v;
                ok = finish_word(s);
            }
            break;
        case mode:
            ok = parse_name(s, mode_names, COUNT(mode_names), &tr->mode);
            break;
        default:
            ok = parse_name(s, op_maker_names, op_makers, &tr->maker);
            break;
        }
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool parse_make(scanner *s, op *o)
{
    bool hint = false, maker = false;
    while (s->at < s->end) {
        const char *start = s->at;
        bool *given = take(s, "hint=") ? &hint : take(s, "maker=") ? &maker : NULL;
        if (given == NULL) {
            return expected(s, start, "hint= or maker=");
        }
        if (*given) {
            return wrong(s, start, "expected %s only once", given == &hint ? "hint=" : "maker=");
        }
        *given = true;
        if (given == &hint) {
            if (!parse_hint(s, &o->hint)) {
                return false;
            }
        } else if (!parse_name(s, op_maker_names, op_makers, &o->maker)) {
            return false;
        }
    }
    return true;
}

static bool parse_next(scanner *s, op *o)
{
    if (!parse_slot(s, &o->iter)) {
        return false;
    }
    o->all = take_word(s, "x*");
    if (o->all) {
        return true;
    }
    return parse_times(s, op_max_steps, "a count of steps 1..63, or *, behind x", &o->count);
}

static bool parse_fail(scanner *s, op *o)
{
    if (!take_word(s, "after")) {
        return expected(s, s->at, "after and a number");
    }
    return parse_u16(s, "a count of allocations 0..65535", &o->key) && finish_word(s) &&
           parse_times(s, 8, "a count of failures 1..8 behind x", &o->count);
}

/* Everything behind the op's word. */
static bool parse_operands(scanner *s, const trace *tr, op *o)
{
    switch ((op_code)o->code) {
    case op_assign:
    case op_delete:
    case op_get:
        if (take(s, "@")) {
            o->code = (uint8_t)(o->code - op_assign + op_set_at);
            return parse_slot(s, &o->iter);
        }
        return parse_range(s, tr, o);
    case op_iter:
    case op_end:
        return parse_slot(s, &o->iter);
    case op_next:
        return parse_next(s, o);
    case op_fail:
        return parse_fail(s, o);
    case op_seed:
        return parse_u16(s, "a seed 0..65535", &o->key) && finish_word(s);
    case op_make:
        return parse_make(s, o);
    case op_nil:
        return parse_key(s, tr, &o->key) && finish_word(s);
    case op_set_at:
    case op_del_at:
    case op_get_at:
    case op_clear:
    case op_check:
    case op_codes:
        break;
    }
    return true;
}

static bool parse_op(scanner *s, trace *tr)
{
    const char *start = s->at;
    if (tr->nops == trace_max_ops) {
        return wrong(s, start, "expected at most %d ops", (int)trace_max_ops);
    }

    op *o = &tr->ops[tr->nops];
    memset(o, 0, sizeof *o);
    while (o->code < op_codes && !take_word(s, code_words[o->code])) {
        o->code++;
    }
    if (o->code == op_codes) {
        return expected(s, start, "assign delete get clear iter next end check fail seed make or nil");
    }
    if (!parse_operands(s, tr, o) || !finish_line(s)) {
        return false;
    }
    tr->nops++;
    return true;
}

bool trace_parse(trace *tr, const char *text, size_t len, trace_error *err)
{
    trace_decode(tr, NULL, 0);
    scanner s = {.number = 0, .err = err};
    bool header = false;

    for (size_t at = 0; at < len;) {
        const char *newline = memchr(text + at, '\n', len - at);
        size_t end = newline != NULL ? (size_t)(newline - text) : len;
        s.line = s.at = text + at;
        s.end = text + end;
        s.number++;
        at = end + 1;

        const char *nul = memchr(s.line, '\0', (size_t)(s.end - s.line));
        if (nul != NULL) {
            return wrong(&s, nul, "expected text, found a NUL byte");
        }
        if (s.end > s.line && s.end[-1] == '\r') {
            s.end--;
        }
        const char *comment = memchr(s.line, '#', (size_t)(s.end - s.line));
        if (comment != NULL) {
            s.end = comment;
        }

        skip_blanks(&s);
        const char *start = s.at;
        if (start == s.end) {
            continue;
        }
        if (take_word(&s, "map")) {
            if (header || tr->nops != 0) {
                return wrong(&s, start, "expected the map line only once and before all ops");
            }
            header = true;
            if (!parse_header(&s, tr)) {
                return false;
            }
        } else if (!parse_op(&s, tr)) {
            return false;
        }
    }
    return true;
}
