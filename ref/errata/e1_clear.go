// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Shows erratum E1 on the real runtime: a range loop goes on producing entries
// after the map was cleared.
//
//	go run e1_clear.go
//
// The compiler turns a loop that only deletes the current key into mapclear.
// mapclear wipes the current bucket array; the outer loop walks the one
// before, whose buckets that are not yet evacuated look as good as new.
package main

import "fmt"

const (
	iterations = 100000
	full       = 26 // entries that four buckets take before they double
)

// try clears the map in the first round of the loop, just after the insertion
// that begins a doubling. It tells how many entries were produced after that.
// (Where the compiler inlines it, it does not see that the inner loop clears
// the map.)
//
//go:noinline
func try() int {
	m := make(map[int]int)
	for i := 0; i < full; i++ {
		m[i] = i
	}
	cleared, late := false, 0
	for range m {
		if cleared {
			late++
			continue
		}
		m[full] = full
		for k := range m { // becomes mapclear
			delete(m, k)
		}
		cleared = true
	}
	if len(m) != 0 {
		panic("the map was not cleared")
	}
	return late
}

func main() {
	hits, entries := 0, 0
	for i := 0; i < iterations; i++ {
		if n := try(); n > 0 {
			hits++
			entries += n
		}
	}
	fmt.Printf("E1: %d of %d loops produced entries after the map was cleared (%d entries in all)\n",
		hits, iterations, entries)
}
