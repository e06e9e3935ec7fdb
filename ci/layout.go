// SPDX-License-Identifier: BSD-3-Clause

//go:build ignore

// Prints what lies where in the map of the Go that compiled it, as ci/layout
// compares it with ref/layout.json. ci/layout writes the list of map types, in
// a file of its own, and builds both for amd64 and 386.
//
// Twice, from two sources: the DWARF that debuggers read, and the descriptors
// of the map types in its own memory, which the map works with.
package main

import (
	"debug/dwarf"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"unsafe"
)

type field struct {
	Name   string `json:"name"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
}

type record struct {
	Size   int64   `json:"size"`
	Fields []field `json:"fields"`
}

func (r record) at(name string) uintptr {
	for _, f := range r.Fields {
		if f.Name == name {
			return uintptr(f.Offset)
		}
	}
	panic("no field " + name)
}

type bucket struct {
	Key          string `json:"key"`
	Elem         string `json:"elem"`
	KeyTypeSize  int    `json:"key_type_size"`
	ElemTypeSize int    `json:"elem_type_size"`
	KeySize      int    `json:"keysize"`
	ElemSize     int    `json:"elemsize"`
	Keys         int64  `json:"keys"`
	Elems        int64  `json:"elems"`
	Overflow     int64  `json:"overflow"`
	BucketSize   int64  `json:"bucketsize"`
	Pointers     bool   `json:"pointers"`
	Flags        uint32 `json:"flags"`
}

type answer struct {
	Version     string            `json:"version"`
	PointerSize int               `json:"pointer_size"`
	Structs     map[string]record `json:"structs"`
	Constants   map[string]int64  `json:"constants"`
	Buckets     []bucket          `json:"buckets"`
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}

func recordOf(t *dwarf.StructType) record {
	r := record{Size: t.ByteSize, Fields: []field{}}
	for _, f := range t.Field {
		r.Fields = append(r.Fields, field{f.Name, f.ByteOffset, f.Type.Size()})
	}
	return r
}

// target is the struct that a map type points to the pointer of, field by field.
func target(t dwarf.Type, names ...string) *dwarf.StructType {
	for {
		switch u := t.(type) {
		case *dwarf.TypedefType:
			t = u.Type
			continue
		case *dwarf.PtrType:
			t = u.Type
			continue
		case *dwarf.StructType:
			if len(names) == 0 {
				return u
			}
			for _, f := range u.Field {
				if f.Name == names[0] {
					t = f.Type
				}
			}
			names = names[1:]
			continue
		}
		check(fmt.Errorf("the DWARF of a map leads to %v", t))
	}
}

func main() {
	file, err := elf.Open("/proc/self/exe")
	check(err)
	data, err := file.DWARF()
	check(err)
	a := answer{Version: version, PointerSize: int(unsafe.Sizeof(uintptr(0))), Structs: map[string]record{},
		Constants: map[string]int64{}}
	buckets := map[string]*dwarf.StructType{}
	for reader := data.Reader(); ; {
		entry, err := reader.Next()
		check(err)
		if entry == nil {
			break
		}
		name, _ := entry.Val(dwarf.AttrName).(string)
		switch entry.Tag {
		case dwarf.TagStructType:
			if short := strings.TrimPrefix(name, "runtime."); short != name && wanted[short] {
				t, err := data.Type(entry.Offset)
				check(err)
				a.Structs[short] = recordOf(t.(*dwarf.StructType))
			}
		case dwarf.TagConstant:
			if short := strings.TrimPrefix(name, "runtime."); short != name && wanted[short] {
				value, _ := entry.Val(dwarf.AttrConstValue).(int64)
				a.Constants[short] = value
			}
		case dwarf.TagTypedef:
			if strings.HasPrefix(name, "map[") {
				t, err := data.Type(entry.Offset)
				check(err)
				buckets[strings.ReplaceAll(name, "main.", "")] = target(t, "buckets")
			}
		}
	}
	for _, m := range maps {
		a.Buckets = append(a.Buckets, bucketOf(m, a.Structs, buckets))
	}
	out, err := json.Marshal(a)
	check(err)
	fmt.Println(string(out))
}

// bucketOf reads the descriptor of a map type, by the offsets that the DWARF
// gives, and checks that the DWARF of its bucket says the same.
func bucketOf(m any, structs map[string]record, buckets map[string]*dwarf.StructType) bucket {
	t := reflect.TypeOf(m)
	typ, desc := structs["_type"], structs["maptype"]
	base := *(*unsafe.Pointer)(unsafe.Pointer(&m))
	load := func(p unsafe.Pointer, r record, name string) uintptr {
		at := unsafe.Add(p, r.at(name))
		for _, f := range r.Fields {
			if f.Name == name {
				switch f.Size {
				case 1:
					return uintptr(*(*uint8)(at))
				case 2:
					return uintptr(*(*uint16)(at))
				case 4:
					return uintptr(*(*uint32)(at))
				}
			}
		}
		return *(*uintptr)(at)
	}
	of := *(*unsafe.Pointer)(unsafe.Add(base, desc.at("bucket")))
	name := strings.ReplaceAll(t.String(), "main.", "")
	shown := buckets[name]
	if shown == nil {
		check(fmt.Errorf("the DWARF has no %s", name))
	}
	r := recordOf(shown)
	b := bucket{Key: strings.ReplaceAll(t.Key().String(), "main.", ""), Elem: t.Elem().String(), KeyTypeSize: int(t.Key().Size()),
		ElemTypeSize: int(t.Elem().Size()), KeySize: int(load(base, desc, "keysize")), ElemSize: int(load(base, desc, "elemsize")),
		Keys: int64(r.at("keys")), Elems: int64(r.at("values")), Overflow: int64(r.at("overflow")),
		BucketSize: int64(load(base, desc, "bucketsize")), Pointers: load(of, typ, "ptrdata") != 0,
		Flags: uint32(load(base, desc, "flags"))}
	if size := int64(load(of, typ, "size")); size != b.BucketSize || r.Size != size {
		check(fmt.Errorf("%s: the bucket has %d bytes by maptype.bucketsize, %d by its own type, %d by DWARF",
			name, b.BucketSize, size, r.Size))
	}
	return b
}
