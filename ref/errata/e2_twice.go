// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Shows erratum E2 on the real runtime, first half: a range loop produces an
// entry twice that was neither deleted nor inserted in the loop.
//
//	go run e2_twice.go
//
// The loop begins while a doubling is half-way and stands in an old bucket,
// half of whose entries it has to skip. In the loop that doubling is completed,
// and insertions and deletions of other keys go on until, with some luck, a
// growth to the same size has just begun. Then nothing is skipped.
package main

import (
	"fmt"
	"math/rand"
)

const (
	iterations = 100000
	kept       = 27 // the 27th insertion begins the doubling from four buckets to eight
	passing    = 25 // as many others fit before the next doubling
	most       = 1500
)

// try tells how many of the kept keys were produced twice.
func try(r *rand.Rand) int {
	m := make(map[int]int)
	for i := 0; i < kept; i++ {
		m[i] = i
	}
	var seen [kept]int
	next, rounds := kept, 0
	for k := range m {
		if k < kept {
			seen[k]++
		}
		rounds++
		if rounds != 1 {
			continue
		}
		for n := r.Intn(most); n > 0; n-- {
			if next-kept >= passing {
				delete(m, next-passing)
			}
			m[next] = next
			next++
		}
	}
	twice := 0
	for _, n := range seen {
		if n > 1 {
			twice++
		}
	}
	return twice
}

func main() {
	r := rand.New(rand.NewSource(1))
	hits := 0
	for i := 0; i < iterations; i++ {
		if try(r) > 0 {
			hits++
		}
	}
	fmt.Printf("E2: %d of %d loops produced an entry twice\n", hits, iterations)
}
