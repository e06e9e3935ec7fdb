# SPDX-License-Identifier: BSD-3-Clause
"""A trace as a Go program with the built-in map; see ci/export.py.

The values of key numbers: fuzz/FORMAT.md.  The built-in map has hashers and
seeds of its own.  Under the hashers that give a bucket and leave the tophash
alone, the program takes other keys than the trace: such as the real hasher puts
into the bucket that the trace's hasher puts them into.
"""

import export
from export import Cannot

# What the port's judges see and a Go program does not.
INSIDE = {"check": "the structure of the map", "memory": "memory that is freed by hand", "alloc": "an allocation that fails",
          "determinism": "the same generator twice", "go": "a difference from go1.19, which Go itself cannot have"}
LARGEST_HINT = 1 << 20
STEPS = 20_000_000  # about so many in all rounds

INTEGER = """\
type K = %s

func key(n int) K { return K(n) }

@if iter
func number(k K) int { return int(k) & 0xffff }

@end
"""
ARRAY = """\
type K = [%(size)d]uint8

func key(n int) (k K) {
	k[0], k[1] = uint8(n), uint8(n>>8)
	for i := 2; i < len(k); i++ {
		k[i] = uint8((n ^ n>>8) + i - 2)
	}
	return k
}

@if iter
func number(k K) int { return int(k[0]) | int(k[1])<<8 }

@end
"""
STRING = """\
func text(n int) string {
	b := []byte{byte(n), byte(n >> 8)}
	for i := 0; i < n%59; i++ {
		b = append(b, byte((n^n>>8)+i))
	}
	if n == 0 {
		b = nil
	}
	return string(b)
}

"""
WIDTHS = {64: {"infinity": "+Inf", "zero": "math.Copysign(0, -1)", "infinite": "math.Inf(1)", "nan": "0x7ff8000000000000"},
          32: {"infinity": "-Inf", "zero": "float32(math.Copysign(0, -1))", "infinite": "float32(math.Inf(-1))",
               "nan": "0x7fc00000"}}


def floats(bits):
    """Floats of so many bits by their numbers."""
    return """\
// 0, -0, %(infinity)s, the smallest denormal, 4, 5, .. and NaN, each with a payload of its own.
func float(n, firstNaN int) float%(bits)d {
	special := []float%(bits)d{0, %(zero)s, %(infinite)s, math.SmallestNonzeroFloat%(bits)d}
	if n >= firstNaN {
		return math.Float%(bits)dfrombits(%(nan)s | uint%(bits)d(payload))
	}
	if n < len(special) {
		return special[n]
	}
	return float%(bits)d(n)
}

@if iter
func floatNumber(f float%(bits)d) int {
	switch {
	case f != f:
		return 1<<16 | int(math.Float%(bits)dbits(f)&0xffff)
	case f == %(infinite)s:
		return 2
	case f == math.SmallestNonzeroFloat%(bits)d:
		return 3
	}
	return int(f)
}

@end
""" % dict({"bits": bits}, **WIDTHS[bits])


def complex_of(bits):
    """A complex number of two such floats."""
    return "type K = complex%d\n\n" % (2 * bits) + floats(bits) + """\
func key(n int) K {
	if n >= 0xc000 && n%2 == 1 {
		return complex(1, float(n, 0xc000))
	}
	return complex(float(n, 0xc000), 1)
}

@if iter
func number(k K) int {
	if i := imag(k); i != i {
		return floatNumber(i)
	}
	return floatNumber(real(k))
}

@end
"""


IFACE = STRING + floats(64) + """\
func boxed(n int) any {
	switch {
	case n >= 0xe000:
		return []any{[]int(nil), map[int]int(nil), (func())(nil), struct{ s []int }{}}[n%4]
	case n >= 0xc000:
		return unsafe.Pointer(uintptr(0x10000 + 16*(n&0x1fff)))
	case n >= 0x8000:
		return float(n-0x8000, 0x3000)
	case n >= 0x4000:
		return text(n - 0x4000)
	case n == 0x3fff:
		return nil
	}
	return int64(n)
}

@if iter
func boxedNumber(boxed any) int {
	switch k := boxed.(type) {
	case int64:
		return int(k)
	case string:
		if k == "" {
			return 0x4000
		}
		return 0x4000 + (int(k[0]) | int(k[1])<<8)
	case float64:
		if k != k {
			return floatNumber(k)
		}
		return 0x8000 + floatNumber(k)
	case unsafe.Pointer:
		return 0xc000 + int(uintptr(k)-0x10000)/16
	}
	return 0x3fff
}

@end
"""
KEYS = {
    "int64": INTEGER % "int64", "int8": INTEGER.replace("& 0xffff", "& 0xff") % "int8", "int16": INTEGER % "int16",
    "int32": INTEGER % "int32",
    "zero": "type K = struct{}\n\nfunc key(n int) K { return K{} }\n\n@if iter\nfunc number(k K) int { return 0 }\n\n@end\n",
    "string": "type K = string\n\n" + STRING + """\
func key(n int) K { return text(n) }

@if iter
func number(k K) int {
	if k == "" {
		return 0
	}
	return int(k[0]) | int(k[1])<<8
}

@end
""",
    "complex64": complex_of(32), "complex128": complex_of(64),
    "iface": "type K = any\n\n" + IFACE + """\
func key(n int) K { return boxed(n) }

@if iter
func number(k K) int { return boxedNumber(k) }

@end
""",
    "mixed": """\
type K = struct {
	a bool
	b int
	c *int // to where nothing is, and that nothing follows
	d [2]string
	_ [120]uint8
	e any
}

""" + IFACE + """\
// The other fields follow from the number of what e equals; each key fills the blank one in its own way.
func key(n int) K {
	same := id(n)
	if nan(n) || n >= 0xe000 {
		same = 0
	}
	address := unsafe.Pointer(uintptr(0x10000 + 16*(same/16)))
	k := K{a: same%2 == 1, b: -(same / 4), c: (*int)(address), d: [2]string{text(same / 64), text(same)}, e: boxed(n)}
	blank := (*[120]uint8)(unsafe.Add(unsafe.Pointer(&k), unsafe.Offsetof(k.e)-120))
	for i := range blank {
		blank[i] = uint8(1 + payload%255)
	}
	return k
}

@if iter
func number(k K) int { return boxedNumber(k.e) }

@end
""",
    "padded": """\
type K = struct {
	a uint8
	b uint64
}

func key(n int) K { return K{uint8(n), uint64(n) * 0x0001000100010001} }

@if iter
func number(k K) int { return int(k.b & 0xffff) }

@end
""",
    "pointer": """\
type K = unsafe.Pointer // to where nothing is, and that nothing follows

func key(n int) K { return K(uintptr(0x10000 + 16*n)) }

@if iter
func number(k K) int { return int(uintptr(k)-0x10000) / 16 }

@end
""",
}
for size in (16, 127, 128, 129, 1000):
    KEYS["bytes%d" % size] = ARRAY % {"size": size}
for size in (32, 64):
    KEYS["float%d" % size] = "type K = float%d\n\n" % size + floats(size) + """\
func key(n int) K { return float(n, 0xc000) }

@if iter
func number(k K) int { return floatNumber(k) }

@end
"""
FLOATS = ("float32", "float64", "complex64", "complex128")
BOXES = ("iface", "mixed")
MATH = FLOATS + BOXES

# As in ci/export_c_kinds.py.
SAME = {"int8": ("false", "n & 0xff"), "int16": ("false", "n"), "zero": ("false", "0")}
SAME.update((kind, ("n >= 0xc000", "")) for kind in FLOATS)
SAME.update((kind, ("n >= 0xb000 && n < 0xc000", "")) for kind in BOXES)
IDS = dict([(kind, 1) for kind in FLOATS] + [(kind, 0x8001) for kind in BOXES])

ELEMS = {"int64": "type V = int64\n\nfunc elem(of int) V { return V(of) }\n",
         "int8": "type V = int8\n\nfunc elem(of int) V { return V(of) }\n",
         "zero": "type V = struct{}\n\nfunc elem(of int) V { return V{} }\n",
         "pointer": "type V = *int\n\nvar elemOf [1 << 17]int\n\nfunc elem(of int) V { return &elemOf[of] }\n"}
for size in (128, 129, 1025):
    ELEMS["bytes%d" % size] = """\
type V = [%d]uint8

func elem(of int) (v V) {
	for i := range v {
		v[i] = uint8(of >> (i %% 8 * 8))
	}
	return v
}
""" % size

# Another key for the same number: one of so many that the right one is among them.
CANDIDATES = {"int64": "K(candidate)", "int32": "K(candidate)", "pointer": "K(uintptr(0x10000 + 16*candidate))",
              "string": 'fmt.Sprintf("k%d", candidate)', "padded": "K{uint8(candidate), uint64(candidate)}",
              "iface": "K(candidate)", "mixed": "K{b: candidate}",
              # past the special ones, and fewer than a float32 tells apart
              "float32": "K(candidate)", "float64": "K(candidate)", "complex64": "complex(float32(candidate), 1)",
              "complex128": "complex(float64(candidate), 1)"}
for size in (16, 127, 128, 129, 1000):
    CANDIDATES["bytes%d" % size] = "K{uint8(candidate), uint8(candidate >> 8), uint8(candidate >> 16), 255}"
WANTED = {"identity": "uintptr(n)", "constant": "0", "lowbits": "uintptr(n & 1)"}
# The numbers that keep their key, and how to know it again: what differs from itself or has no hash, and special floats.
FIXED = {kind: ("nan(n) || n < 4", "n < 4 || n >= 1<<16") for kind in FLOATS}
FIXED.update((kind, ("nan(n) || n >= 0xe000 || n>>2 == 0x2000", "n>>2 == 0x2000 || n >= 1<<16")) for kind in BOXES)

CHOSEN = """\
// What runtime/map.go and runtime/type.go of go1.19 have.
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

func hash(k *K) uintptr {
	var boxed any = m
	words := (*[2]unsafe.Pointer)(unsafe.Pointer(&boxed))
	return (*mapType)(words[0]).hasher(unsafe.Pointer(k), uintptr((*hmap)(words[1]).hash0))
}

var (
	keys      [1 << 16]K
	isChosen  [1 << 16]bool
	chosen    []int // the numbers that have a key under this seed
	candidate int
@if iter
	numbers = map[K]int{}
@end
)

// key gives number n a key whose hash ends in the eight bits with which the hash
// of the trace ends.
func key(n int) K {
	if %(fixed)s {
		return fixedKey(n)
	}
	n = id(n)
	for !isChosen[n] {
		candidate++
		k := %(candidate)s
		if hash(&k)&0xff == (%(wanted)s)&0xff {
			keys[n], isChosen[n] = k, true
			chosen = append(chosen, n)
@if iter
			numbers[k] = n
@end
		}
	}
	return keys[n]
}

@if iter
func number(k K) int {
	if n, ok := numbers[k]; ok && isChosen[n] && keys[n] == k {
		return n
	}
	if n := fixedNumber(k); %(fixed_number)s {
		return n
	}
	return len(index) - 1 // nobody's
}

@end
"""

CALLS = {"assign": "put", "delete": "del", "get": "get", "iter": "begin", "next": "next", "end": "end", "clear": "clearMap",
         "check": "look"}


def made(maker, hint):
    if maker == 2:
        return "make(map[K]V)"
    if maker == 3:
        return "reflect.MakeMapWithSize(reflect.TypeOf(m), %d).Interface().(map[K]V)" % hint
    return "make(map[K]V, %s)" % ("int64(hint(%d))" if maker == 1 else "hint(%d)") % hint


def lines(trace):
    for step, last, distance, count in export.runs(trace.steps):
        numbers = ", ".join(str(n) for n in step.numbers)
        if step.act == "make":
            yield "makeMap(%s) // %s" % (made(*step.numbers), export.MAKERS[step.numbers[0]])
        elif step.act == "nil":
            yield "onNil(%s, %s)" % (numbers, "false" if step.unhashable else "true")
        elif step.act in ("seed", "free"):
            continue
        elif step.unhashable:
            yield "refused(%s)" % numbers
        elif count > 1 and distance:
            yield "for n := %s; n != %d; %s {" % (numbers, last + distance, export.advance(distance))
            yield "\t%s(n)" % CALLS[step.act]
            yield "}"
        elif count > 1:
            yield "for i := 0; i < %d; i++ {" % count
            yield "\t%s(%s)" % (CALLS[step.act], numbers)
            yield "}"
        else:
            yield "%s(%s)" % (CALLS[step.act], numbers)


def refuse(trace, key, hasher):
    """Says why, where no Go program can show it."""
    judge = trace.verdict.partition(":")[0]
    if trace.sabotage:
        raise Cannot("the target spoils the map behind the judges' backs; nobody spoils Go's")
    if judge in INSIDE:
        raise Cannot("the judge %s sees %s; a Go program sees results alone" % (judge, INSIDE[judge]))
    if "fail" in trace.acts:
        raise Cannot("an allocation fails in the trace; Go's never do")
    if "clear" in trace.acts and key in MATH:
        raise Cannot("the trace clears a map whose keys may differ from themselves; in go1.19 no statement does that at once")
    for step in trace.steps:
        if step.act == "make" and step.numbers[1] > LARGEST_HINT:
            raise Cannot("a map is made for %d entries; Go would try to" % step.numbers[1])
    if hasher in ("tophash", "mintop"):
        raise Cannot("hash=%s forces the tophash of every key; keys that have it under a random seed cannot be found in time" % hasher)
    if hasher in WANTED and key not in CANDIDATES:
        raise Cannot("hash=%s: among the keys of kind %s there are none to choose from by their hash" % (hasher, key))


def program(trace, text, name):
    """(the program, what differs from the trace); Cannot: why there is none."""
    key, elem, hasher = (trace.header[word] for word in ("key", "elem", "hash"))
    refuse(trace, key, hasher)
    notes = []
    nan, number = SAME.get(key, ("false", "n"))
    types = "type K" + KEYS[key].partition("type K")[2]
    fixed, fixed_number = FIXED.get(key, ("false", "n < 0"))
    if hasher in WANTED:
        types = types.replace("func key(", "func fixedKey(").replace("func number(", "func fixedNumber(")
        types += CHOSEN % {"fixed": fixed, "candidate": CANDIDATES[key], "wanted": WANTED[hasher],
                           "fixed_number": fixed_number}
        notes.append("hash=%s: keys are chosen such that the last eight bits of their hash are those of the trace's" % hasher)
        if key in FLOATS:
            types = types.replace("candidate++", "candidate++\n\t\tif candidate < 4 {\n\t\t\tcontinue\n\t\t}")
    if "seed" in trace.acts:
        notes.append("seed: the generator of Go's runtime cannot be set; these ops are left out")
    types += "func nan(n int) bool { return %s }\n\n" % nan
    body = "\tif n == %#x {\n\t\treturn n - 1 // -0 is +0\n\t}\n\treturn n\n" % IDS[key] if key in IDS else "\treturn %s\n" % number
    types += "// id is the same for equal keys.\nfunc id(n int) int {\n%s}\n\n%s" % (body, ELEMS[elem])
    words = set(trace.acts)
    for act in ("assign", "delete", "get"):
        if not any(step.act == act and not step.unhashable for step in trace.steps):
            words.discard(act)
    if trace.unhashable() or "nil" in words:
        words.add("PANIC")
    if any(step.unhashable and step.act != "nil" for step in trace.steps):
        words.add("unhashable")
    if key in MATH:
        words.add("math")
    if key == "pointer" or key in BOXES:
        words.add("unsafe")
    if hasher in WANTED:
        words.update(("CHOSEN", "unsafe"))
    steps = "\n".join("\t" + line for line in lines(trace))
    if "reflect." in steps:
        words.add("reflect")
    if "hint(" in steps:
        types += "\n// hint keeps the compiler from seeing a constant.\n//\n//go:noinline\nfunc hint(n int) int { return n }\n"
    return export.fill("program.go.in", words, {
        "VERDICT": trace.verdict, "FILE": name, "TRACE": export.comment(text).replace("//     ", "//\t"),
        "NOTES": "".join("//\n// %s.\n" % note for note in notes) + "package main", "TYPES": types, "STEPS": steps,
        "ROUNDS": min(100_000, max(1000, STEPS // max(1, len(trace.steps))))}), notes
