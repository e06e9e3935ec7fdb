// SPDX-License-Identifier: BSD-3-Clause
//
// runtime.go: the way into the real runtime: its map functions by linkname, the
// layout of what they work on, and the generator that they draw from.
//
// Built and run by CMake (target gomap-go119); see main.go.

package main

import (
	"reflect"
	"runtime"
	"runtime/debug"
	"unsafe"
)

const ptrSize = unsafe.Sizeof(uintptr(0))

// The constants of map.go that are needed outside of it.
const (
	bucketCnt  = 8
	dataOffset = 8
	minTopHash = 5
	sameGrow   = 8
	noCheck    = ^uintptr(0)
)

type rtype struct {
	size, ptrdata                  uintptr
	hash                           uint32
	tflag, align, fieldAlign, kind uint8
	equal                          func(unsafe.Pointer, unsafe.Pointer) bool
	gcdata                         *byte
	str, ptrToThis                 int32
}

type maptype struct {
	typ               rtype
	key, elem, bucket *rtype
	hasher            func(unsafe.Pointer, uintptr) uintptr
	keysize, elemsize uint8
	bucketsize        uint16
	flags             uint32
}

func (t *maptype) indirectKey() bool  { return t.flags&1 != 0 }
func (t *maptype) indirectElem() bool { return t.flags&2 != 0 }

type mapextra struct {
	overflow, oldoverflow unsafe.Pointer
	nextOverflow          unsafe.Pointer
}

type hmap struct {
	count      int
	flags, B   uint8
	noverflow  uint16
	hash0      uint32
	buckets    unsafe.Pointer
	oldbuckets unsafe.Pointer
	nevacuate  uintptr
	extra      *mapextra
}

type hiter struct {
	key, elem             unsafe.Pointer
	t                     *maptype
	h                     *hmap
	buckets               unsafe.Pointer
	bptr                  unsafe.Pointer
	overflow, oldoverflow unsafe.Pointer
	startBucket           uintptr
	offset                uint8
	wrapped               bool
	B, i                  uint8
	bucket, checkBucket   uintptr
}

type eface struct {
	typ  *rtype
	data unsafe.Pointer
}

//go:linkname makemap runtime.makemap
func makemap(t *maptype, hint int, h *hmap) *hmap

//go:linkname makemap64 runtime.makemap64
func makemap64(t *maptype, hint int64, h *hmap) *hmap

//go:linkname makemap_small runtime.makemap_small
func makemap_small() *hmap

//go:linkname reflect_makemap reflect.makemap
func reflect_makemap(t *maptype, cap int) *hmap

//go:linkname mapassign runtime.mapassign
func mapassign(t *maptype, h *hmap, key unsafe.Pointer) unsafe.Pointer

//go:linkname mapdelete runtime.mapdelete
func mapdelete(t *maptype, h *hmap, key unsafe.Pointer)

//go:linkname mapclear runtime.mapclear
func mapclear(t *maptype, h *hmap)

//go:linkname mapaccess1 runtime.mapaccess1
func mapaccess1(t *maptype, h *hmap, key unsafe.Pointer) unsafe.Pointer

//go:linkname mapaccess2 runtime.mapaccess2
func mapaccess2(t *maptype, h *hmap, key unsafe.Pointer) (unsafe.Pointer, bool)

//go:linkname mapaccess1_fat runtime.mapaccess1_fat
func mapaccess1_fat(t *maptype, h *hmap, key, zero unsafe.Pointer) unsafe.Pointer

//go:linkname mapaccess2_fat runtime.mapaccess2_fat
func mapaccess2_fat(t *maptype, h *hmap, key, zero unsafe.Pointer) (unsafe.Pointer, bool)

//go:linkname mapaccessK runtime.mapaccessK
func mapaccessK(t *maptype, h *hmap, key unsafe.Pointer) (unsafe.Pointer, unsafe.Pointer)

//go:linkname mapiterinit runtime.mapiterinit
func mapiterinit(t *maptype, h *hmap, it *hiter)

//go:linkname mapiternext runtime.mapiternext
func mapiternext(it *hiter)

//go:linkname typehash runtime.typehash
func typehash(t *rtype, p unsafe.Pointer, h uintptr) uintptr

//go:linkname roundupsize runtime.roundupsize
func roundupsize(size uintptr) uintptr

//go:linkname fastrand runtime.fastrand
func fastrand() uint32

//go:linkname fastrand64 runtime.fastrand64
func fastrand64() uint64

//go:linkname acquirem runtime.acquirem
func acquirem() unsafe.Pointer

//go:linkname releasem runtime.releasem
func releasem(m unsafe.Pointer)

//go:linkname zeroVal runtime.zeroVal
var zeroVal [1024]byte

//go:linkname useAeshash runtime.useAeshash
var useAeshash bool

//go:linkname aeskeysched runtime.aeskeysched
var aeskeysched [ptrSize / 4 * 64]byte

//go:linkname hashkey runtime.hashkey
var hashkey [4]uintptr

func add(p unsafe.Pointer, n uintptr) unsafe.Pointer { return unsafe.Add(p, n) }

func loadp(p unsafe.Pointer) unsafe.Pointer { return *(*unsafe.Pointer)(p) }

func typeOf(t reflect.Type) *rtype { return (*rtype)((*eface)(unsafe.Pointer(&t)).data) }

// ---- the generator -----------------------------------------------------------

// The state of this thread's generator, inside its M; found by findRand.
var randWords *[2]uint32
var randWord *uint64

// How far into an M to look.  The field lies in its first half.
const searchBytes = 400

// findRand looks for the eight bytes of the M that a call of fastrand moves as
// the generator moves its state.
func findRand() bool {
	m := acquirem()
	defer releasem(m)
	for at := uintptr(0); at < searchBytes; at += ptrSize {
		found := true
		for try := 0; try < 3 && found; try++ {
			if ptrSize == 8 {
				w := (*uint64)(add(m, at))
				before := *w
				fastrand()
				found = *w == before+0xa0761d6478bd642f
			} else {
				w := (*[2]uint32)(add(m, at))
				s1, s0 := w[0], w[1]
				s1 ^= s1 << 17
				s1 = s1 ^ s0 ^ s1>>7 ^ s0>>16
				r := fastrand()
				found = w[0] == s0 && w[1] == s1 && r == s0+s1
			}
		}
		if found {
			randWord = (*uint64)(add(m, at))
			randWords = (*[2]uint32)(add(m, at))
			return true
		}
	}
	return false
}

// The state as one number, low half first on 32-bit machines.
func randState() uint64 {
	if ptrSize == 8 {
		return *randWord
	}
	return uint64(randWords[0]) | uint64(randWords[1])<<32
}

func setRand(s uint64) {
	if ptrSize == 8 {
		*randWord = s
		return
	}
	randWords[0], randWords[1] = uint32(s), uint32(s>>32)
}

// seedRand is gm_rand_seed of ref/runtime.c.
func seedRand(seed uint64) {
	if ptrSize == 4 && seed == 0 {
		seed = 1
	}
	setRand(seed)
}

// ---- a quiet runtime ----------------------------------------------------------

// What drinks from the same generator, or moves memory, is kept away from
// traces: collections happen in between only, and the stack is as large as it
// will get.
func quiet() {
	debug.SetGCPercent(-1)
	growStack(64)
}

//go:noinline
func growStack(depth int) byte {
	var page [4096]byte
	if depth > 0 {
		page[0] = growStack(depth - 1)
	}
	return page[depth&4095]
}

// The real hash functions, keyed as ref/alg.c's by default: only while a trace
// runs, since maps of the runtime's own are hashed by them too.
var savedKey [4]uintptr
var savedSched [ptrSize / 4 * 64]byte
var savedAes bool

// hasAES: does this CPU hash as ref/aeshash.c, where it is asked to?
func hasAES() bool {
	return useAeshash && (runtime.GOARCH == "amd64" || runtime.GOARCH == "386")
}

// The words, truncated on 32-bit machines.
var portKey = [4]uint64{0xe220a8397b1dcdaf, 0x6e789e6aa1b965f5, 0x06c45d188009454f, 0xf88bb8a8724c81ed}

// The bytes that initAlgAES(0) of ref/alg.c makes.
var portSched = func() (sched [ptrSize / 4 * 64]byte) {
	seed := uint64(0)
	for i := range sched {
		if i%8 == 0 {
			seed += 0x9e3779b97f4a7c15
		}
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		z ^= z >> 31
		sched[i] = byte(z >> (8 * uint(i%8)))
	}
	return sched
}()

func hashAsPort(aes bool) {
	savedKey, savedSched, savedAes = hashkey, aeskeysched, useAeshash
	useAeshash = aes
	aeskeysched = portSched
	for i := range hashkey {
		hashkey[i] = uintptr(portKey[i])
	}
}

func hashAsBefore() {
	hashkey, aeskeysched, useAeshash = savedKey, savedSched, savedAes
}
