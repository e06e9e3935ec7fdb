// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Shows erratum E3 on the real runtime, second half: a range loop over a map
// with keys larger than 128 bytes dereferences nil.
//
//	go run e3_fault.go
//
// As e3_missed.go; here what is wiped are pointers to the keys.
package main

import (
	"fmt"
	"math/rand"
)

type key [17]int // 136 bytes; 129 are enough

const (
	iterations = 100000
	kept       = 16 // and passing make the 26 entries that four buckets take
	passing    = 10
	most       = 20 // writes in each round
)

// try tells with which error the loop has panicked, if it has.
func try(r *rand.Rand) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = p.(error)
		}
	}()
	m := make(map[key]int)
	for i := 0; i < kept; i++ {
		m[key{-1 - i}] = i
	}
	next := 0
	write := func() {
		if next >= passing {
			delete(m, key{next - passing})
		}
		m[key{next}] = kept
		next++
	}
	for range m {
		for n := r.Intn(most); n > 0; n-- {
			write()
		}
	}
	return nil
}

func main() {
	r := rand.New(rand.NewSource(1))
	hits := 0
	var last error
	for i := 0; i < iterations; i++ {
		if err := try(r); err != nil {
			hits++
			last = err
		}
	}
	fmt.Printf("E3: %d of %d loops panicked (%v)\n", hits, iterations, last)
}
