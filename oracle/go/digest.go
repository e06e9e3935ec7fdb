// SPDX-License-Identifier: BSD-3-Clause
//
// digest.go: the state of map, iterators and generator in one number, free of
// addresses and byte order; the twin of oracle/digest.c, whose head comment
// defines it.

package main

import (
	"math/bits"
	"unsafe"
)

const mul = 0x9fb21c651e98df25

// No chain of a sound map is longer.
const longestChain = 1 << 16

func step(a, x uint64) uint64 { return bits.RotateLeft64((a^x)*mul, 29) }

type digest struct{ a, b, c, d uint64 }

func (g *digest) mix(x uint64) { g.a = step(g.a, x) }

// n words of eight bytes, lowest byte first.
func (g *digest) words(p unsafe.Pointer, n uintptr) {
	w := unsafe.Slice((*uint64)(p), n)
	a, b, c, d := g.a, g.b, g.c, g.d
	for len(w) >= 4 {
		a = step(a, littleEndian(w[0]))
		b = step(b, littleEndian(w[1]))
		c = step(c, littleEndian(w[2]))
		d = step(d, littleEndian(w[3]))
		w = w[4:]
	}
	for _, x := range w {
		a = step(a, littleEndian(x))
	}
	g.a, g.b, g.c, g.d = a, b, c, d
}

func (g *digest) sum() uint64 {
	x := step(step(step(g.a, g.b), g.c), g.d)
	return x ^ x>>32
}

// ---- byte order ------------------------------------------------------------------

var bigEndian = func() bool {
	one := uint16(1)
	return *(*byte)(unsafe.Pointer(&one)) == 0
}()

func littleEndian(x uint64) uint64 {
	if bigEndian {
		return bits.ReverseBytes64(x)
	}
	return x
}

// The size of the numbers that a value consists of: they are native, and stand
// in the digest lowest byte first.  1: bytes.
func keyUnit(kind int) uintptr {
	switch kind {
	case keyInt64, keyFloat64, keyComplex128:
		return 8
	case keyInt32, keyFloat32, keyComplex64:
		return 4
	case keyInt16:
		return 2
	case keyPointer:
		return ptrSize
	}
	return 1
}

func elemUnit(kind int) uintptr {
	switch kind {
	case elemInt64:
		return 8
	case elemPointer:
		return ptrSize
	}
	return 1
}

// image turns size bytes of numbers of the given unit lowest byte first.
func image(p unsafe.Pointer, size, unit uintptr) {
	b := bytesAt(p, size)
	for ; uintptr(len(b)) >= unit; b = b[unit:] {
		for i, j := uintptr(0), unit-1; i < j; i, j = i+1, j-1 {
			b[i], b[j] = b[j], b[i]
		}
	}
}

// keyImage is image for n keys that follow one another.
func keyImage(p unsafe.Pointer, kind int, size, n uintptr) {
	if kind != keyPadded {
		image(p, size*n, keyUnit(kind))
		return
	}
	for i := uintptr(0); i < n; i++ {
		image(add(p, i*size+paddedB), 8, 8)
	}
}

// ---- values ----------------------------------------------------------------------

func stringWords(s *stringHeader) (uint64, uint64) {
	return place(s.str, unsafe.Pointer(&stringBytes), stringMax, 2*65536, 1), uint64(int64(s.len))
}

func ifaceWords(e *eface) (uint64, uint64) {
	switch e.typ {
	case nil:
		return 0, place(e.data, nil, 1, 0, 0)
	case pointerType:
		return 4, uint64(uintptr(e.data))
	case int64Type, stringType, float64Type:
	default:
		return 5, 0
	}
	where := place(e.data, unsafe.Pointer(&boxes), unsafe.Sizeof(box{}), 2*ifacePointer, 1)
	if at := itemAt(e.data, unsafe.Pointer(&nanBoxes), 8, 65536); at >= 0 {
		where = 1<<32 + uint64(at)
	}
	switch e.typ {
	case int64Type:
		return 1, where
	case stringType:
		return 2, where
	}
	return 3, where
}

// wordsOf folds a key that holds addresses into a running hash: what they point
// to instead.
func wordsOf(roll uint64, kind int, p unsafe.Pointer) uint64 {
	two := func(x, y uint64) { roll = step(step(roll, x), y) }
	switch kind {
	case keyString:
		two(stringWords((*stringHeader)(p)))
	case keyIface:
		two(ifaceWords((*eface)(p)))
	case keyMixed:
		w := (*[3]uintptr)(p)
		two(uint64(*(*uint8)(p)), uint64(int64(int(w[1]))))
		roll = step(roll, uint64(w[2]))
		two(stringWords((*stringHeader)(add(p, mixedD))))
		two(stringWords((*stringHeader)(add(p, mixedD+unsafe.Sizeof("")))))
		roll = step(roll, littleEndian(*(*uint64)(add(p, mixedBlank))))
		two(ifaceWords((*eface)(add(p, mixedE))))
	}
	return roll
}

func place(p, base unsafe.Pointer, size, count uintptr, first uint64) uint64 {
	if p == nil {
		return 0
	}
	if at := itemAt(p, base, size, count); at >= 0 {
		return first + uint64(at)
	}
	return ^uint64(0)
}

func pointsElsewhere(kind int) bool {
	return kind == keyString || kind == keyIface || kind == keyMixed
}

// value folds one value into a running hash.
func (r *runner) keyValue(roll uint64, p unsafe.Pointer) uint64 {
	if pointsElsewhere(r.key) {
		return wordsOf(roll, r.key, p)
	}
	size := r.t.key.size
	if bigEndian {
		copy(r.swapped[:size], bytesAt(p, size))
		p = unsafe.Pointer(&r.swapped)
		keyImage(p, r.key, size, 1)
	}
	return rollBytes(roll, p, size)
}

func (r *runner) elemValue(roll uint64, p unsafe.Pointer) uint64 {
	size := r.t.elem.size
	if bigEndian {
		copy(r.swapped[:size], bytesAt(p, size))
		p = unsafe.Pointer(&r.swapped)
		image(p, size, elemUnit(r.elem))
	}
	return rollBytes(roll, p, size)
}

// All the words of size bytes, the last one continued with zeros.
func rollBytes(roll uint64, p unsafe.Pointer, size uintptr) uint64 {
	for ; size >= 8; p, size = add(p, 8), size-8 {
		roll = step(roll, littleEndian(*(*uint64)(p)))
	}
	if size > 0 {
		var x uint64
		for i, b := range bytesAt(p, size) {
			x |= uint64(b) << (8 * uint(i))
		}
		roll = step(roll, x)
	}
	return roll
}

// ---- buckets ---------------------------------------------------------------------

func (r *runner) overflow(b unsafe.Pointer) unsafe.Pointer {
	return loadp(add(b, uintptr(r.t.bucketsize)-ptrSize))
}

// arraySize is the number of buckets of an array for this B: makeBucketArray's rule.
func (r *runner) arraySize(B uint8) uintptr {
	n := uintptr(1) << B
	if B >= 4 {
		n += 1 << (B - 4)
		size := r.t.bucket.size * n
		if up := roundupsize(size); up != size {
			n = up / r.t.bucket.size
		}
	}
	return n
}

func (r *runner) digestBucket(g *digest, b unsafe.Pointer) {
	ks, es := uintptr(r.t.keysize), uintptr(r.t.elemsize)
	if r.plain {
		if bigEndian {
			n := dataOffset + bucketCnt*(ks+es)
			copy(r.swapped[:n], bytesAt(b, n))
			b = unsafe.Pointer(&r.swapped)
			keyImage(add(b, dataOffset), r.key, ks, bucketCnt)
			image(add(b, dataOffset+bucketCnt*ks), bucketCnt*es, elemUnit(r.elem))
		}
		g.words(b, 1+ks+es)
		return
	}
	g.words(b, 1)
	tops := (*[bucketCnt]uint8)(b)
	k := add(b, dataOffset)
	switch {
	case r.t.indirectKey():
		r.digestIndirect(g, tops, k, r.t.key.size, pointsElsewhere(r.key))
	case pointsElsewhere(r.key):
		for i := uintptr(0); i < bucketCnt; i++ {
			g.a = wordsOf(g.a, r.key, add(k, i*ks))
		}
	default:
		if bigEndian {
			copy(r.swapped[:bucketCnt*ks], bytesAt(k, bucketCnt*ks))
			k = unsafe.Pointer(&r.swapped)
			keyImage(k, r.key, ks, bucketCnt)
		}
		g.words(k, ks)
	}
	e := add(b, dataOffset+bucketCnt*ks)
	if !r.t.indirectElem() {
		if bigEndian {
			copy(r.swapped[:bucketCnt*es], bytesAt(e, bucketCnt*es))
			e = unsafe.Pointer(&r.swapped)
			image(e, bucketCnt*es, elemUnit(r.elem))
		}
		g.words(e, es)
		return
	}
	r.digestIndirect(g, tops, e, r.t.elem.size, false)
}

// digestIndirect: eight pointers to size bytes, or to keys that hold addresses.
func (r *runner) digestIndirect(g *digest, tops *[bucketCnt]uint8, at unsafe.Pointer, size uintptr, elsewhere bool) {
	for i := uintptr(0); i < bucketCnt; i++ {
		p := loadp(add(at, i*ptrSize))
		switch {
		case p == nil:
			g.mix(0)
		case tops[i] < minTopHash:
			g.mix(1)
		case elsewhere:
			g.mix(2)
			g.a = wordsOf(g.a, r.key, p)
		default:
			g.mix(2)
			g.words(p, size/8)
			g.a = rollBytes(g.a, add(p, size/8*8), size%8)
		}
	}
}

// digestArray: main buckets with their chains.  A link is 0 at the end, 1 if it
// leads to a bucket of its own, else 2 + the number within the array.
func (r *runner) digestArray(g *digest, array unsafe.Pointer, nmain, nall uintptr) {
	size := uintptr(r.t.bucketsize)
	g.mix(uint64(nmain))
	g.mix(uint64(nall))
	for i := uintptr(0); i < nmain; i++ {
		b := add(array, i*size)
		for depth := 0; ; depth++ {
			r.digestBucket(g, b)
			b = r.overflow(b)
			if b == nil || depth == longestChain {
				break
			}
			link := uint64(1)
			if at := uintptr(b) - uintptr(array); uintptr(b) >= uintptr(array) && at < nall*size {
				link = 2 + uint64(at/size)
			}
			g.mix(link)
		}
		g.mix(0)
	}
}

// tail: where the free preallocated buckets begin, and which of them has the
// sentinel (0: none).
func (r *runner) tail(nall uintptr) (first, sentinel uintptr, any bool) {
	h, size := r.h, uintptr(r.t.bucketsize)
	if h.extra == nil || h.extra.nextOverflow == nil {
		return 0, 0, false
	}
	first = (uintptr(h.extra.nextOverflow) - uintptr(h.buckets)) / size
	for n := first; n < nall; n++ {
		if r.overflow(add(h.buckets, n*size)) != nil {
			return first, n, true
		}
	}
	return first, 0, true
}

// oldBuckets is hmap.noldbuckets.
func oldB(h *hmap) uint8 {
	if h.flags&sameGrow != 0 {
		return h.B
	}
	return h.B - 1
}

// position: in which array and how deep in its chain the iterator stands; 0: in
// neither of the two that its next bucket number leads to.
func (r *runner) position(it *hiter) uint64 {
	mask := uintptr(1)<<it.B - 1
	at := (it.bucket + mask) & mask
	size := uintptr(r.t.bucketsize)
	depth := r.depth(add(it.buckets, at*size), it.bptr)
	if depth >= 0 {
		return 1 + 4*uint64(depth)
	}
	if r.h.oldbuckets != nil {
		at &= uintptr(1)<<oldB(r.h) - 1
		if depth = r.depth(add(r.h.oldbuckets, at*size), it.bptr); depth >= 0 {
			return 2 + 4*uint64(depth)
		}
	}
	return 0
}

// depth of the bucket in a chain; -1: it is not there.
func (r *runner) depth(b, wanted unsafe.Pointer) int {
	for depth := 0; b != nil && depth < longestChain; depth++ {
		if b == wanted {
			return depth
		}
		b = r.overflow(b)
	}
	return -1
}

// which array of the map this is: 1 buckets, 2 oldbuckets, 0 neither.
func whichArray(h *hmap, array unsafe.Pointer) uint64 {
	switch array {
	case h.buckets:
		return 1
	case h.oldbuckets:
		return 2
	}
	return 0
}

func (r *runner) digestIter(g *digest, i int) {
	if !r.live[i] {
		g.mix(0)
		return
	}
	it := &r.its[i]
	wrapped := uint64(0)
	if it.wrapped {
		wrapped = 1
	}
	g.mix(1 | whichArray(r.h, it.buckets)<<1)
	g.mix(uint64(it.startBucket))
	g.mix(uint64(it.offset) | wrapped<<8 | uint64(it.B)<<16 | uint64(it.i)<<24)
	g.mix(uint64(it.bucket))
	g.mix(uint64(it.checkBucket))
	g.mix(r.position(it))
}

// state is the digest of everything.
func (r *runner) state() uint64 {
	h := r.h
	g := digest{1, 2, 3, 4}
	g.mix(randState())
	g.mix(uint64(h.count))
	g.mix(uint64(h.flags) | uint64(h.B)<<8 | uint64(h.noverflow)<<16 | uint64(h.hash0)<<32)
	g.mix(uint64(h.nevacuate))
	if h.buckets == nil {
		g.mix(0)
	} else {
		nmain, nall := uintptr(1)<<h.B, r.arraySize(h.B)
		r.digestArray(&g, h.buckets, nmain, nall)
		if first, sentinel, any := r.tail(nall); any {
			g.mix(1 + uint64(first))
			g.mix(uint64(sentinel))
		} else {
			g.mix(0)
		}
	}
	if h.oldbuckets == nil {
		g.mix(0)
	} else {
		B := oldB(h)
		r.digestArray(&g, h.oldbuckets, uintptr(1)<<B, r.arraySize(B))
	}
	for i := range r.its {
		r.digestIter(&g, i)
	}
	return g.sum()
}
