// SPDX-License-Identifier: BSD-3-Clause
//
// dump.go: the state as text, exactly as ref/dump.c writes it (ref/dump.h has
// the format), between a line for the generator and one for the last result.

package main

import (
	"fmt"
	"strings"
	"unsafe"
)

type dumper struct {
	*runner
	strings.Builder
}

func (d *dumper) printf(format string, args ...interface{}) { fmt.Fprintf(d, format, args...) }

// dump is called with the generator where the last step left it.
func (r *runner) dump() string {
	d := &dumper{runner: r}
	d.printf("rand 0x%016x\n", r.rand)
	d.hmap()
	if r.h.buckets != nil {
		if first, sentinel, any := r.tail(r.arraySize(r.h.B)); any {
			d.printf("tail first=%d sentinel=%d\n", first, sentinel)
		}
	}
	for i := range r.its {
		if r.live[i] {
			d.printf("iterator %c:\n", 'a'+i)
			d.iter(i)
		}
	}
	d.printf("result seen=0x%03x panic=\"%s\" key=", r.seen, r.panics)
	if r.seenKey != nil {
		d.keyText(r.seenKey)
	} else {
		d.printf("-")
	}
	d.printf(" elem=")
	if r.seenElem != nil {
		d.elemText(r.seenElem)
	} else {
		d.printf("-")
	}
	d.printf(" hash=0x%016x\n", r.result)
	return d.String()
}

// ---- values ------------------------------------------------------------------------

func (d *dumper) float(bits uint64) { d.floatOf(bits, 52, 11) }

func (d *dumper) float32(bits uint32) { d.floatOf(uint64(bits), 23, 8) }

// floatOf: a float of so many bits of mantissa and exponent.
func (d *dumper) floatOf(bits uint64, mantBits, expBits uint) {
	mant := bits & (1<<mantBits - 1)
	most := uint64(1)<<expBits - 1
	biased := bits >> mantBits & most
	sign := ""
	if bits>>(mantBits+expBits) != 0 {
		sign = "-"
	}
	if biased == most {
		switch {
		case mant != 0:
			d.printf("nan:0x%0*x", (mantBits+expBits+1)/4, bits)
		case sign != "":
			d.printf("-inf")
		default:
			d.printf("+inf")
		}
		return
	}
	bias := int(most / 2)
	lead, exponent := 1, int(biased)-bias
	if biased == 0 {
		lead, exponent = 0, 1-bias
		if mant == 0 {
			exponent = 0
		}
	}
	d.printf("%s0x%d", sign, lead)
	if rest := mant << (64 - mantBits); rest != 0 {
		d.printf(".")
		for ; rest != 0; rest <<= 4 {
			d.printf("%x", rest>>60)
		}
	}
	d.printf("p%+d", exponent)
}

func (d *dumper) bytes(b []byte) {
	d.printf("0x")
	for i, run := 0, 1; i < len(b); i += run {
		for run = 1; i+run < len(b) && b[i+run] == b[i]; run++ {
		}
		d.printf("%02x", b[i])
		switch {
		case run < 4:
			run = 1
		case i+run < len(b):
			d.printf("*%d,", run)
		default:
			d.printf("*%d", run)
		}
	}
}

func (d *dumper) str(s *stringHeader) {
	d.printf("\"")
	for _, c := range bytesAt(s.str, uintptr(s.len)) {
		switch {
		case c == '"' || c == '\\':
			d.printf("\\%c", c)
		case c >= ' ' && c <= '~':
			d.printf("%c", c)
		default:
			d.printf("\\x%02x", c)
		}
	}
	d.printf("\"")
}

func (d *dumper) iface(e *eface) {
	switch e.typ {
	case nil:
		d.printf("nil")
	case int64Type:
		d.printf("int64(%d)", *(*int64)(e.data))
	case stringType:
		d.printf("string(")
		d.str((*stringHeader)(e.data))
		d.printf(")")
	case float64Type:
		d.printf("float64(")
		d.float(*(*uint64)(e.data))
		d.printf(")")
	case pointerType:
		d.printf("unsafe.Pointer(ptr:0x%x)", uintptr(e.data))
	default:
		d.printf("?(?)")
	}
}

func (d *dumper) keyText(p unsafe.Pointer) {
	switch d.key {
	case keyInt64:
		d.printf("%d", *(*int64)(p))
	case keyInt8:
		d.printf("%d", *(*int8)(p))
	case keyInt16:
		d.printf("%d", *(*int16)(p))
	case keyInt32:
		d.printf("%d", *(*int32)(p))
	case keyZero:
		d.printf("{}")
	case keyString:
		d.str((*stringHeader)(p))
	case keyFloat64:
		d.float(*(*uint64)(p))
	case keyComplex128:
		v := (*[2]uint64)(p)
		d.printf("(")
		d.float(v[0])
		d.printf(" ")
		d.float(v[1])
		d.printf(")")
	case keyIface:
		d.iface((*eface)(p))
	case keyPadded:
		d.printf("{%d %d}", *(*uint8)(p), *(*uint64)(add(p, paddedB)))
	case keyPointer:
		d.printf("ptr:0x%x", *(*uintptr)(p))
	case keyFloat32:
		d.float32(*(*uint32)(p))
	case keyComplex64:
		v := (*[2]uint32)(p)
		d.printf("(")
		d.float32(v[0])
		d.printf(" ")
		d.float32(v[1])
		d.printf(")")
	case keyMixed:
		w := (*[3]uintptr)(p)
		d.printf("{%t %d ptr:0x%x [", *(*bool)(p), int(w[1]), w[2])
		d.str((*stringHeader)(add(p, mixedD)))
		d.printf(" ")
		d.str((*stringHeader)(add(p, mixedD+unsafe.Sizeof(""))))
		d.printf("] ")
		d.bytes(bytesAt(add(p, mixedBlank), blankBytes))
		d.printf(" ")
		d.iface((*eface)(add(p, mixedE)))
		d.printf("}")
	default:
		d.bytes(bytesAt(p, d.t.key.size))
	}
}

func (d *dumper) elemText(p unsafe.Pointer) {
	switch d.elem {
	case elemInt64:
		d.printf("%d", *(*int64)(p))
	case elemZero:
		d.printf("{}")
	case elemInt8:
		d.printf("%d", *(*int8)(p))
	case elemPointer:
		d.printf("ptr:0x%x", *(*uintptr)(p))
	default:
		d.bytes(bytesAt(p, d.t.elem.size))
	}
}

func isZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// ---- buckets -----------------------------------------------------------------------

func (d *dumper) slot(b unsafe.Pointer, i uintptr) (top uint8, k, e unsafe.Pointer) {
	ks, es := uintptr(d.t.keysize), uintptr(d.t.elemsize)
	return *(*uint8)(add(b, i)), add(b, dataOffset+i*ks), add(b, dataOffset+bucketCnt*ks+i*es)
}

// What a slot without an entry still has.
const (
	staleNone = iota
	staleValue
	stalePointer
)

func (d *dumper) stale(b unsafe.Pointer, i uintptr) (key, elem int) {
	_, k, e := d.slot(b, i)
	key, elem = staleNone, staleNone
	zero := isZero(bytesAt(k, uintptr(d.t.keysize)))
	switch {
	case d.t.indirectKey() || d.t.key.ptrdata != 0:
		if !zero {
			key = stalePointer
		}
	case d.key == keyPadded:
		if *(*uint8)(k) != 0 || *(*uint64)(add(k, paddedB)) != 0 {
			key = staleValue
		}
	case !zero:
		key = staleValue
	}
	if !isZero(bytesAt(e, uintptr(d.t.elemsize))) {
		elem = staleValue
		if d.t.indirectElem() || d.t.elem.ptrdata != 0 {
			elem = stalePointer
		}
	}
	return key, elem
}

func (d *dumper) bare(b unsafe.Pointer, i uintptr) bool {
	top, _, _ := d.slot(b, i)
	key, elem := d.stale(b, i)
	return top < minTopHash && key == staleNone && elem == staleNone
}

func (d *dumper) slotText(b unsafe.Pointer, i uintptr) {
	top, k, e := d.slot(b, i)
	if top >= minTopHash {
		d.printf(" %02x:", top)
		if d.t.indirectKey() {
			k = loadp(k)
		}
		if d.t.indirectElem() {
			e = loadp(e)
		}
		if k == nil {
			d.printf("missing")
		} else {
			d.keyText(k)
		}
		d.printf("=")
		if e == nil {
			d.printf("missing")
		} else {
			d.elemText(e)
		}
		return
	}
	d.printf(" %c", ".-XYE"[top])
	key, elem := d.stale(b, i)
	if key == staleNone && elem == staleNone {
		return
	}
	d.printf("~")
	switch key {
	case staleValue:
		d.keyText(k)
	case stalePointer:
		d.printf("*")
	}
	switch elem {
	case staleValue:
		d.printf("=")
		d.elemText(e)
	case stalePointer:
		d.printf("=*")
	}
}

func (d *dumper) slots(b unsafe.Pointer) {
	for i, run := uintptr(0), uintptr(1); i < bucketCnt; i += run {
		d.slotText(b, i)
		run = 1
		for d.bare(b, i) && i+run < bucketCnt && d.bare(b, i+run) &&
			*(*uint8)(add(b, i+run)) == *(*uint8)(add(b, i)) {
			run++
		}
		if run > 1 {
			d.printf("*%d", run)
		}
	}
	d.printf("\n")
}

func (d *dumper) array(array unsafe.Pointer, nmain, nall uintptr) {
	size := uintptr(d.t.bucketsize)
	for n := uintptr(0); n < nmain; n++ {
		empty := n
		for empty < nmain && isZero(bytesAt(add(array, empty*size), size)) {
			empty++
		}
		switch empty {
		case n:
			for b, depth := add(array, n*size), 0; b != nil; b, depth = d.overflow(b), depth+1 {
				at := uintptr(b) - uintptr(array)
				switch {
				case depth == 0:
					d.printf("%d main", n)
				case uintptr(b) >= uintptr(array) && at < nall*size:
					d.printf("%d +%d", n, at/size-nmain)
				default:
					d.printf("%d heap", n)
				}
				d.slots(b)
			}
			continue
		case n + 1:
			d.printf("%d empty\n", n)
		default:
			d.printf("%d..%d empty\n", n, empty-1)
		}
		n = empty - 1
	}
}

func (d *dumper) hmap() {
	h := d.h
	growth := "none"
	if h.oldbuckets != nil {
		growth = "double"
		if h.flags&sameGrow != 0 {
			growth = "same"
		}
	}
	var flags []string
	for i, name := range []string{"iterator", "oldIterator", "hashWriting", "sameSizeGrow", "bit4", "bit5", "bit6", "bit7"} {
		if h.flags>>uint(i)&1 != 0 {
			flags = append(flags, name)
		}
	}
	if flags == nil {
		flags = []string{"-"}
	}
	d.printf("map ptrsize=%d count=%d flags=%s B=%d noverflow=%d hash0=0x%08x nevacuate=%d growth=%s\n", ptrSize,
		h.count, strings.Join(flags, "|"), h.B, h.noverflow, h.hash0, h.nevacuate, growth)
	if h.buckets == nil {
		d.printf("buckets -\n")
	} else {
		nmain, nall := uintptr(1)<<h.B, d.arraySize(h.B)
		d.printf("buckets %d+%d", nmain, nall-nmain)
		if h.extra != nil && h.extra.nextOverflow != nil {
			at := (uintptr(h.extra.nextOverflow) - uintptr(h.buckets)) / uintptr(d.t.bucketsize)
			d.printf(" next=+%d\n", at-nmain)
		} else {
			d.printf(" next=-\n")
		}
		d.array(h.buckets, nmain, nall)
	}
	if h.oldbuckets != nil {
		nmain, nall := uintptr(1)<<oldB(h), d.arraySize(oldB(h))
		d.printf("oldbuckets %d+%d\n", nmain, nall-nmain)
		d.array(h.oldbuckets, nmain, nall)
	}
}

// ---- iterators ---------------------------------------------------------------------

func arrayName(h *hmap, array unsafe.Pointer) string {
	return [3]string{"gone", "new", "old"}[whichArray(h, array)]
}

// walked is the array whose chain an iterator was in after its last step, and
// what became of that chain since.
type walked struct {
	array   unsafe.Pointer
	B       uint8
	cleared bool // mapclear has taken the chain's own buckets out of the map
}

func (r *runner) noteWalk(i int) {
	it := &r.its[i]
	switch r.position(it) & 3 {
	case 1:
		r.walks[i] = walked{array: it.buckets, B: it.B}
	case 2:
		r.walks[i] = walked{array: r.h.oldbuckets, B: oldB(r.h)}
	}
	// Else it is still in the chain that it was in before, and this chain's
	// array is no longer one of the two, or no longer leads there.
}

func (r *runner) noteClear() {
	for i := range r.walks {
		if r.live[i] && r.walks[i].array == r.h.buckets {
			r.walks[i].cleared = true
		}
	}
}

func (d *dumper) bptr(i int) {
	it, w := &d.its[i], &d.walks[i]
	size, nmain, nall := uintptr(d.t.bucketsize), uintptr(1)<<w.B, d.arraySize(w.B)
	at := uintptr(it.bptr) - uintptr(w.array)
	inside := uintptr(it.bptr) >= uintptr(w.array) && at < nall*size
	name := arrayName(d.h, w.array)
	if w.cleared && !inside {
		d.printf(" bptr=%s:parked", name)
		return
	}
	for n := uintptr(0); n < nmain; n++ {
		depth := d.depth(add(w.array, n*size), it.bptr)
		switch {
		case depth < 0:
			continue
		case depth == 0:
			d.printf(" bptr=%s:%d", name, n)
		case inside:
			d.printf(" bptr=%s:%d+%d", name, n, at/size-nmain)
		default:
			d.printf(" bptr=%s:%d.%d", name, n, depth)
		}
		return
	}
	d.printf(" bptr=%s:unlinked", name)
}

// shown tells whether an iterator's key or elem is still one of an array that
// the map or the iterator itself keeps.
func (d *dumper) shown(i int, p unsafe.Pointer, elem bool) bool {
	type kept struct {
		array unsafe.Pointer
		B     uint8
		inMap bool
	}
	h, it, w := d.h, &d.its[i], &d.walks[i]
	arrays := []kept{{h.buckets, h.B, true}}
	if h.oldbuckets != nil {
		arrays = append(arrays, kept{h.oldbuckets, oldB(h), true})
	}
	arrays = append(arrays, kept{it.buckets, it.B, false}, kept{w.array, w.B, false})
	pointers, indirect := d.t.key.ptrdata != 0, d.t.indirectKey()
	if elem {
		pointers, indirect = d.t.elem.ptrdata != 0, d.t.indirectElem()
	}
	for _, a := range arrays {
		for n := uintptr(0); n < 1<<a.B; n++ {
			for b := add(a.array, n*uintptr(d.t.bucketsize)); b != nil; b = d.overflow(b) {
				for s := uintptr(0); s < bucketCnt; s++ {
					top, k, e := d.slot(b, s)
					if elem {
						k = e
					}
					if indirect && top >= minTopHash && a.inMap && loadp(k) == p {
						return true
					}
					if !indirect && k == p {
						return !pointers || a.inMap && top >= minTopHash
					}
				}
			}
		}
	}
	return false
}

func (d *dumper) iter(i int) {
	it := &d.its[i]
	d.printf("iter B=%d startBucket=%d offset=%d wrapped=%v bucket=%d i=%d", it.B, it.startBucket, it.offset,
		it.wrapped, it.bucket, it.i)
	if it.checkBucket == noCheck {
		d.printf(" checkBucket=-")
	} else {
		d.printf(" checkBucket=%d", it.checkBucket)
	}
	d.printf(" buckets=%s", arrayName(d.h, it.buckets))
	d.bptr(i)
	d.printf(" key=")
	if d.t.key.size != 0 && !d.shown(i, it.key, false) {
		d.printf("*")
	} else {
		d.keyText(it.key)
	}
	d.printf(" elem=")
	if d.t.elem.size != 0 && !d.shown(i, it.elem, true) {
		d.printf("*")
	} else {
		d.elemText(it.elem)
	}
	d.printf("\n")
}
