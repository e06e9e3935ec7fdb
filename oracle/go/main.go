// SPDX-License-Identifier: BSD-3-Clause
//
// gomap-go119: Go's own map as a judge.  A child process that reads traces from
// its standard input, carries them out on the runtime that it was built with,
// and answers on its standard output: what it did, as running hash and state
// digests, or as a dump.  oracle/child.c is at the other end and describes the
// messages; all numbers in them are little-endian.
//
//	GOFLAGS=-mod=mod GOPROXY=off CGO_ENABLED=0 go build
//
// It ends when its input does.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
)

const (
	protocol     = 1
	helloMagic   = 0x4f474d47 // "GMGO"
	requestMagic = 0x51524d47 // "GMRQ"
	replyMagic   = 0x50524d47 // "GMRP"

	helloBytes   = 64
	requestBytes = 32
	replyBytes   = 32
	headerBytes  = 12
	opBytes      = 4

	wantEach = 1 // a digest after each step
	wantDump = 2 // the state after the last step, as text
	leaveEnd = 4 // the state at the end is not to be compared

	// Collect after so many bytes of buckets and ops, between two traces.
	garbageBytes = 32 << 20
)

func le16(b []byte) uint16 { return binary.LittleEndian.Uint16(b) }
func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, "gomap-go119: "+format+"\n", args...)
	os.Exit(2)
}

func readFull(b []byte) (n int) {
	for n < len(b) {
		m, err := syscall.Read(0, b[n:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil || m <= 0 {
			return n
		}
		n += m
	}
	return n
}

func writeFull(b []byte) {
	for len(b) > 0 {
		n, err := syscall.Write(1, b)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			os.Exit(0) // whoever asked is gone
		}
		b = b[n:]
	}
}

func hello() {
	b := make([]byte, helloBytes)
	binary.LittleEndian.PutUint32(b, helloMagic)
	binary.LittleEndian.PutUint32(b[4:], protocol)
	binary.LittleEndian.PutUint32(b[8:], uint32(ptrSize))
	if hasAES() {
		binary.LittleEndian.PutUint32(b[12:], 1)
	}
	copy(b[16:47], runtime.Version())
	copy(b[48:63], runtime.GOARCH)
	writeFull(b)
}

// garbage made since the last collection, roughly.
var garbage uintptr

func (r *runner) countGarbage(nops int) {
	garbage += uintptr(nops)*uintptr(r.t.bucketsize)/4 + 4096
	if r.h != nil {
		garbage += (uintptr(1) << r.h.B) * uintptr(r.t.bucketsize) * 2
	}
	if garbage > garbageBytes {
		r.h = nil
		r.forget()
		runtime.GC()
		garbage = 0
	}
}

// carryOut answers one request.
func (r *runner) carryOut(header, ops []byte, flags uint32, reply *bytes.Buffer) (digests int, text string) {
	var word [8]byte
	each := func() {
		if flags&wantEach != 0 {
			binary.LittleEndian.PutUint64(word[:], step(r.roll, r.state()))
			reply.Write(word[:])
			digests++
		}
	}
	hashAsPort(int(header[2])%hashKinds == hashAES)
	r.start(header)
	each()
	for ; len(ops) >= opBytes; ops = ops[opBytes:] {
		if ops[0]&31 == opMake {
			r.roll = step(r.roll, r.state())
		}
		r.step(ops)
		each()
	}
	r.rand, r.result = randState(), r.roll
	if flags&leaveEnd == 0 {
		r.roll = step(r.roll, r.state())
	}
	hashAsBefore()
	if flags&wantDump != 0 {
		text = r.dump()
	}
	return digests, text
}

func main() {
	runtime.LockOSThread()
	if !strings.HasPrefix(runtime.Version(), "go1.19.") {
		fail("built with %s; the map to compare with is that of go1.19", runtime.Version())
	}
	quiet()
	if !findRand() {
		fail("cannot find the state of fastrand in this runtime")
	}
	hello()

	r := new(runner)
	request := make([]byte, requestBytes)
	ops := make([]byte, 1<<12)
	var reply bytes.Buffer
	for {
		if n := readFull(request); n == 0 {
			return
		} else if n != requestBytes || le32(request) != requestMagic {
			fail("not a request")
		}
		sequence, flags, nops := le32(request[4:]), le32(request[8:]), int(le32(request[12:]))
		if nops*opBytes > cap(ops) {
			ops = make([]byte, 2*nops*opBytes)
		}
		ops = ops[:nops*opBytes]
		if readFull(ops) != len(ops) {
			fail("the request ends within its %d ops", nops)
		}
		reply.Reset()
		reply.Write(make([]byte, replyBytes))
		digests, text := r.carryOut(request[16:16+headerBytes], ops, flags, &reply)
		reply.WriteString(text)
		head := reply.Bytes()
		binary.LittleEndian.PutUint32(head, replyMagic)
		binary.LittleEndian.PutUint32(head[4:], sequence)
		binary.LittleEndian.PutUint32(head[8:], uint32(digests))
		binary.LittleEndian.PutUint32(head[12:], uint32(len(text)))
		binary.LittleEndian.PutUint64(head[16:], r.roll)
		writeFull(head)
		r.countGarbage(nops)
	}
}
