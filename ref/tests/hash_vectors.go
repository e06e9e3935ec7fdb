// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// hash_vectors.go makes the tables of test_hash.c from the hash functions of
// the Go runtime itself.  Run it once per word size and byte order:
//
//	GODEBUG=cpu.aes=off             go run -gcflags=-complete=false hash_vectors.go
//	GODEBUG=cpu.aes=off GOARCH=386  go run -gcflags=-complete=false hash_vectors.go
//	GOARCH=s390x go run -exec qemu-s390x -gcflags=-complete=false hash_vectors.go
//
// with go1.19.  Without AES the runtime hashes by its portable fallback; the
// flag lets Go functions without a body through, which the linker finds in the
// runtime.  hashkey is set to the default of alg.c while hashing, and put back
// before any map of the program could notice.
package main

import (
	"fmt"
	"math"
	"os"
	"unsafe"
)

//go:linkname useAeshash runtime.useAeshash
var useAeshash bool

//go:linkname hashkey runtime.hashkey
var hashkey [4]uintptr

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

// The same numbers as in test_hash.c.
var defaultKey = [4]uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f5, 0x06c45d188009454f, 0xf88bb8a8724c81ed}
var lengths = []uintptr{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 64, 97, 129, 300}

const seedbits uint64 = 0x9e3779b97f4a7c15
const seed = uintptr(seedbits & uint64(^uintptr(0)))

type row struct {
	name string
	hash uint64
}

var rows = make([]row, 0, 100)

func put(name string, h uintptr) { rows = append(rows, row{name, uint64(h)}) }

// split64 is the step of splitmix64: inputs that both languages can make.
func split64(n uint64) uint64 {
	z := (n + 1) * 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func digest(d uint64, h uintptr) uint64 { return (d ^ uint64(h)) * 0x100000001b3 }

func iface(name string, x any) { put("iface "+name, nilinterhash(unsafe.Pointer(&x), seed)) }

func value(name string, x any) {
	e := (*[2]unsafe.Pointer)(unsafe.Pointer(&x))
	put("type "+name, typehash(e[0], e[1], seed))
}

func hashAll() {
	var buf [320]byte
	for i := range buf {
		buf[i] = byte(split64(uint64(i)))
	}
	for _, n := range lengths {
		put("memhash", memhash(unsafe.Pointer(&buf[3]), seed, n))
	}
	var d uint64
	for n := uintptr(0); n <= 300; n++ {
		for at := uintptr(0); at < 8; at++ {
			d = digest(d, memhash(unsafe.Pointer(&buf[at]), uintptr(split64(uint64(n))), n))
		}
	}
	rows = append(rows, row{"memhash digest", d})

	d = 0
	for i := uint64(0); i < 2000; i++ {
		v := split64(i)
		w := uint32(v)
		d = digest(d, memhash32(unsafe.Pointer(&w), uintptr(split64(i+1))))
		d = digest(d, memhash64(unsafe.Pointer(&v), uintptr(split64(i+2))))
	}
	rows = append(rows, row{"memhash32, memhash64 digest", d})

	d = 0
	for i := uint64(0); i < 2000; i++ {
		v := split64(i)
		f := math.Float64frombits(v)
		g := math.Float32frombits(uint32(v))
		if f == f && g == g {
			d = digest(d, f64hash(unsafe.Pointer(&f), uintptr(v)))
			d = digest(d, f32hash(unsafe.Pointer(&g), uintptr(v)))
		}
	}
	rows = append(rows, row{"f64hash, f32hash digest", d})

	for _, s := range []string{"", "k17", "a longer string, of 34 bytes in all"} {
		put("strhash", strhash(unsafe.Pointer(&s), seed))
	}
	for _, f := range []float64{0, math.Copysign(0, -1), 1.5, math.Inf(-1)} {
		g := float32(f)
		put("f64hash", f64hash(unsafe.Pointer(&f), seed))
		put("f32hash", f32hash(unsafe.Pointer(&g), seed))
		c := complex(f, 1.5)
		e := complex(float32(1.5), g)
		put("c128hash", c128hash(unsafe.Pointer(&c), seed))
		put("c64hash", c64hash(unsafe.Pointer(&e), seed))
	}

	iface("nil", nil)
	iface("int64", int64(5))
	iface("int32", int32(-1))
	iface("float64", math.Copysign(0, -1))
	iface("string", "k17")
	iface("pointer", *(*unsafe.Pointer)(unsafe.Pointer(&[]uintptr{0x10}[0])))
	value("int64", int64(5))
	value("int32", int32(-1))
	value("empty struct", struct{}{})
	value("padded struct", struct {
		a uint8
		b uint64
	}{1, 2})
	value("blank field", struct {
		a int32
		_ int32
		b int64
	}{a: 7, b: 8})
	value("array of strings", [3]string{"", "k17", "x"})
	value("array of floats", [2]float64{1.5, 0})
	value("array of interfaces", [2]any{int64(5), nil})
	value("16 bytes", *(*[16]byte)(buf[:]))
}

func main() {
	if useAeshash {
		fmt.Fprintln(os.Stderr, "the runtime hashes by AES: set GODEBUG=cpu.aes=off")
		os.Exit(1)
	}
	own := hashkey
	for i := range hashkey {
		hashkey[i] = uintptr(defaultKey[i])
	}
	hashAll()
	hashkey = own
	for _, r := range rows {
		fmt.Printf("    {\"%s\", UINT64_C(0x%x)},\n", r.name, r.hash)
	}
}
