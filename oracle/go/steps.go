// SPDX-License-Identifier: BSD-3-Clause
//
// steps.go: carries out the primitive operations of a trace on the real
// runtime, and folds what each one answered into a running hash; the twin of
// fuzz/run.c and of the record_ functions of oracle/record.c.

package main

import (
	"fmt"
	"unsafe"
)

// The selectors of fuzz/FORMAT.md's operation table that a recording uses.
const (
	opAssign = 0
	opDelete = 8
	opGet    = 12
	opIter   = 20
	opNext   = 22
	opEnd    = 25
	opClear  = 26
	opSeed   = 29
	opMake   = 30
	opNil    = 31
)

const (
	iters  = 4
	makers = 5
)

type runner struct {
	key, elem, rule int
	t               *maptype
	h               *hmap
	its             [iters]hiter
	live            [iters]bool
	plain           bool // key and elem slots are all there is to see of a bucket

	stamp   uint64
	variant uint32
	roll    uint64 // of all results so far
	panics  string // words of the last panic

	// For dumps: of the last step, how what it returned relates, and the entry.
	seen              uint64
	seenKey, seenElem unsafe.Pointer

	walks        [iters]walked // for dumps
	rand, result uint64        // at the end of a trace

	buffer  [1000 / 8]uint64 // the key at hand
	zero    [1025]byte
	swapped [8 + 8*256]byte
}

func decodeHint(mantissa uint16, shift byte) int64 {
	return int64(uint64(int64(int16(mantissa))) << (shift & 63))
}

// start: the header of a trace, and with it the first step.
func (r *runner) start(header []byte) {
	r.key = int(header[0]) % keyKinds
	r.elem = int(header[1]) % elemKinds
	r.rule = int(header[2]) % hashKinds
	r.t = mapTypeFor(r.key, r.elem, r.rule)
	r.plain = !pointsElsewhere(r.key) && r.t.flags&3 == 0
	r.h = nil
	r.stamp, r.variant, r.roll = 0, 0, 1
	r.panics, r.seen, r.seenKey, r.seenElem = "", 0, nil, nil
	r.forget()
	seedRand(uint64(le32(header[8:])))
	r.make((header[3]>>1&7)%makers, decodeHint(le16(header[4:]), header[6]))
}

func (r *runner) forget() {
	r.its = [iters]hiter{}
	r.live = [iters]bool{}
}

func (r *runner) make(maker byte, hint int64) {
	r.h = nil
	r.forget()
	switch maker {
	case 0:
		r.h = makemap(r.t, int(hint), nil)
	case 1:
		r.h = makemap64(r.t, hint, nil)
	case 2:
		r.h = makemap_small()
	case 3:
		r.h = reflect_makemap(r.t, int(hint))
	default:
		r.h = makemap(r.t, int(hint), new(hmap))
	}
	r.roll = step(r.roll, opMake)
}

// recovered is deferred where the runtime may panic: the words become a result,
// and the generator is what it was, because unwinding draws from it.
func (r *runner) recovered(rand uint64) {
	e := recover()
	if e == nil {
		return
	}
	setRand(rand)
	if err, ok := e.(error); ok {
		r.panics = err.Error()
	} else {
		r.panics = fmt.Sprint(e)
	}
	for i := 0; i < len(r.panics); i++ {
		r.roll = step(r.roll, uint64(r.panics[i]))
	}
}

// one operation of four bytes.
func (r *runner) step(op []byte) {
	code, hi, n := op[0]&31, int(op[0]>>5), le16(op[2:])
	r.panics, r.seen, r.seenKey, r.seenElem = "", 0, nil, nil
	r.roll = step(r.roll, uint64(code))
	switch code {
	case opAssign:
		r.use(n)
		r.assign()
	case opDelete:
		r.use(n)
		r.delete()
	case opGet:
		r.use(n)
		r.get(unhashable(r.key, n))
	case opIter:
		r.its[hi&3] = hiter{}
		mapiterinit(r.t, r.h, &r.its[hi&3])
		r.stands(hi & 3)
	case opNext:
		r.next(hi & 3)
	case opEnd:
		r.its[hi&3] = hiter{}
		r.live[hi&3] = false
	case opClear:
		r.noteClear()
		mapclear(r.t, r.h)
	case opSeed:
		seedRand(uint64(n))
	case opMake:
		r.make(byte(hi)%makers, decodeHint(n, op[1]))
	case opNil:
		r.use(n)
		r.nilMap()
	}
}

func (r *runner) use(n uint16) {
	r.variant++
	makeKey(r.key, n, r.variant, unsafe.Pointer(&r.buffer))
}

func (r *runner) assign() {
	defer r.recovered(randState())
	p := mapassign(r.t, r.h, unsafe.Pointer(&r.buffer))
	r.roll = r.elemValue(r.roll, p)
	r.stamp++
	makeElem(r.elem, r.stamp, p)
}

func (r *runner) delete() {
	defer r.recovered(randState())
	mapdelete(r.t, r.h, unsafe.Pointer(&r.buffer))
}

// The access functions, in the order in which the port is asked.
func (r *runner) access(which int, seen *accesses) {
	defer r.recovered(randState())
	key, zero := unsafe.Pointer(&r.buffer), unsafe.Pointer(&r.zero)
	switch which {
	case 0:
		seen.e1 = mapaccess1(r.t, r.h, key)
	case 1:
		seen.e2, seen.ok2 = mapaccess2(r.t, r.h, key)
	case 2:
		seen.fat1 = mapaccess1_fat(r.t, r.h, key, zero)
	case 3:
		seen.fat2, seen.okfat = mapaccess2_fat(r.t, r.h, key, zero)
	case 4:
		seen.k, seen.ke = mapaccessK(r.t, r.h, key)
	}
}

type accesses struct {
	e1, e2, fat1, fat2, k, ke unsafe.Pointer
	ok2, okfat                bool
}

func (r *runner) get(unhashable bool) {
	var a accesses
	for which := 0; which < 5; which++ {
		if unhashable && which == 4 && (r.h == nil || r.h.count == 0) {
			return // the one that does not hash on an empty map
		}
		r.access(which, &a)
		if r.h == nil && r.panics != "" {
			return
		}
	}
	if unhashable {
		return
	}
	zero := unsafe.Pointer(&r.zero)
	missing := unsafe.Pointer(&zeroVal)
	flags := uint64(0)
	for i, b := range []bool{
		a.e1 == missing, a.e2 == missing, a.fat1 == zero, a.fat2 == zero, a.k == nil, a.ke == nil,
		a.ok2, a.okfat, a.e1 == a.e2, a.e1 == a.fat1, a.e1 == a.fat2, a.e1 == a.ke,
	} {
		if b {
			flags |= 1 << uint(i)
		}
	}
	r.roll = step(r.roll, flags)
	r.seen, r.seenKey = flags, a.k
	if a.e1 != missing {
		r.seenElem = a.e1
	}
	if a.k != nil {
		r.roll = r.keyValue(r.roll, a.k)
	}
	if a.e1 != missing {
		r.roll = r.elemValue(r.roll, a.e1)
	}
}

func (r *runner) next(i int) {
	defer r.recovered(randState())
	it := &r.its[i]
	live := r.live[i]
	r.live[i] = false // a panic ends the iteration
	if live {
		mapiternext(it)
	}
	r.stands(i)
}

// stands: where an iterator is after a step, and what it shows.
func (r *runner) stands(i int) {
	it := &r.its[i]
	r.live[i] = it.key != nil
	if !r.live[i] {
		r.its[i] = hiter{}
		r.roll = step(r.roll, 0)
		return
	}
	slot := uintptr(it.i-1+it.offset) & (bucketCnt - 1)
	ks, es := uintptr(r.t.keysize), uintptr(r.t.elemsize)
	k, e := add(it.bptr, dataOffset+slot*ks), add(it.bptr, dataOffset+bucketCnt*ks+slot*es)
	if r.t.indirectKey() {
		k = loadp(k)
	}
	if r.t.indirectElem() {
		e = loadp(e)
	}
	here := uint64(1)
	if it.key == k {
		here |= 2
	}
	if it.elem == e {
		here |= 4
	}
	r.noteWalk(i)
	r.roll = step(r.roll, here)
	r.seen, r.seenKey, r.seenElem = here, it.key, it.elem
	r.roll = r.keyValue(r.roll, it.key)
	r.roll = r.elemValue(r.roll, it.elem)
}

// nilMap: every operation once on a nil map.
func (r *runner) nilMap() {
	h := r.h
	r.h = nil
	r.get(false)
	r.delete()
	r.assign()
	mapclear(r.t, nil)
	var it hiter
	mapiterinit(r.t, nil, &it)
	r.h = h
	if it.key != nil || it.h != nil {
		r.roll = step(r.roll, 1)
	}
}
