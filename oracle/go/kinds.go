// SPDX-License-Identifier: BSD-3-Clause
//
// kinds.go: what key numbers and elem stamps are in memory, and the hashers;
// the twin of oracle/kinds.c, by the tables of fuzz/FORMAT.md.

package main

import (
	"reflect"
	"unsafe"
)

const (
	keyInt64 = iota
	keyInt8
	keyInt16
	keyInt32
	keyBytes16
	keyBytes127
	keyBytes128
	keyBytes129
	keyBytes1000
	keyZero
	keyString
	keyFloat64
	keyComplex128
	keyIface
	keyPadded
	keyPointer
	keyFloat32
	keyComplex64
	keyMixed
	keyKinds
)

const (
	elemInt64 = iota
	elemZero
	elemInt8
	elemBytes128
	elemBytes129
	elemBytes1025
	elemPointer
	elemKinds
)

const (
	hashReal = iota
	hashIdentity
	hashConstant
	hashLowbits
	hashTophash
	hashMintop
	hashRandom
	hashAES
	hashKinds
)

type padded struct {
	a uint8
	b uint64
}

const paddedB = unsafe.Offsetof(padded{}.b)

type mixed struct {
	a bool
	b int
	c *int
	d [2]string
	_ [blankBytes]uint8
	e interface{}
}

const (
	mixedD     = unsafe.Offsetof(mixed{}.d)
	blankBytes = 120
	mixedBlank = mixedE - blankBytes
	mixedE     = unsafe.Offsetof(mixed{}.e)
)

var emptyInterface = reflect.TypeOf((*interface{})(nil)).Elem()

var keyTypes = [keyKinds]reflect.Type{
	reflect.TypeOf(int64(0)), reflect.TypeOf(int8(0)), reflect.TypeOf(int16(0)), reflect.TypeOf(int32(0)),
	reflect.TypeOf([16]uint8{}), reflect.TypeOf([127]uint8{}), reflect.TypeOf([128]uint8{}),
	reflect.TypeOf([129]uint8{}), reflect.TypeOf([1000]uint8{}), reflect.TypeOf(struct{}{}),
	reflect.TypeOf(""), reflect.TypeOf(float64(0)), reflect.TypeOf(complex128(0)), emptyInterface,
	reflect.TypeOf(padded{}), reflect.TypeOf(unsafe.Pointer(nil)), reflect.TypeOf(float32(0)),
	reflect.TypeOf(complex64(0)), reflect.TypeOf(mixed{}),
}

var elemTypes = [elemKinds]reflect.Type{
	reflect.TypeOf(int64(0)), reflect.TypeOf(struct{}{}), reflect.TypeOf(int8(0)),
	reflect.TypeOf([128]uint8{}), reflect.TypeOf([129]uint8{}), reflect.TypeOf([1025]uint8{}),
	reflect.TypeOf(unsafe.Pointer(nil)),
}

var unhashableTypes = [4]*rtype{
	typeOf(reflect.TypeOf([]int(nil))), typeOf(reflect.TypeOf(map[int]int(nil))),
	typeOf(reflect.TypeOf((func())(nil))), typeOf(reflect.TypeOf(struct{ s []int }{})),
}

// The real maptypes, made before the first trace so that reflect's own maps
// rest while one runs.  Kept here for good.
var reflectMaps [keyKinds][elemKinds]reflect.Type

func init() {
	for k := range reflectMaps {
		for e := range reflectMaps[k] {
			reflectMaps[k][e] = reflect.MapOf(keyTypes[k], elemTypes[e])
		}
	}
}

// The copies that traces use, by key, elem and hasher; made at first use.
var mapTypes [keyKinds][elemKinds][hashKinds]*maptype

func mapTypeFor(key, elem, rule int) *maptype {
	p := &mapTypes[key][elem][rule]
	if *p == nil {
		t := *(*maptype)(unsafe.Pointer(typeOf(reflectMaps[key][elem])))
		t.hasher = hasherFor(key, rule, t.key)
		*p = &t
	}
	return *p
}

// ---- byte patterns -------------------------------------------------------------

var ramp [255 + 1025 + 1]byte

func init() {
	for i := range ramp {
		ramp[i] = byte(i)
	}
}

// The low bytes of v, lowest first and at most width of them, then the pattern.
func fill(out []byte, v uint64, width int) {
	i := 0
	for ; i < width && i < len(out); i++ {
		out[i] = byte(v >> (8 * uint(i)))
	}
	copy(out[i:], ramp[byte(v^v>>8^v>>16):])
}

// ---- what values point to -------------------------------------------------------

const stringMax = 60

var stringBytes [2][65536][stringMax]byte
var stringReady [65536]bool

type stringHeader struct {
	str unsafe.Pointer
	len int
}

func makeString(n uint16, variant uint32) stringHeader {
	if n == 0 && variant&1 == 0 {
		return stringHeader{}
	}
	size := 0
	if n != 0 {
		size = 2 + int(n)%59
	}
	if !stringReady[n] {
		fill(stringBytes[0][n][:size], uint64(n), 2)
		fill(stringBytes[1][n][:size], uint64(n), 2)
		stringReady[n] = true
	}
	return stringHeader{unsafe.Pointer(&stringBytes[variant&1][n]), size}
}

const (
	floatNegZero  = 1 << 63
	floatInf      = 0x7ff << 52
	floatDenormal = 1
	floatNaN      = 0xfff << 51
	floatOne      = 0x3ff << 52

	firstNaN      = 0xc000
	firstIfaceNaN = 0x3000
)

func makeFloat(m, nan uint16, variant uint32) uint64 {
	if m >= nan {
		return floatNaN | uint64(variant&0xffff)
	}
	switch m {
	case 0:
		return 0
	case 1:
		return floatNegZero
	case 2:
		return floatInf
	case 3:
		return floatDenormal
	}
	f := float64(m)
	return *(*uint64)(unsafe.Pointer(&f))
}

func floatNumber(bits uint64, nan uint16) (n uint64, isNaN bool, payload uint64) {
	switch {
	case bits&^0xffff == floatNaN:
		return uint64(nan), true, bits & 0xffff
	case bits == floatNegZero:
		return 1, false, 0
	case bits == floatInf:
		return 2, false, 0
	case bits == floatDenormal:
		return 3, false, 0
	}
	return uint64(*(*float64)(unsafe.Pointer(&bits))), false, 0
}

const (
	float32NegZero  = 1 << 31
	float32NegInf   = 0x1ff << 23
	float32Denormal = 1
	float32NaN      = 0x1ff << 22
	float32One      = 0x7f << 23
)

func makeFloat32(m uint16, variant uint32) uint32 {
	switch {
	case m >= firstNaN:
		return float32NaN | variant&0xffff
	case m == 0:
		return 0
	case m == 1:
		return float32NegZero
	case m == 2:
		return float32NegInf
	case m == 3:
		return float32Denormal
	}
	f := float32(m)
	return *(*uint32)(unsafe.Pointer(&f))
}

func float32ID(bits uint32) (id uint64, isNaN, known bool) {
	switch {
	case bits&^0xffff == float32NaN:
		return uint64(bits & 0xffff), true, true
	case bits == float32NegZero:
		return 0, false, true
	case bits == float32NegInf:
		return 2, false, true
	case bits == float32Denormal:
		return 3, false, true
	}
	return uint64(*(*float32)(unsafe.Pointer(&bits))), false, true
}

const (
	ifaceNil        = 0x3fff
	ifaceString     = 0x4000
	ifaceFloat      = 0x8000
	ifacePointer    = 0xc000
	ifaceUnhashable = 0xe000
)

// Room for an int64, the bits of a float64 or a string header.
type box [2]uintptr

var boxes [2][ifacePointer]box
var boxReady [ifacePointer]bool
var nanBoxes [65536]uint64
var sliceBoxes [2][3]uintptr

var (
	int64Type   = typeOf(keyTypes[keyInt64])
	stringType  = typeOf(keyTypes[keyString])
	float64Type = typeOf(keyTypes[keyFloat64])
	pointerType = typeOf(keyTypes[keyPointer])
)

func fakePointer(n uint64) uintptr { return 0x10000 + 16*uintptr(n) }

func makeIface(n uint16, variant uint32) (typ *rtype, data uintptr) {
	at := func(p unsafe.Pointer) uintptr { return uintptr(p) }
	switch {
	case n == ifaceNil:
		return nil, 0
	case n >= ifaceUnhashable:
		if k := n & 3; k == 1 || k == 2 {
			return unhashableTypes[k], 0
		}
		return unhashableTypes[n&3], at(unsafe.Pointer(&sliceBoxes[variant&1]))
	case n >= ifacePointer:
		return pointerType, fakePointer(uint64(n & 0x1fff))
	case n >= ifaceFloat+firstIfaceNaN:
		payload := variant & 0xffff
		nanBoxes[payload] = floatNaN | uint64(payload)
		return float64Type, at(unsafe.Pointer(&nanBoxes[payload]))
	}
	if !boxReady[n] {
		for c := range boxes {
			b := unsafe.Pointer(&boxes[c][n])
			switch {
			case n < ifaceString:
				*(*int64)(b) = int64(n)
			case n < ifaceFloat:
				*(*stringHeader)(b) = makeString(n&0x3fff, uint32(c))
			default:
				*(*uint64)(b) = makeFloat(n&0x3fff, firstIfaceNaN, 0)
			}
		}
		boxReady[n] = true
	}
	data = at(unsafe.Pointer(&boxes[variant&1][n]))
	switch {
	case n >= ifaceFloat:
		return float64Type, data
	case n >= ifaceString:
		return stringType, data
	}
	return int64Type, data
}

// itemAt tells which of count items of size bytes from base p points to; -1: none.
func itemAt(p, base unsafe.Pointer, size, count uintptr) int {
	from := uintptr(p) - uintptr(base)
	if uintptr(p) < uintptr(base) || from/size >= count || from%size != 0 {
		return -1
	}
	return int(from / size)
}

// ---- keys and elems -----------------------------------------------------------

func bytesAt(p unsafe.Pointer, n uintptr) []byte { return unsafe.Slice((*byte)(p), n) }

func makeKey(kind int, n uint16, variant uint32, out unsafe.Pointer) {
	switch kind {
	case keyInt64:
		*(*int64)(out) = int64(n)
	case keyInt8:
		*(*uint8)(out) = uint8(n)
	case keyInt16:
		*(*uint16)(out) = n
	case keyInt32:
		*(*int32)(out) = int32(n)
	case keyBytes16, keyBytes127, keyBytes128, keyBytes129, keyBytes1000:
		fill(bytesAt(out, typeOf(keyTypes[kind]).size), uint64(n), 2)
	case keyString:
		*(*stringHeader)(out) = makeString(n, variant)
	case keyFloat64:
		*(*uint64)(out) = makeFloat(n, firstNaN, variant)
	case keyComplex128:
		v := [2]uint64{makeFloat(n, firstNaN, variant), floatOne}
		if n >= firstNaN && n&1 != 0 {
			v[0], v[1] = v[1], v[0]
		}
		*(*[2]uint64)(out) = v
	case keyIface:
		typ, data := makeIface(n, variant)
		*(*[2]uintptr)(out) = [2]uintptr{uintptr(unsafe.Pointer(typ)), data}
	case keyPadded:
		b := bytesAt(out, paddedB)
		b[0] = byte(n)
		for i := range b[1:] {
			b[i+1] = byte(1 + (variant%255+uint32(i)+1)%255)
		}
		*(*uint64)(add(out, paddedB)) = uint64(n) * 0x0001000100010001
	case keyPointer:
		*(*uintptr)(out) = fakePointer(uint64(n))
	case keyFloat32:
		*(*uint32)(out) = makeFloat32(n, variant)
	case keyComplex64:
		v := [2]uint32{makeFloat32(n, variant), float32One}
		if n >= firstNaN && n&1 != 0 {
			v[0], v[1] = v[1], v[0]
		}
		*(*[2]uint32)(out) = v
	case keyMixed:
		makeMixed(n, variant, out)
	}
}

// The other fields of a mixed key follow from the number of what its interface equals.
func mixedNumber(n uint16) uint16 {
	switch {
	case n >= ifaceUnhashable || n >= ifaceFloat+firstIfaceNaN && n < ifacePointer:
		return 0
	case n == ifaceFloat+1:
		return ifaceFloat
	}
	return n
}

// Word by word, for c is no pointer that Go may follow.
func makeMixed(n uint16, variant uint32, out unsafe.Pointer) {
	m := mixedNumber(n)
	w := (*[3]uintptr)(out)
	w[0] = 0
	*(*uint8)(out) = uint8(m & 1)
	w[1] = uintptr(-int(m / 4))
	w[2] = fakePointer(uint64(m / 16))
	*(*stringHeader)(add(out, mixedD)) = makeString(m/64, variant)
	*(*stringHeader)(add(out, mixedD+unsafe.Sizeof(""))) = makeString(m, variant>>1)
	blank := bytesAt(add(out, mixedBlank), blankBytes)
	for i := range blank {
		blank[i] = byte(1 + variant%255)
	}
	typ, data := makeIface(n, variant)
	*(*[2]uintptr)(add(out, mixedE)) = [2]uintptr{uintptr(unsafe.Pointer(typ)), data}
}

func unhashable(kind int, n uint16) bool {
	return (kind == keyIface || kind == keyMixed) && n >= ifaceUnhashable
}

// keyID is what hashers need to know of a key that lies in memory: its id, or
// the payload of a NaN.  Not known: a slot that was wiped (ERRATA.md#E3), or a
// key that cannot be hashed.
func keyID(kind int, p unsafe.Pointer) (id uint64, isNaN, known bool) {
	switch kind {
	case keyInt64:
		return *(*uint64)(p), false, true
	case keyInt8:
		return uint64(*(*uint8)(p)), false, true
	case keyInt16:
		return uint64(*(*uint16)(p)), false, true
	case keyInt32:
		return uint64(*(*uint32)(p)), false, true
	case keyBytes16, keyBytes127, keyBytes128, keyBytes129, keyBytes1000:
		b := (*[4]byte)(p)
		return uint64(b[0]) | uint64(b[1])<<8, false, b[3] == b[2]+1
	case keyZero:
		return 0, false, true
	case keyString:
		s := (*stringHeader)(p)
		at := itemAt(s.str, unsafe.Pointer(&stringBytes), stringMax, 2*65536)
		if s.str == nil || at < 0 {
			return 0, false, s.str == nil
		}
		return uint64(at & 0xffff), false, true
	case keyFloat64:
		return floatID(*(*uint64)(p), firstNaN)
	case keyComplex128:
		v := (*[2]uint64)(p)
		if v[1] == floatOne {
			return floatID(v[0], firstNaN)
		}
		id, isNaN, _ = floatID(v[1], firstNaN)
		return id, isNaN, v[0] == floatOne && isNaN
	case keyIface:
		return ifaceID((*eface)(p))
	case keyPadded:
		return *(*uint64)(add(p, paddedB)) & 0xffff, false, true
	case keyPointer:
		a := *(*uintptr)(p)
		return uint64((a - 0x10000) / 16), false, a >= 0x10000
	case keyFloat32:
		return float32ID(*(*uint32)(p))
	case keyComplex64:
		v := (*[2]uint32)(p)
		if v[1] == float32One {
			return float32ID(v[0])
		}
		id, isNaN, _ = float32ID(v[1])
		return id, isNaN, v[0] == float32One && isNaN
	case keyMixed:
		return ifaceID((*eface)(add(p, mixedE)))
	}
	return 0, false, false
}

func floatID(bits uint64, nan uint16) (id uint64, isNaN, known bool) {
	n, isNaN, payload := floatNumber(bits, nan)
	if isNaN {
		return payload, true, true
	}
	if n == 1 {
		n = 0
	}
	return n, false, true
}

func ifaceID(e *eface) (id uint64, isNaN, known bool) {
	switch e.typ {
	case nil:
		return ifaceNil, false, true
	case pointerType:
		return ifacePointer + uint64((uintptr(e.data)-0x10000)/16), false, true
	case int64Type, stringType, float64Type:
	default:
		return 0, false, false
	}
	if at := itemAt(e.data, unsafe.Pointer(&nanBoxes), 8, 65536); at >= 0 {
		return uint64(at), true, true
	}
	at := itemAt(e.data, unsafe.Pointer(&boxes), unsafe.Sizeof(box{}), 2*ifacePointer)
	id = uint64(at) % ifacePointer
	if id == ifaceFloat+1 {
		id = ifaceFloat
	}
	return id, false, at >= 0
}

func makeElem(kind int, stamp uint64, out unsafe.Pointer) {
	switch kind {
	case elemPointer:
		*(*uintptr)(out) = fakePointer(stamp) | 8
	case elemInt64:
		*(*uint64)(out) = stamp
	default:
		fill(bytesAt(out, typeOf(elemTypes[kind]).size), stamp, 8)
	}
}

// ---- hashers ---------------------------------------------------------------------

const topShift = 8*ptrSize - 8

func withTop(hash, top uintptr) uintptr { return hash&(^uintptr(0)>>8) | top<<topShift }

func spread(id uint64, seed uintptr) uintptr {
	x := (id ^ uint64(seed)) * 0x9e3779b97f4a7c15
	return uintptr(x ^ x>>32)
}

func hasherFor(kind, rule int, key *rtype) func(unsafe.Pointer, uintptr) uintptr {
	if rule == hashReal || rule == hashAES {
		return func(p unsafe.Pointer, seed uintptr) uintptr { return typehash(key, p, seed) }
	}
	return func(p unsafe.Pointer, seed uintptr) uintptr {
		id, isNaN, known := keyID(kind, p)
		if !known {
			return typehash(key, p, seed)
		}
		switch rule {
		case hashIdentity:
			if !isNaN {
				return uintptr(id)
			}
		case hashConstant:
			if !isNaN {
				return 0
			}
		case hashRandom:
			if isNaN {
				if ptrSize == 8 {
					return uintptr(fastrand64())
				}
				return uintptr(fastrand())
			}
		default:
			base := spread(id, seed)
			if isNaN {
				base = typehash(key, p, seed)
			}
			switch rule {
			case hashLowbits:
				return base&^0xff | uintptr(id&1)
			case hashTophash:
				return withTop(base, 0x80)
			}
			return withTop(base, uintptr(id%5))
		}
		return typehash(key, p, seed)
	}
}
