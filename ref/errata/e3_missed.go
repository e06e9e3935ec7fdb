// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Shows erratum E3 on the real runtime, first half: a range loop misses entries
// that are there from its beginning to its end.
//
//	go run e3_missed.go
//
// Other keys come and go in every round, so that the map grows to the same
// size more than once under the loop. In the second growth the loop enters an
// old bucket that is not its own; as no iterator is known to be there, the
// bucket is wiped when it has been evacuated. Only buckets with pointers are
// wiped, hence strings.
package main

import (
	"fmt"
	"math/rand"
	"strconv"
)

const (
	iterations = 100000
	kept       = 16 // and passing make the 26 entries that four buckets take
	passing    = 10
	most       = 20 // writes in each round
)

// try tells how many of the kept keys were missed.
func try(r *rand.Rand) int {
	m := make(map[string]int)
	for i := 0; i < kept; i++ {
		m["kept"+strconv.Itoa(i)] = i
	}
	next := 0
	write := func() {
		if next >= passing {
			delete(m, strconv.Itoa(next-passing))
		}
		m[strconv.Itoa(next)] = kept
		next++
	}
	var seen [kept + 1]bool
	for _, e := range m {
		seen[e] = true
		for n := r.Intn(most); n > 0; n-- {
			write()
		}
	}
	missed := 0
	for _, s := range seen[:kept] {
		if !s {
			missed++
		}
	}
	return missed
}

func main() {
	r := rand.New(rand.NewSource(1))
	hits := 0
	for i := 0; i < iterations; i++ {
		if try(r) > 0 {
			hits++
		}
	}
	fmt.Printf("E3: %d of %d loops missed an entry\n", hits, iterations)
}
