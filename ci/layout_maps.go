// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Makes maps in every state and says where they are, what is in them, and how
// each key is hashed, as one line of JSON; then waits for its input to end.
// ci/test_layout.py reads the maps from outside meanwhile, by ref/layout.json.
package main

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"math"
	"os"
	"unsafe"
)

// The header and the descriptor, as far as this program needs them to bring a
// map into a growth to the same size and to hash a key.
type hmap struct {
	count     int
	flags, B  uint8
	noverflow uint16
	hash0     uint32
}

type mapType struct {
	typ               [4*unsafe.Sizeof(uintptr(0)) + 16]byte
	key, elem, bucket unsafe.Pointer
	hasher            func(unsafe.Pointer, uintptr) uintptr
}

type entry struct {
	Key, Elem string // the bytes
	Hash      uint64
}

type shown struct {
	Map, Type uint64 // addresses; no map: 0
	Entries   []entry
}

var (
	all  []shown
	keep []any
)

func words(m any) [2]unsafe.Pointer {
	return *(*[2]unsafe.Pointer)(unsafe.Pointer(&m))
}

func content[T any](p *T) string {
	return hex.EncodeToString(unsafe.Slice((*byte)(unsafe.Pointer(p)), unsafe.Sizeof(*p)))
}

func show[K comparable, V any](m map[K]V) {
	w := words(m)
	s := shown{uint64(uintptr(w[1])), uint64(uintptr(w[0])), []entry{}}
	for k, v := range m {
		hash := (*mapType)(w[0]).hasher(unsafe.Pointer(&k), uintptr((*hmap)(w[1]).hash0))
		s.Entries = append(s.Entries, entry{content(&k), content(&v), uint64(hash)})
	}
	all = append(all, s)
	keep = append(keep, m)
}

// grown shows maps of so many entries as lie before, at and behind the
// thresholds of growth, some after deletions.
func grown[K comparable, V any](key func(int) K, elem func(int) V) {
	var none map[K]V
	show(none)
	for _, n := range []int{0, 1, 8, 9, 13, 14, 26, 27, 28, 52, 53, 54, 55, 104, 105, 107, 110, 250} {
		for _, deleted := range []int{0, 3} {
			m := make(map[K]V)
			for i := 0; i < n; i++ {
				m[key(i)] = elem(i)
			}
			for i := 0; i < n && deleted > 0; i += deleted*n/9 + 1 {
				delete(m, key(i))
			}
			show(m)
		}
	}
}

// sameSize shows a map in the middle of a growth to the same size.
func sameSize[K comparable, V any](key func(int) K, elem func(int) V) {
	m := make(map[K]V, 52)
	for i := 0; ; i++ {
		m[key(i)] = elem(i)
		if (*hmap)(words(m)[1]).flags&8 != 0 {
			show(m)
			return
		}
		if i >= 40 {
			delete(m, key(i-40))
		}
	}
}

func text(i int) string {
	return "key number " + string(rune('a'+i%26)) + hex.EncodeToString([]byte{byte(i), byte(i >> 8), byte(i >> 16)})
}

func long(i int) (k [129]uint8) {
	k[0], k[1], k[128] = uint8(i), uint8(i>>8), uint8(i>>16)
	return k
}

func main() {
	number := func(i int) int64 { return int64(i) }
	small := func(i int) int8 { return int8(i) }
	nothing := func(i int) struct{} { return struct{}{} }
	grown(number, number)
	grown(number, nothing)
	grown(text, number)
	grown(text, long)
	grown(long, small)
	grown(nothing, number)
	grown(small, long)
	grown(func(i int) float64 {
		if i%2 == 0 {
			return math.NaN()
		}
		return float64(i)
	}, number)
	sameSize(number, number)
	sameSize(text, nothing)
	sameSize(long, long)
	if json.NewEncoder(os.Stdout).Encode(all) != nil {
		os.Exit(2)
	}
	_, _ = io.ReadAll(os.Stdin)
	if len(keep) == 0 {
		os.Exit(2)
	}
}
