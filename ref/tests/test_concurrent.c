/* SPDX-License-Identifier: BSD-3-Clause
 *
 * test_concurrent.c: several threads read and range over one map, and a writer
 * that has company is noticed.
 *
 * Build it with -fsanitize=thread too: readers and iterators must be silent.
 * Nothing here depends on who is faster.
 */
#include <pthread.h>
#include <time.h>

#include "one_map.h"

enum { nthreads = 4, rounds = 25 };

static int64_t nkeys; /* keys 0 to nkeys-1, each its own elem */

static void begin_filled(const rtype *key, intptr_t hint, int64_t n)
{
    begin(key, &t_int64, hint);
    for (nkeys = 0; nkeys < n; nkeys++) {
        CHECK(put(&t, h, nkeys, nkeys));
    }
}

/* Runs f in all threads at once, with their numbers. */
static void in_threads(void *(*f)(void *))
{
    static int numbers[nthreads];
    pthread_t threads[nthreads];
    for (int i = 0; i < nthreads; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, f, &numbers[i]) == 0);
    }
    for (int i = 0; i < nthreads; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
}

static unsigned holders(void)
{
    unsigned n = 0;
    for (const gm_gen *g = h->extra->gm_gens; g != NULL; g = g->older) {
        n += g->iters;
    }
    return n;
}

/* ---- readers ---------------------------------------------------------- */

static void *look_up_all(void *number)
{
    (void)number;
    for (int r = 0; r < rounds; r++) {
        for (int64_t k = 0; k < nkeys; k++) {
            CHECK(get(&t, h, k) == k);
        }
        CHECK(!has(&t, h, nkeys));
    }
    return NULL;
}

/* Ranges to the end, and breaks after ever more steps. */
static void *range_and_break(void *number)
{
    int n;
    memcpy(&n, number, sizeof n);
    gm_rand_seed((uint64_t)n);
    for (int r = 0; r < rounds; r++) {
        hiter it = {0};
        int64_t met = 0, sum = 0;
        for (mapiterinit(&t, h, &it); it.key != NULL; mapiternext(&it)) {
            CHECK(key_at(it.key) == key_at(it.elem));
            sum += key_at(it.key);
            met++;
        }
        CHECK(met == nkeys && sum == nkeys * (nkeys - 1) / 2);

        hiter broken = {0};
        mapiterinit(&t, h, &broken);
        for (int i = 0; i < r; i++) {
            mapiternext(&broken);
        }
        CHECK(broken.key != NULL);
        gm_iter_end(&broken);
    }
    return NULL;
}

static void *all_of_it(void *number)
{
    look_up_all(number);
    range_and_break(number);
    return NULL;
}

/* Not growing, in the middle of a growth, and in one to the same size. */
//= SPEC.md#S-CONCURRENT-6 type=test
//# Lookups and iterations of any number of threads MUST be able to go on together: they write nothing of the
//# map but flags, and those atomically.
static void any_number_of_readers_and_iterators_go_together(void)
{
    static const rtype *const types[] = {&t_int64, &t_bytes129};
    for (size_t i = 0; i < LENGTH(types); i++) {
        begin_filled(types[i], 104, 100);
        CHECK(!hmap_growing(h));
        in_threads(all_of_it);
        CHECK(holders() == 0 && h->count == 100);
        END();

        begin_filled(types[i], 104, 106);
        CHECK(hmap_growing(h) && !hmap_sameSizeGrow(h) && h->nevacuate == 2);
        in_threads(all_of_it);
        CHECK(holders() == 0 && hmap_growing(h) && h->nevacuate == 2);
        CHECK(flags_of(h) == (iterator | oldIterator));
        END();

        begin_filled(types[i], 52, 40);
        for (int b = 0; b < 8; b++) { /* to nine entries each and back */
            for (int n = 0; n < 4; n++) {
                CHECK(put(&t, h, KEY(b, 99, n), 0));
            }
            for (int n = 0; n < 4; n++) {
                del(&t, h, KEY(b, 99, n));
            }
        }
        CHECK(h->noverflow == 8);
        CHECK(put(&t, h, nkeys, nkeys));
        nkeys++;
        CHECK(hmap_sameSizeGrow(h));
        in_threads(all_of_it);
        CHECK(holders() == 0 && hmap_sameSizeGrow(h));
        END();
    }
}

/* ---- the lock --------------------------------------------------------- */

static hiter the_iterator;
static atomic_bool started, passed;

static void *begin_iterating(void *unused)
{
    atomic_store(&started, true);
    mapiterinit(&t, h, &the_iterator);
    atomic_store(&passed, true);
    return unused;
}

static void *end_iterating(void *unused)
{
    atomic_store(&started, true);
    gm_iter_end(&the_iterator);
    atomic_store(&passed, true);
    return unused;
}

/* While somebody else has the lock, however long that is. */
static void an_iterator_neither_begins_nor_ends_without_the_lock(void)
{
    void *(*const what[])(void *) = {begin_iterating, end_iterating};
    const struct timespec a_while = {.tv_nsec = 20000000};
    begin_filled(&t_int64, 8, 5);
    for (size_t i = 0; i < LENGTH(what); i++) {
        pthread_t thread;
        atomic_store(&started, false);
        atomic_store(&passed, false);
        CHECK(!atomic_flag_test_and_set(&h->extra->gm_lock));
        CHECK(pthread_create(&thread, NULL, what[i], NULL) == 0);
        while (!atomic_load(&started)) {
        }
        nanosleep(&a_while, NULL);
        CHECK_ROW(i, !atomic_load(&passed) && holders() == i);
        atomic_flag_clear(&h->extra->gm_lock);
        CHECK(pthread_join(thread, NULL) == 0);
        CHECK_ROW(i, atomic_load(&passed) && holders() == 1 - i);
    }
    END();
}

/* ---- an old array whose last holders are threads ---------------------- */

static pthread_barrier_t barrier;

static void meet(void)
{
    int r = pthread_barrier_wait(&barrier);
    CHECK(r == 0 || r == PTHREAD_BARRIER_SERIAL_THREAD);
}

/* Begins over the first array; the main thread writes; then some break and
 * some go on to the end, all at the same time. */
static void *outlive_a_growth(void *number)
{
    int n;
    memcpy(&n, number, sizeof n);
    gm_rand_seed((uint64_t)n);
    hiter it = {0};
    mapiterinit(&t, h, &it);
    meet(); /* all have begun */
    meet(); /* the writes are done */
    int64_t met = 0;
    if (n % 2 == 0) {
        for (mapiternext(&it); it.key != NULL; mapiternext(&it)) {
            CHECK(key_at(it.key) == key_at(it.elem));
            CHECK(key_at(it.key) >= 4); /* 0 to 3 are deleted */
            met++;
        }
        CHECK(met >= nkeys - 4 - 1 && met <= nkeys - 4);
    }
    gm_iter_end(&it);
    return NULL;
}

static void the_last_thread_frees_the_old_array_and_what_was_parked(void)
{
    static const rtype *const types[] = {&t_int64, &t_bytes129};
    for (size_t i = 0; i < LENGTH(types); i++) {
        for (int r = 0; r < rounds; r++) {
            begin_filled(types[i], 26, 26);
            CHECK(pthread_barrier_init(&barrier, NULL, nthreads + 1) == 0);
            pthread_t threads[nthreads];
            int numbers[nthreads];
            for (int n = 0; n < nthreads; n++) {
                numbers[n] = n;
                CHECK(pthread_create(&threads[n], NULL, outlive_a_growth, &numbers[n]) == 0);
            }
            meet();
            CHECK(holders() == nthreads);
            for (int64_t k = 26; k < 28; k++) {
                CHECK(put(&t, h, k, k));
            }
            CHECK(!hmap_growing(h));
            for (int64_t k = 0; k < 4; k++) {
                del(&t, h, k);
            }
            CHECK(h->extra->gm_gens->older != NULL);
            size_t blocks = gm_mem_stats_get().live_blocks;
            meet();
            for (int n = 0; n < nthreads; n++) {
                CHECK(pthread_join(threads[n], NULL) == 0);
            }
            CHECK(pthread_barrier_destroy(&barrier) == 0);
            CHECK(holders() == 0 && h->extra->gm_gens->older == NULL);
            /* the array, and the four keys where they lay outside it */
            CHECK(gm_mem_stats_get().live_blocks == blocks - 1 - (maptype_indirectkey(&t) ? 4 : 0));
            END();
        }
    }
}

/* ---- a writer in the middle of its write ------------------------------ */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
typedef enum writer_state { idle, parked, released } writer_state;
static writer_state writer_is;
static _Thread_local bool parks;

static void set_writer(writer_state state)
{
    CHECK(pthread_mutex_lock(&mutex) == 0);
    writer_is = state;
    CHECK(pthread_cond_broadcast(&changed) == 0);
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

static void wait_for_writer(writer_state state)
{
    CHECK(pthread_mutex_lock(&mutex) == 0);
    while (writer_is != state) {
        CHECK(pthread_cond_wait(&changed, &mutex) == 0);
    }
    CHECK(pthread_mutex_unlock(&mutex) == 0);
}

/* Keys are compared after hashWriting is set: a writer stops here. */
static bool equal_parking(const rtype *key, const void *p, const void *q)
{
    if (parks) {
        parks = false;
        set_writer(parked);
        wait_for_writer(released);
    }
    return memequal(key, p, q);
}

static void *assign_parked(void *arg)
{
    (void)arg;
    parks = true;
    CHECK(put(&t, h, 5, 55));
    return NULL;
}

static void *delete_parked(void *arg)
{
    (void)arg;
    parks = true;
    del(&t, h, 5);
    return NULL;
}

static const int64_t other_key = 9;
static hiter ranging;

static void call_access1(void *arg)
{
    mapaccess1(&t, arg, &other_key);
}

static void call_access2(void *arg)
{
    bool ok;
    mapaccess2(&t, arg, &other_key, &ok);
}

static void call_assign(void *arg)
{
    mapassign(&t, arg, &other_key);
}

static void call_delete(void *arg)
{
    mapdelete(&t, arg, &other_key);
}

static void call_clear(void *arg)
{
    mapclear(&t, arg);
}

static void call_iternext(void *arg)
{
    (void)arg;
    mapiternext(&ranging);
}

static void call_iterinit(void *arg)
{
    mapiterinit(&t, arg, &ranging);
}

//= SPEC.md#S-CONCURRENT-1 type=test
//# A lookup that finds hashWriting set MUST be fatal with `concurrent map read and map write`.
//= SPEC.md#S-CONCURRENT-2 type=test
//# An assignment, deletion or clearing that finds hashWriting set MUST be fatal with `concurrent map writes`.
//= SPEC.md#S-CONCURRENT-3 type=test
//# A step of an iteration that finds hashWriting set MUST be fatal with `concurrent map iteration and map
//# write`.
static void whoever_meets_a_writer_is_told_in_Gos_words(void)
{
    static const struct {
        void (*call)(void *);
        const char *words;
    } rows[] = {
        {call_access1, "concurrent map read and map write"},
        {call_access2, "concurrent map read and map write"},
        {call_assign, "concurrent map writes"},
        {call_delete, "concurrent map writes"},
        {call_clear, "concurrent map writes"},
        {call_iternext, "concurrent map iteration and map write"},
        {call_iterinit, "concurrent map iteration and map write"},
    };
    static void *(*const writers[])(void *) = {assign_parked, delete_parked};
    rtype key = t_int64;
    key.equal = equal_parking;
    for (size_t w = 0; w < LENGTH(writers); w++) {
        for (size_t i = 0; i < LENGTH(rows); i++) {
            begin_filled(&key, 26, 26);
            memset(&ranging, 0, sizeof ranging);
            if (rows[i].call == call_iternext) {
                mapiterinit(&t, h, &ranging);
            }
            pthread_t writer;
            set_writer(idle);
            CHECK(pthread_create(&writer, NULL, writers[w], NULL) == 0);
            wait_for_writer(parked);
            CHECK_ROW(i, (flags_of(h) & hashWriting) != 0);
            CHECK_ROW(i, fails_with(gm_event_fatal, rows[i].words, rows[i].call, h));
            set_writer(released);
            CHECK(pthread_join(writer, NULL) == 0);

            /* the writer has not been disturbed, and the intruder did nothing */
            gm_iter_end(&ranging);
            CHECK_ROW(i, (flags_of(h) & hashWriting) == 0);
            CHECK_ROW(i, h->count == (w == 0 ? 26 : 25));
            for (int64_t k = 0; k < 26; k++) {
                CHECK_ROW(i, get(&t, h, k) == (k != 5 ? k : w == 0 ? 55 : -1));
            }
            END();
        }
    }
}

/* ---- state of threads ------------------------------------------------- */

static void *draw(void *number)
{
    int n;
    memcpy(&n, number, sizeof n);
    const gm_rand fresh = {.t = {1, 1}}; /* nothing random before the thread is given a seed */
    gm_rand state = gm_rand_state();
    CHECK(memcmp(&state, &fresh, sizeof state) == 0);
    gm_rand_seed(7);
    uint32_t first = fastrand();
    for (int i = 0; i < 100 * n; i++) {
        fastrand();
    }
    gm_rand_seed(7);
    CHECK(fastrand() == first);
    return NULL;
}

//= SPEC.md#S-CONCURRENT-8 type=test
//# Each thread MUST have a generator of its own, or draws of several threads be ordered in some other way.
static void each_thread_has_a_generator_of_its_own(void)
{
    gm_rand_seed(3);
    uint32_t a = fastrand(), b = fastrand();
    gm_rand_seed(3);
    CHECK(fastrand() == a);
    in_threads(draw);
    CHECK(fastrand() == b);
}

int main(void)
{
    gm_rand_seed(1);
    any_number_of_readers_and_iterators_go_together();
    an_iterator_neither_begins_nor_ends_without_the_lock();
    the_last_thread_frees_the_old_array_and_what_was_parked();
    whoever_meets_a_writer_is_told_in_Gos_words();
    each_thread_has_a_generator_of_its_own();
    return 0;
}
