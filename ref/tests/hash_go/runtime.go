// SPDX-License-Identifier: BSD-3-Clause

// runtime.go reaches into the Go runtime: its hash functions and what keys them.

package main

import (
	"fmt"
	"os"
	"unsafe"
)

//go:linkname useAeshash runtime.useAeshash
var useAeshash bool

//go:linkname hashkey runtime.hashkey
var hashkey [4]uintptr

//go:linkname aeskeysched runtime.aeskeysched
var aeskeysched [unsafe.Sizeof(uintptr(0)) * 16]byte

//go:linkname memhash runtime.memhash
func memhash(p unsafe.Pointer, h, s uintptr) uintptr

//go:linkname memhash32 runtime.memhash32
func memhash32(p unsafe.Pointer, h uintptr) uintptr

//go:linkname memhash64 runtime.memhash64
func memhash64(p unsafe.Pointer, h uintptr) uintptr

//go:linkname strhash runtime.strhash
func strhash(p unsafe.Pointer, h uintptr) uintptr

//go:linkname f32hash runtime.f32hash
func f32hash(p unsafe.Pointer, h uintptr) uintptr

//go:linkname f64hash runtime.f64hash
func f64hash(p unsafe.Pointer, h uintptr) uintptr

//go:linkname c64hash runtime.c64hash
func c64hash(p unsafe.Pointer, h uintptr) uintptr

//go:linkname c128hash runtime.c128hash
func c128hash(p unsafe.Pointer, h uintptr) uintptr

//go:linkname nilinterhash runtime.nilinterhash
func nilinterhash(p unsafe.Pointer, h uintptr) uintptr

//go:linkname typehash runtime.typehash
func typehash(t, p unsafe.Pointer, h uintptr) uintptr

//go:linkname fastrand runtime.fastrand
func fastrand() uint32

//go:linkname acquirem runtime.acquirem
func acquirem() unsafe.Pointer

//go:linkname releasem runtime.releasem
func releasem(m unsafe.Pointer)

// randState is where in the current M the state of its generator stands.
var randState uintptr

// mWords is how much of the M to search; the state is well within.
const mWords = 128

// findRandState finds the eight bytes that advance as the generator does: by
// adding a constant on 64-bit machines, by moving the second of two words to
// the place of the first on 32-bit ones.
func findRandState() {
	m := acquirem()
	before := *(*[mWords]uintptr)(m)
	fastrand()
	after := *(*[mWords]uintptr)(m)
	releasem(m)
	step := uint64(0xa0761d6478bd642f)
	found := 0
	for i := range before {
		moved := before[i]+uintptr(step) == after[i]
		if unsafe.Sizeof(uintptr(0)) == 4 {
			moved = i+1 < mWords && before[i] != after[i] &&
				before[i+1] != after[i+1] && before[i+1] == after[i]
		}
		if moved {
			randState = uintptr(i) * unsafe.Sizeof(before[0])
			found++
		}
	}
	if found != 1 {
		fmt.Fprintf(os.Stderr, "hash_go: %d places look like the state of fastrand\n", found)
		os.Exit(2)
	}
}

// seeded calls f with the generator in state seed; nothing else draws from it
// meanwhile, since the M stays ours.  f must not panic.
func seeded(seed uint64, f func() uintptr) uintptr {
	m := acquirem()
	at := unsafe.Add(m, randState)
	if unsafe.Sizeof(uintptr(0)) == 8 {
		*(*uint64)(at) = seed
	} else {
		*(*[2]uint32)(at) = [2]uint32{uint32(seed), uint32(seed >> 32)}
	}
	h := f()
	releasem(m)
	return h
}
