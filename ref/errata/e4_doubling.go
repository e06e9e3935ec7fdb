// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Shows erratum E4 on the real runtime, where the map was doubling: a range
// loop produces insertions twice.
//
//	go run e4_doubling.go
//
// The 27th entry makes eight buckets of four, and the loop begins before they
// are filled: it enters one of the four. Then the map grows to sixteen buckets,
// and all its entries are deleted, which gives it a new hash seed. Those that
// are inserted again the loop looks up, once for the old bucket that it is in,
// and once for each of the eight.
package main

import "fmt"

const (
	iterations = 100000
	half       = 27 // entries that are too many for four buckets
	full       = 53 // and for eight
)

// try tells how many of the entries that were inserted again appeared twice.
func try() int {
	m := make(map[int]int)
	for k := 0; k < half; k++ {
		m[k] = 0
	}
	var seen [half]int
	begun := false
	for k, e := range m {
		seen[k] += e
		if begun {
			continue
		}
		begun = true
		for k := half; k < full; k++ {
			m[k] = 0
		}
		for k := 0; k < full; k++ {
			delete(m, k)
		}
		for k := 0; k < half; k++ {
			m[k] = 1
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
	loops, entries := 0, 0
	for i := 0; i < iterations; i++ {
		if n := try(); n > 0 {
			loops++
			entries += n
		}
	}
	fmt.Printf("E4: %d of %d loops produced %d entries twice\n", loops, iterations, entries)
}
