// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Shows erratum E2 on the real runtime, second half: a range loop misses NaN
// entries, which nothing can have deleted.
//
//	go run e2_nan.go
//
// Other keys come and go, at most one in each round, so that now and then a
// growth to the same size is under way while the loop enters an old bucket.
// When that growth ends, the loop takes the bucket for one that is split, and
// looks for the side of each NaN in a mark that does not say it.
package main

import (
	"fmt"
	"math"
	"math/rand"
)

const (
	iterations = 100000
	nans       = 16 // and passing make the 26 entries that four buckets take
	passing    = 10
	most       = 200 // writes before the loop begins
)

// try tells how many NaN entries the loop has missed.
func try(r *rand.Rand) int {
	m := make(map[float64]int)
	for i := 0; i < nans; i++ {
		m[math.NaN()] = i
	}
	next := 0
	write := func() {
		if next >= passing {
			delete(m, float64(next-passing))
		}
		m[float64(next)] = nans
		next++
	}
	for n := r.Intn(most); n > 0; n-- {
		write()
	}
	seen := 0
	for k := range m {
		if k != k {
			seen++
		}
		if r.Intn(2) == 0 {
			write()
		}
	}
	return nans - seen
}

func main() {
	r := rand.New(rand.NewSource(1))
	hits := 0
	for i := 0; i < iterations; i++ {
		if try(r) > 0 {
			hits++
		}
	}
	fmt.Printf("E2: %d of %d loops missed a NaN entry\n", hits, iterations)
}
