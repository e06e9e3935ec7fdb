// SPDX-License-Identifier: BSD-3-Clause

// hash_go prints what the hash functions of the Go runtime that it was built
// with answer, for oracle/tests/test_runtime_hash.c to compare with alg.c and
// aeshash.c.  That test runs it where CMake finds go1.19; by hand:
//
//	cd ref/tests/hash_go && GOARCH=386 GODEBUG=cpu.aes=off go run .
//
// By AES if the CPU has it and GODEBUG does not say otherwise, else by the
// portable fallback.  The key of the process, made from the system's random
// data, is part of what is printed, so that no two runs print the same and each
// can be checked.  The files in recorded/ are such runs, one for each kind of
// machine; GODEBUG=cpu.aes=off makes the fallback's on x86, and
// GOARCH=s390x go run -exec qemu-s390x . the one of 64-bit big-endian machines
// (mips and qemu-mips: 32-bit).
//
// Text: a header of words and their values, then series.  A series is a name and
// hexadecimal numbers, eight to a line; each line begins with the name and the
// place of its first number.  Most numbers are digests of many hashes, folded to
// 32 bits.  The last line is "end".
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"unsafe"
)

var out = bufio.NewWriter(os.Stdout)

// split64 is the step of splitmix64: inputs that both languages can make.
func split64(n uint64) uint64 {
	z := (n + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// A digest takes in hashes, in their order.
type digest uint64

func (d *digest) add(h uintptr) { *d = digest(split64(uint64(*d) ^ uint64(h))) }
func (d digest) folded() uint64 { return uint64(uint32(d ^ d>>32)) }

// put prints number i of a series; last: there is no more.
func put(name string, i int, value uint64, last bool) {
	if i%8 == 0 {
		fmt.Fprintf(out, "%s %d", name, i)
	}
	fmt.Fprintf(out, " %x", value)
	if last || i%8 == 7 {
		fmt.Fprintln(out)
	}
}

// page is the unit by whose borders the assembler decides how to load.
const page = 4096

// memory starts at a page.
var memory = func() []byte {
	all := make([]byte, 20*page+page)
	skip := -uintptr(unsafe.Pointer(&all[0])) % page
	all = all[skip : skip+20*page]
	for i := range all {
		all[i] = byte(split64(uint64(i)))
	}
	return all
}()

var (
	alignedLengths = []int{0, 1, 3, 5, 8, 13, 16, 31, 33, 64, 100, 129, 200, 300}
	longLengths    = []int{301, 400, 511, 512, 513, 1000, 1024, 1025, 4096, 65535, 65536, 65537, 65553, 70001}
	fullLengths    = []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 64, 65, 97, 128, 129, 257, 300}
)

const maxLength = 300

// seedOf is a seed for number n of anything, with all and no bits among them.
func seedOf(n uint64) uintptr {
	switch n % 8 {
	case 0:
		return 0
	case 1:
		return ^uintptr(0)
	}
	return uintptr(split64(n))
}

// memoryHash is memhash or strhash of memory[at:at+n].
type memoryHash func(at, n int, h uintptr) uintptr

func viaMemhash(at, n int, h uintptr) uintptr {
	return memhash(unsafe.Pointer(&memory[at]), h, uintptr(n))
}

func viaStrhash(at, n int, h uintptr) uintptr {
	s := struct {
		str unsafe.Pointer
		len int
	}{unsafe.Pointer(&memory[at]), n}
	return strhash(unsafe.Pointer(&s), h)
}

// hashMemory hashes each length at all sixteen places from the start of a page,
// and at the last sixteen of a page; some at 64 places; and lengths beyond 300,
// and beyond the 16 bits that AES takes of a length.
func hashMemory(name string, hash memoryHash) {
	for n := 0; n <= maxLength; n++ {
		var d digest
		for place := 0; place < 32; place++ {
			at := page - 16 + place
			for k := uint64(0); k < 4; k++ {
				d.add(hash(at, n, seedOf(uint64(n)*7+uint64(place)*4+k)))
			}
		}
		put(name, n, d.folded(), n == maxLength)
	}
	for i, n := range alignedLengths {
		var d digest
		for at := 0; at < 64; at++ {
			d.add(hash(at, n, seedOf(uint64(at))))
		}
		put(name+"-64", i, d.folded(), i == len(alignedLengths)-1)
	}
	for i, n := range longLengths {
		put(name+"-long", i, uint64(hash(5, n, seedOf(uint64(n)))), i == len(longLengths)-1)
	}
	for i, n := range fullLengths {
		put(name+"-full", i, uint64(hash(3, n, seedOf(2))), i == len(fullLengths)-1)
	}
}

// hashWords hashes 4 and 8 bytes at all places of many.
func hashWords(name string, hash func(p unsafe.Pointer, h uintptr) uintptr) {
	for i := 0; i < 16; i++ {
		var d digest
		for k := 0; k < 256; k++ {
			at := 256*i + k
			d.add(hash(unsafe.Pointer(&memory[at]), seedOf(uint64(at))))
		}
		put(name, i, d.folded(), i == 15)
	}
	for i := 0; i < 8; i++ {
		put(name+"-full", i, uint64(hash(unsafe.Pointer(&memory[i]), seedOf(uint64(i)))), i == 7)
	}
}

// Floats that hash in a way of their own, and some that do not, as bits: zeros,
// NaNs, infinities, 1.5, the smallest.
var (
	doubles = []uint64{0, 1 << 63, 0x7ff8000000000001, 0xfff8000000001234,
		0x7ff0000000000000, 0xfff0000000000000, 0x3ff8000000000000, 1}
	singles = []uint32{0, 1 << 31, 0x7fc00001, 0xffc01234,
		0x7f800000, 0xff800000, 0x3fc00000, 1}
)

// hashFloats hashes pairs of floats, each special one with each, by all four
// functions; the last of the nine digests is that of random bits.
func hashFloats() {
	const last = 8
	names := []string{"f64hash", "f32hash", "c128hash", "c64hash"}
	var digests [4][last + 1]digest
	for i := 0; i <= last; i++ {
		for k := range doubles {
			d := [2]uint64{split64(uint64(k)), split64(uint64(k) + 100)}
			f := [2]uint32{uint32(d[0]), uint32(d[1])}
			if i < last {
				d = [2]uint64{doubles[i], doubles[k]}
				f = [2]uint32{singles[i], singles[k]}
			}
			seed := uint64(16*i + k + 1)
			h := seedOf(seed)
			for j, hash := range []func() uintptr{
				func() uintptr { return f64hash(unsafe.Pointer(&d[1]), h) },
				func() uintptr { return f32hash(unsafe.Pointer(&f[1]), h) },
				func() uintptr { return c128hash(unsafe.Pointer(&d), h) },
				func() uintptr { return c64hash(unsafe.Pointer(&f), h) },
			} {
				digests[j][i].add(seeded(seed, hash))
			}
		}
	}
	for j, name := range names {
		for i, d := range digests[j] {
			put(name, i, d.folded(), i == last)
		}
	}
}

// chosen tells which key numbers are hashed: those at both ends of each 4096,
// where special ones stand, and some between.
func chosen(n int) bool { return (n+16)&0xfe0 == 0 || n%61 == 0 }

// hashKinds hashes keys of every kind, one digest for each 4096 key numbers.
func hashKinds() {
	for _, k := range kinds {
		iface := k.name == "iface"
		var digests [16]digest
		for n := 0; n < 65536; n++ {
			if !chosen(n) || iface && n >= 0xe000 { // hashUnhashable has these
				continue
			}
			x := k.make(uint16(n), uint32(split64(uint64(n)+1)))
			digests[n/4096].add(seeded(uint64(n)+1, func() uintptr {
				return typehashOf(x, iface, seedOf(uint64(n)))
			}))
		}
		for i, d := range digests {
			put("typehash-"+k.name, i, d.folded(), i == len(digests)-1)
		}
	}
}

// hashComposites hashes what no key kind is: types that contain others.
func hashComposites() {
	values := []any{
		struct {
			a int32
			_ int32
			b int64
		}{a: 7, b: 8},
		[3]string{"", "k17", "x"},
		[2]float64{1.5, 0},
		[2]any{int64(5), nil},
		[2]any{"k17", 1.5},
	}
	for i, x := range values {
		put("typehash-composite", i, uint64(typehashOf(x, false, seedOf(2))), i == len(values)-1)
	}
}

// wordsOf is the digest of what f panics with.
func wordsOf(f func()) (d digest) {
	defer func() {
		for _, c := range []byte(fmt.Sprint(recover())) {
			d.add(uintptr(c))
		}
	}()
	f()
	return
}

// hashUnhashable hashes what has no hash.
func hashUnhashable() {
	var all []func()
	for n := uint16(0xe000); n < 0xe004; n++ {
		x := ifaceOf(n, 0)
		all = append(all, func() { nilinterhash(unsafe.Pointer(&x), 0) })
	}
	all = append(all,
		func() { typehashOf([]int{}, false, 0) },
		func() { typehashOf([2]any{int64(1), []int{}}, false, 0) })
	for i, f := range all {
		put("panic", i, wordsOf(f).folded(), i == len(all)-1)
	}
}

func header() {
	one := uint16(1)
	order := "big"
	if *(*byte)(unsafe.Pointer(&one)) == 1 {
		order = "little"
	}
	mode := "fallback"
	if useAeshash {
		mode = "aes"
	}
	fmt.Fprintf(out, "gomap-hashes 1 %s %s\n", runtime.Version(), runtime.GOARCH)
	fmt.Fprintf(out, "word %d\norder %s\nmode %s\n", 8*unsafe.Sizeof(uintptr(0)), order, mode)
	fmt.Fprintf(out, "hashkey %x %x %x %x\n", hashkey[0], hashkey[1], hashkey[2], hashkey[3])
	fmt.Fprintf(out, "aeskeysched %x\n", aeskeysched)
}

func main() {
	if len(os.Args) > 1 || !strings.HasPrefix(runtime.Version(), "go1.19") {
		fmt.Fprintf(os.Stderr, "usage: hash_go >FILE, built with go1.19 (this is %s)\n", runtime.Version())
		os.Exit(2)
	}
	debug.SetGCPercent(-1) // a collection draws from the generator
	runtime.LockOSThread() // the generator is that of one M
	findRandState()
	header()
	hashMemory("memhash", viaMemhash)
	hashMemory("strhash", viaStrhash)
	hashWords("memhash32", memhash32)
	hashWords("memhash64", memhash64)
	hashFloats()
	hashKinds()
	hashComposites()
	hashUnhashable()
	fmt.Fprintln(out, "end")
	if err := out.Flush(); err != nil {
		fmt.Fprintln(os.Stderr, "hash_go:", err)
		os.Exit(2)
	}
}
