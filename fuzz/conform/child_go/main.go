// SPDX-License-Identifier: BSD-3-Clause
//
// child_go: the built-in map of the Go that compiles it as a child of
// gomap-conform, at the levels map and range.  One file, no module, any version
// from go1.12 on:
//
//	gomap-conform -- go run fuzz/conform/child_go/main.go
//
// Everything goes through reflect: an iteration has to stop after each step,
// which only its MapIter can.
package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"unsafe"
)

type padded struct {
	A uint8
	B uint64
}

var anyType = reflect.TypeOf((*interface{})(nil)).Elem()

var keyTypes = map[string]reflect.Type{
	"int64": reflect.TypeOf(int64(0)), "int8": reflect.TypeOf(int8(0)),
	"int16": reflect.TypeOf(int16(0)), "int32": reflect.TypeOf(int32(0)),
	"bytes16": reflect.TypeOf([16]uint8{}), "bytes127": reflect.TypeOf([127]uint8{}),
	"bytes128": reflect.TypeOf([128]uint8{}), "bytes129": reflect.TypeOf([129]uint8{}),
	"bytes1000": reflect.TypeOf([1000]uint8{}), "zero": reflect.TypeOf(struct{}{}),
	"string": reflect.TypeOf(""), "float64": reflect.TypeOf(0.0),
	"complex128": reflect.TypeOf(0i), "iface": anyType, "padded": reflect.TypeOf(padded{}),
	"pointer": reflect.TypeOf(address(0)),
}

var elemTypes = map[string]reflect.Type{
	"int64": reflect.TypeOf(int64(0)), "zero": reflect.TypeOf(struct{}{}),
	"int8": reflect.TypeOf(int8(0)), "bytes128": reflect.TypeOf([128]uint8{}),
	"bytes129": reflect.TypeOf([129]uint8{}), "bytes1025": reflect.TypeOf([1025]uint8{}),
	"pointer": reflect.TypeOf(address(0)),
}

// Addresses that lead nowhere must not lie in a pointer, where the collector
// would look at them; to the map a word is a word.
type address uintptr

var unhashable = []interface{}{[]int(nil), map[int]int(nil), (func())(nil), struct{ s []int }{}}

// The current map, and the iterations over it.
var (
	m     reflect.Value
	iters [4]*reflect.MapIter
)

type refusal struct{} // panicked with where the answer is `unsupported`

// ---- words ---------------------------------------------------------------------

func bits(word string) float64 {
	n, err := strconv.ParseUint(word, 16, 64)
	if err != nil {
		panic(refusal{})
	}
	return math.Float64frombits(n)
}

// read is the value of a word, of type t.
func read(t reflect.Type, word string) reflect.Value {
	v := reflect.New(t).Elem()
	rest := word[1:]
	if t == anyType {
		v.Set(readAny(word))
		return v
	}
	switch word[0] {
	case 'i':
		n, err := strconv.ParseInt(rest, 10, 64)
		if err != nil {
			panic(refusal{})
		}
		v.SetInt(n)
	case 'x':
		b, err := hex.DecodeString(rest)
		if err != nil {
			panic(refusal{})
		}
		if t.Kind() == reflect.String {
			v.SetString(string(b))
		} else {
			reflect.Copy(v, reflect.ValueOf(b))
		}
	case 'f':
		v.SetFloat(bits(rest))
	case 'c':
		v.SetComplex(complex(bits(rest[:16]), bits(rest[17:])))
	case 's':
		fields := strings.Split(rest, ",")
		a, _ := strconv.ParseUint(fields[0], 10, 8)
		b, _ := strconv.ParseUint(fields[1], 10, 64)
		p := (*padded)(unsafe.Pointer(v.UnsafeAddr()))
		padding, _ := strconv.ParseUint(fields[2], 10, 8)
		for i := uintptr(1); i < unsafe.Offsetof(p.B); i++ {
			*(*uint8)(unsafe.Pointer(uintptr(unsafe.Pointer(p)) + i)) = uint8(padding)
		}
		p.A, p.B = uint8(a), b
	case 'p':
		n, err := strconv.ParseUint(rest, 16, 64)
		if err != nil {
			panic(refusal{})
		}
		v.SetUint(n)
	case 'z':
	default:
		panic(refusal{})
	}
	return v
}

// readAny is the value that an interface holds.
func readAny(word string) reflect.Value {
	types := map[byte]string{'i': "int64", 'x': "string", 'f': "float64", 'p': "pointer"}
	switch c := word[0]; c {
	case 'n':
		return reflect.Zero(anyType)
	case 'u':
		return reflect.ValueOf(unhashable[word[1]-'0'])
	default:
		return read(keyTypes[types[c]], word)
	}
}

// write is the word of a value.
func write(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Interface:
		if v.IsNil() {
			return "n"
		}
		return write(v.Elem())
	case reflect.Int64, reflect.Int8, reflect.Int16, reflect.Int32:
		return "i" + strconv.FormatInt(v.Int(), 10)
	case reflect.String:
		return "x" + hex.EncodeToString([]byte(v.String()))
	case reflect.Array:
		b := make([]byte, v.Len())
		reflect.Copy(reflect.ValueOf(b), v)
		return "x" + hex.EncodeToString(b)
	case reflect.Float64:
		return fmt.Sprintf("f%016x", math.Float64bits(v.Float()))
	case reflect.Complex128:
		c := v.Complex()
		return fmt.Sprintf("c%016x,%016x", math.Float64bits(real(c)), math.Float64bits(imag(c)))
	case reflect.Uintptr:
		return "p" + strconv.FormatUint(v.Uint(), 16)
	}
	if v.NumField() == 2 {
		return fmt.Sprintf("s%d,%d", v.Field(0).Uint(), v.Field(1).Uint())
	}
	return "z"
}

// ---- requests ------------------------------------------------------------------

// errata: the map of buckets, up to go1.23, has all four.
func greeting() string {
	errata := ""
	var major, minor int
	if n, _ := fmt.Sscanf(runtime.Version(), "go%d.%d", &major, &minor); n == 2 && major == 1 && minor < 24 {
		errata = " errata=E1,E2,E3,E4"
	}
	return "hello 1 levels=map,range" + errata + " name=built-in map of " + runtime.Version()
}

func value(words []string, name string) string {
	for _, w := range words {
		if strings.HasPrefix(w, name+"=") {
			return w[len(name)+1:]
		}
	}
	return ""
}

func makeMap(words []string) string {
	key, elem := keyTypes[value(words, "key")], elemTypes[value(words, "elem")]
	if key == nil || elem == nil {
		return "unsupported"
	}
	hint, _ := strconv.Atoi(value(words, "hint"))
	m = reflect.MakeMapWithSize(reflect.MapOf(key, elem), hint)
	iters = [4]*reflect.MapIter{}
	return count(m)
}

func count(m reflect.Value) string { return "ok " + strconv.Itoa(m.Len()) }

// clearMap is clear(m), which Go has since 1.21; before that a loop, and another
// map where it has a NaN, which nobody can delete.
func clearMap() {
	if method := reflect.ValueOf(m).MethodByName("Clear"); method.IsValid() {
		method.Call(nil)
		return
	}
	for it := m.MapRange(); it.Next(); {
		m.SetMapIndex(it.Key(), reflect.Value{})
	}
	if m.Len() != 0 {
		m = reflect.MakeMap(m.Type())
		iters = [4]*reflect.MapIter{}
	}
}

func step(slot int) string {
	it := iters[slot]
	if it == nil || !it.Next() {
		iters[slot] = nil
		return "end"
	}
	return "ok " + write(it.Key()) + " " + write(it.Value())
}

func answer(words []string) string {
	on := m
	nilMap := words[0] == "nil"
	if nilMap {
		words = words[1:]
		on = reflect.Zero(m.Type())
	}
	switch words[0] {
	case "hello":
		return greeting()
	case "map":
		return makeMap(words)
	case "len":
		return count(on)
	case "clear":
		if nilMap {
			return count(on) // a loop over nothing
		}
		clearMap()
		return count(m)
	case "set":
		on.SetMapIndex(read(on.Type().Key(), words[1]), read(on.Type().Elem(), words[2]))
		return count(on)
	case "del":
		on.SetMapIndex(read(on.Type().Key(), words[1]), reflect.Value{})
		return count(on)
	case "get":
		v := on.MapIndex(read(on.Type().Key(), words[1]))
		if !v.IsValid() {
			return "absent"
		}
		return "ok " + write(v)
	case "iter":
		if nilMap {
			if on.MapRange().Next() {
				return "ok"
			}
			return "end"
		}
		slot, _ := strconv.Atoi(words[1])
		iters[slot] = m.MapRange()
		return step(slot)
	case "next":
		slot, _ := strconv.Atoi(words[1])
		return step(slot)
	case "end":
		slot, _ := strconv.Atoi(words[1])
		iters[slot] = nil
		return "ok"
	}
	return "unsupported"
}

func safely(words []string) (said string) {
	defer func() {
		if r := recover(); r != nil {
			if _, is := r.(refusal); is {
				said = "unsupported"
				return
			}
			said = "panic " + strings.Replace(fmt.Sprint(r), "\n", " ", -1)
		}
	}()
	return answer(words)
}

func main() {
	in := bufio.NewReaderSize(os.Stdin, 1<<16)
	out := bufio.NewWriter(os.Stdout)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		out.WriteString(safely(strings.Fields(line)) + "\n")
		if in.Buffered() == 0 {
			out.Flush()
		}
	}
}
