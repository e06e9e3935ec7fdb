// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Shows erratum E4 on the real runtime: a range loop produces one insertion
// twice.
//
//	go run e4_twice.go
//
// A map of sixteen buckets is filled and almost emptied again and again; with
// luck a growth to the same size is due just then, and is begun with four
// entries. The loop enters an old bucket; then all entries are deleted, which
// gives the map a new hash seed, and two are inserted again before the growth
// has ended. The loop looks up a key that it finds in the old bucket, produces
// the new entry, and meets it once more in the bucket where it lies.
package main

import (
	"fmt"
	"math/rand"
)

const (
	iterations = 500000
	full       = 104 // entries that sixteen buckets take
	left       = 3   // more would end the growth too early
	again      = 2
)

// try fills the map from key first on, and tells how many of the entries that
// were inserted again appeared twice.
func try(m map[int]int, first, size int) int {
	last := first + size
	for k := first; k < last; k++ {
		m[k] = 0
	}
	for k := range m {
		if k < last-left {
			delete(m, k)
		}
	}
	if len(m) != left {
		panic("an entry of an earlier loop is left")
	}
	m[last] = 0 // begins the growth, if it is due
	var seen [again + 1]int
	begun := false
	for k, e := range m {
		seen[e]++
		if begun {
			continue
		}
		begun = true
		for d := last - left; d <= last; d++ {
			delete(m, d)
		}
		for e := 1; e <= again; e++ {
			k--
			if k < last-left {
				k = last - 1
			}
			m[k] = e
		}
	}
	twice := 0
	for _, n := range seen[1:] {
		if n > 1 {
			twice++
		}
	}
	return twice
}

func main() {
	r := rand.New(rand.NewSource(1))
	m := make(map[int]int, full)
	hits := 0
	for i := 0; i < iterations; i++ {
		if try(m, i*full, full-again-r.Intn(full/4)) > 0 {
			hits++
		}
	}
	fmt.Printf("E4: %d of %d loops produced an entry twice\n", hits, iterations)
}
