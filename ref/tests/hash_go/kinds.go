// SPDX-License-Identifier: BSD-3-Clause

// kinds.go makes the key kinds of traces: the tables "Key numbers" of
// fuzz/FORMAT.md, in Go.  oracle/kinds.c makes the same in C.

package main

import (
	"math"
	"reflect"
	"unsafe"
)

type padded struct {
	a uint8
	b uint64
}

// paddedOf has bytes in its padding that a hash must not read.
func paddedOf(n uint16) any {
	p := new(padded)
	for i := uintptr(0); i < unsafe.Sizeof(*p); i++ {
		*(*byte)(unsafe.Add(unsafe.Pointer(p), i)) = 0xa5
	}
	p.a, p.b = uint8(n), uint64(n)*0x0001000100010001
	return *p
}

func pattern(out []byte, v uint64) {
	for i := range out {
		out[i] = byte(v^v>>8^v>>16) + byte(i)
	}
}

func bytesOf(size int, n uint16) []byte {
	out := make([]byte, size)
	out[0], out[1] = byte(n), byte(n>>8)
	pattern(out[2:], uint64(n))
	return out
}

func stringOf(n uint16) string {
	if n == 0 {
		return ""
	}
	return string(bytesOf(2+int(n)%59, n))
}

func floatOf(m, firstNaN uint16, variant uint32) float64 {
	switch {
	case m >= firstNaN:
		return math.Float64frombits(0x7ff8000000000000 | uint64(variant&0xffff))
	case m == 1:
		return math.Copysign(0, -1)
	case m == 2:
		return math.Inf(1)
	case m == 3:
		return math.SmallestNonzeroFloat64
	}
	return float64(m)
}

func complexOf(n uint16, variant uint32) complex128 {
	f := floatOf(n, 0xc000, variant)
	if n >= 0xc000 && n&1 != 0 {
		return complex(1, f)
	}
	return complex(f, 1)
}

// pointerOf is an address that nothing stands at.
func pointerOf(n uint16) unsafe.Pointer {
	address := 0x10000 + 16*uintptr(n)
	return *(*unsafe.Pointer)(unsafe.Pointer(&address))
}

func ifaceOf(n uint16, variant uint32) any {
	switch {
	case n == 0x3fff:
		return nil
	case n < 0x4000:
		return int64(n)
	case n < 0x8000:
		return stringOf(n - 0x4000)
	case n < 0xc000:
		return floatOf(n-0x8000, 0x3000, variant)
	case n < 0xe000:
		return pointerOf(n - 0xc000)
	}
	return [...]any{[]int(nil), map[int]int(nil), (func())(nil), struct{ s []int }{}}[n&3]
}

// eface is an interface taken apart.
type eface struct{ rtype, data unsafe.Pointer }

func apart(x *any) *eface { return (*eface)(unsafe.Pointer(x)) }

// A kind makes the value of a key number, of the type that the key has; that of
// iface is an interface that holds it.
type kind struct {
	name string
	make func(n uint16, variant uint32) any
}

var kinds = []kind{
	{"int64", func(n uint16, v uint32) any { return int64(n) }},
	{"int8", func(n uint16, v uint32) any { return int8(n) }},
	{"int16", func(n uint16, v uint32) any { return int16(n) }},
	{"int32", func(n uint16, v uint32) any { return int32(n) }},
	{"bytes16", func(n uint16, v uint32) any { return *(*[16]byte)(bytesOf(16, n)) }},
	{"bytes127", func(n uint16, v uint32) any { return *(*[127]byte)(bytesOf(127, n)) }},
	{"bytes128", func(n uint16, v uint32) any { return *(*[128]byte)(bytesOf(128, n)) }},
	{"bytes129", func(n uint16, v uint32) any { return *(*[129]byte)(bytesOf(129, n)) }},
	{"bytes1000", func(n uint16, v uint32) any { return *(*[1000]byte)(bytesOf(1000, n)) }},
	{"zero", func(n uint16, v uint32) any { return struct{}{} }},
	{"string", func(n uint16, v uint32) any { return stringOf(n) }},
	{"float64", func(n uint16, v uint32) any { return floatOf(n, 0xc000, v) }},
	{"complex128", func(n uint16, v uint32) any { return complexOf(n, v) }},
	{"iface", func(n uint16, v uint32) any { return ifaceOf(n, v) }},
	{"padded", func(n uint16, v uint32) any { return paddedOf(n) }},
	{"pointer", func(n uint16, v uint32) any { return pointerOf(n) }},
}

// typehashOf is the runtime's hash of the value in x, as a key of a map of keys
// of its own type, or where iface of the interface x itself.
func typehashOf(x any, iface bool, h uintptr) uintptr {
	e := apart(&x)
	if iface {
		return typehash(emptyInterface, unsafe.Pointer(&x), h)
	}
	if _, direct := x.(unsafe.Pointer); direct {
		return typehash(e.rtype, unsafe.Pointer(&e.data), h)
	}
	return typehash(e.rtype, e.data, h)
}

var emptyInterface = func() unsafe.Pointer {
	t := reflect.TypeOf((*any)(nil)).Elem()
	return (*eface)(unsafe.Pointer(&t)).data
}()
