# SPDX-License-Identifier: BSD-3-Clause
"""The key kinds, elem kinds and hashers of a trace in C, for ci/export_c.py.

The values of key numbers and the rules of the hashers are those of fuzz/FORMAT.md.
Lines between @if and @end are for the words that ci/export.py explains.
"""

NUMBER = "{.size = %d, .align = %s, .kind = %s, .regularMemory = true, .equal = memequal, .name = \"%s\"}"
BYTES = ("static const rtype uint8_type = " + NUMBER % (1, "1", "kindUint8", "uint8") + ";\n",
         "{.size = %d, .align = 1, .kind = kindArray, .regularMemory = true, .equal = memequal,\n"
         "    .elem = &uint8_type, .len = %d, .name = \"[%d]uint8\"}")
POINTER = ("{.size = PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindUnsafePointer,\n"
           "    .regularMemory = true, .directIface = true, .equal = memequal, .name = \"unsafe.Pointer\"}")
EMPTY = "{.align = 1, .kind = kindStruct, .regularMemory = true, .equal = memequal, .name = \"struct {}\"}"
INT = "{.size = PtrSize, .align = PtrSize, .kind = kindInt, .regularMemory = true, .equal = memequal, .name = \"int\"}"
STRING = ("{.size = 2 * PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindString, .equal = strequal,\n"
          "    .name = \"string\"}")
FLOAT = "{.size = 8, .align = PtrSize, .kind = kindFloat64, .equal = f64equal, .name = \"float64\"}"
INTERFACE = ("{.size = 2 * PtrSize, .ptrdata = 2 * PtrSize, .align = PtrSize, .kind = kindInterface,\n"
             "    .equal = nilinterequal, .name = \"interface {}\"}")


def integer(bits):
    """Key number n as a number of so many bits; short ones are cut off."""
    ctype = ("uint%d_t" if bits < 32 else "int%d_t") % bits
    return """\
static void key_make(unsigned n, unsigned copy, void *out)
{
    %(ctype)s v = (%(ctype)s)n;
    (void)copy;
    memcpy(out, &v, sizeof v);
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    %(ctype)s v;
    (void)payload;
    memcpy(&v, p, sizeof v);
    return %(number)s;
}
@end
""" % {"ctype": ctype, "number": "v" if bits < 32 else "v >= 0 && v <= 65535 ? (int)v : -1"}


def array(size):
    """n in the first two bytes, then a pattern."""
    return """\
static void key_make(unsigned n, unsigned copy, void *out)
{
    unsigned char *b = out;
    (void)copy;
    b[0] = (unsigned char)n;
    b[1] = (unsigned char)(n >> 8);
    for (unsigned i = 2; i < %d; i++) {
        b[i] = (unsigned char)((n ^ n >> 8) + i - 2);
    }
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    const unsigned char *b = p;
    unsigned char want[%d];
    int n = b[0] | b[1] << 8;
    (void)payload;
    key_make((unsigned)n, 0, want);
    return memcmp(want, p, sizeof want) == 0 ? n : -1;
}
@end
""" % (size, size)


TEXT = """\
// Two copies of each string, for equal strings at different addresses.
static unsigned char texts[2][65536][60];

static stringStruct text(unsigned n, unsigned copy)
{
    unsigned char *b = texts[copy & 1][n];
    if (n == 0 && (copy & 1) == 0) {
        return (stringStruct){NULL, 0};
    }
    unsigned length = n == 0 ? 0 : 2 + n % 59;
    for (unsigned i = 0; i < length; i++) {
        b[i] = (unsigned char)(i == 0 ? n : i == 1 ? n >> 8 : (n ^ n >> 8) + i - 2);
    }
    return (stringStruct){b, (intptr_t)length};
}

@if iter NUMBER
static int text_number(stringStruct s)
{
    const unsigned char *b = s.str;
    int n = s.len < 2 ? 0 : b[0] | b[1] << 8;
    return s.len == text((unsigned)n, 1).len ? n : -1;
}
@end

"""


def floats(bits):
    """Floats of so many bits by their numbers."""
    return """\
// 0, -0, %(infinity)s, the smallest denormal, 4, 5, ..; from first_nan on NaN, with the copy as its payload.
static uint%(bits)d_t number_bits(unsigned n, unsigned first_nan, unsigned copy)
{
    static const uint%(bits)d_t special[] = {0, UINT%(bits)d_C(1) << %(sign)d, %(infinite)s, 1};
    %(ctype)s f = (%(ctype)s)n;
    uint%(bits)d_t bits;
    memcpy(&bits, &f, sizeof bits);
    return n >= first_nan ? %(nan)s | copy %% 65536 : n < 4 ? special[n] : bits;
}

@if iter NUMBER
static int bits_number(uint%(bits)d_t bits, unsigned first_nan, unsigned *payload)
{
    %(ctype)s f;
    memcpy(&f, &bits, sizeof f);
    if (bits >> 16 == %(nan)s >> 16) {
        *payload = (unsigned)(bits & 65535);
        return (int)first_nan;
    }
    for (unsigned n = 0; n < 4; n++) {
        if (number_bits(n, first_nan, 0) == bits) {
            return (int)n;
        }
    }
    return f >= 4 && f < (%(ctype)s)first_nan && number_bits((unsigned)f, first_nan, 0) == bits ? (int)f : -1;
}
@end

""" % {"bits": bits, "sign": bits - 1, "ctype": "double" if bits == 64 else "float",
       "infinity": "+Inf" if bits == 64 else "-Inf",
       "infinite": "UINT64_C(0x7ff) << 52" if bits == 64 else "UINT32_C(0x1ff) << 23",
       "nan": "UINT64_C(0x7ff8000000000000)" if bits == 64 else "UINT32_C(0x7fc00000)"}


def floating(bits):
    """The float that key number n is."""
    return floats(bits) + """\
enum { first_nan = 0xc000 };

static void key_make(unsigned n, unsigned copy, void *out)
{
    uint%(bits)d_t bits = number_bits(n, first_nan, copy);
    memcpy(out, &bits, sizeof bits);
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    uint%(bits)d_t bits;
    memcpy(&bits, p, sizeof bits);
    return bits_number(bits, first_nan, payload);
}
@end
""" % {"bits": bits}


def complex_of(bits):
    """A complex number of two such floats."""
    return floats(bits) + """\
// The imaginary part is 1; of NaN with odd n, the real one.
enum { first_nan = 0xc000 };

static void key_make(unsigned n, unsigned copy, void *out)
{
    %(ctype)s one = 1;
    bool swapped = n >= first_nan && n %% 2 == 1;
    uint%(bits)d_t bits[2];
    memcpy(&bits[!swapped], &one, sizeof one);
    bits[swapped] = number_bits(n, first_nan, copy);
    memcpy(out, bits, sizeof bits);
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    %(ctype)s one = 1;
    uint%(bits)d_t bits[2];
    memcpy(bits, p, sizeof bits);
    if (memcmp(&bits[1], &one, sizeof one) == 0) {
        return bits_number(bits[0], first_nan, payload);
    }
    return bits_number(bits[1], first_nan, payload) == first_nan ? first_nan + 1 : -1;
}
@end
""" % {"bits": bits, "ctype": "double" if bits == 64 else "float"}


IFACE = """\
static const rtype int64_type = """ + NUMBER % (8, "PtrSize", "kindInt64", "int64") + """;
static const rtype string_type = """ + STRING + """;
static const rtype float64_type = """ + FLOAT + """;
static const rtype pointer_type = """ + POINTER + """;
static const rtype int_type = """ + INT + """;
static const rtype slice_type = {.size = 3 * PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindSlice,
    .elem = &int_type, .name = "[]int"};
static const structfield slice_field[] = {{.typ = &slice_type, .offset = 0}};
static const rtype unhashable_types[4] = {
    {.size = 3 * PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindSlice, .elem = &int_type, .name = "[]int"},
    {.size = PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindMap, .directIface = true, .name = "map[int]int"},
    {.size = PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindFunc, .directIface = true, .name = "func()"},
    {.size = 3 * PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindStruct, .fields = slice_field, .nfields = 1,
     .name = "struct { s []int }"},
};

// By n: int64, nil, strings, floats, NaN, pointers, and what cannot be hashed.
enum { first_string = 0x4000, first_float = 0x8000, first_nan = 0xb000, first_pointer = 0xc000, first_bad = 0xe000 };

static union {
    int64_t i;
    stringStruct s;
    uint64_t f;
} boxes[2][65536];
static uint64_t nans[65536]; // by payload
static uintptr_t slices[2][3];

static eface boxed(unsigned n, unsigned copy)
{
    unsigned c = copy & 1;
    eface e = {NULL, NULL};
    if (n >= first_bad) {
        e._type = &unhashable_types[n & 3];
        e.data = e._type->directIface ? NULL : slices[c];
    } else if (n >= first_pointer) {
        uintptr_t address = 0x10000 + 16 * (uintptr_t)(n & 0x1fff);
        e._type = &pointer_type;
        memcpy(&e.data, &address, sizeof address);
    } else if (n >= first_nan) {
        nans[copy % 65536] = number_bits(0x3000, 0x3000, copy);
        e = (eface){&float64_type, &nans[copy % 65536]};
    } else if (n >= first_float) {
        boxes[c][n].f = number_bits(n - first_float, 0x3000, 0);
        e = (eface){&float64_type, &boxes[c][n]};
    } else if (n >= first_string) {
        boxes[c][n].s = text(n - first_string, c);
        e = (eface){&string_type, &boxes[c][n]};
    } else if (n != 0x3fff) {
        boxes[c][n].i = n;
        e = (eface){&int64_type, &boxes[c][n]};
    }
    return e;
}

@if iter NUMBER
static int boxed_number(eface e, unsigned *payload)
{
    if (e._type == &int64_type) {
        return (int)*(const int64_t *)e.data;
    }
    if (e._type == &string_type) {
        return first_string + text_number(*(const stringStruct *)e.data);
    }
    if (e._type == &float64_type) {
        return first_float + bits_number(*(const uint64_t *)e.data, 0x3000, payload);
    }
    if (e._type == &pointer_type) {
        return first_pointer + (int)(((uintptr_t)e.data - 0x10000) / 16);
    }
    for (int i = 0; i < 4; i++) {
        if (e._type == &unhashable_types[i]) {
            return first_bad + i;
        }
    }
    return e._type == NULL ? 0x3fff : -1;
}
@end

"""

MIXED_TYPES = """\
// As Go lays it out: offsets are all that is taken from it.
typedef struct mixed {
    bool a;
    intptr_t b;
    int *c;
    stringStruct d[2];
    unsigned char blank[120];
    eface e;
} mixed;

static const rtype bool_type = """ + NUMBER % (1, "1", "kindBool", "bool") + """;
static const rtype int_pointer_type = {.size = PtrSize, .ptrdata = PtrSize, .align = PtrSize, .kind = kindPtr,
    .regularMemory = true, .directIface = true, .equal = memequal, .name = "*int"};
static const rtype strings_type = {.size = 4 * PtrSize, .ptrdata = 3 * PtrSize, .align = PtrSize, .kind = kindArray,
    .equal = arrayequal, .elem = &string_type, .len = 2, .name = "[2]string"};
static const rtype blank_type = """ + BYTES[1] % (120, 120, 120) + """;
static const rtype iface_type = """ + INTERFACE + """;
static const structfield fields[] = {
    {.typ = &bool_type, .offset = offsetof(mixed, a)},
    {.typ = &int_type, .offset = offsetof(mixed, b)},
    {.typ = &int_pointer_type, .offset = offsetof(mixed, c)},
    {.typ = &strings_type, .offset = offsetof(mixed, d)},
    {.typ = &blank_type, .offset = offsetof(mixed, blank), .blank = true},
    {.typ = &iface_type, .offset = offsetof(mixed, e)},
};
"""

MIXED = """\
// The other fields follow from the number of what e equals; the copy fills the blank one.
static void key_make(unsigned n, unsigned copy, void *out)
{
    unsigned char *k = out;
    unsigned same = (n >= first_nan && n < first_pointer) || n >= first_bad ? 0 : n == first_float + 1 ? first_float : n;
    intptr_t b = -(intptr_t)(same / 4);
    uintptr_t c = 0x10000 + 16 * (uintptr_t)(same / 16);
    stringStruct d[2] = {text(same / 64, copy), text(same, copy >> 1)};
    eface e = boxed(n, copy);
    memset(k, 0, sizeof(mixed));
    k[0] = (unsigned char)(same & 1);
    memcpy(k + offsetof(mixed, b), &b, sizeof b);
    memcpy(k + offsetof(mixed, c), &c, sizeof c);
    memcpy(k + offsetof(mixed, d), d, sizeof d);
    memset(k + offsetof(mixed, blank), (int)(1 + copy % 255), 120);
    memcpy(k + offsetof(mixed, e), &e, sizeof e);
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    eface e;
    memcpy(&e, (const unsigned char *)p + offsetof(mixed, e), sizeof e);
    return boxed_number(e, payload);
}
@end
"""

KEYS = {  # by kind: size for arrays in C, what stands before the type (uint8_type for one), the type, the functions
    "int64": ("8", "", NUMBER % (8, "PtrSize", "kindInt64", "int64"), integer(64)),
    "int8": ("1", "", NUMBER % (1, "1", "kindInt8", "int8"), integer(8)),
    "int16": ("2", "", NUMBER % (2, "2", "kindInt16", "int16"), integer(16)),
    "int32": ("4", "", NUMBER % (4, "4", "kindInt32", "int32"), integer(32)),
    "zero": ("0", "", EMPTY, """\
static void key_make(unsigned n, unsigned copy, void *out)
{
    (void)n;
    (void)copy;
    (void)out;
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    (void)p;
    (void)payload;
    return 0;
}
@end
"""),
    "string": ("2 * PtrSize", "", STRING, TEXT + """\
static void key_make(unsigned n, unsigned copy, void *out)
{
    stringStruct s = text(n, copy);
    memcpy(out, &s, sizeof s);
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    stringStruct s;
    (void)payload;
    memcpy(&s, p, sizeof s);
    return text_number(s);
}
@end
"""),
    "float32": ("4", "", "{.size = 4, .align = 4, .kind = kindFloat32, .equal = f32equal, .name = \"float32\"}", floating(32)),
    "float64": ("8", "", FLOAT, floating(64)),
    "complex64": ("8", "", "{.size = 8, .align = 4, .kind = kindComplex64, .equal = c64equal, .name = \"complex64\"}",
                  complex_of(32)),
    "complex128": ("16", "", "{.size = 16, .align = PtrSize, .kind = kindComplex128, .equal = c128equal, .name = \"complex128\"}",
                   complex_of(64)),
    "iface": ("2 * PtrSize", "", INTERFACE, TEXT + floats(64) + IFACE + """\
static void key_make(unsigned n, unsigned copy, void *out)
{
    eface e = boxed(n, copy);
    memcpy(out, &e, sizeof e);
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    eface e;
    memcpy(&e, p, sizeof e);
    return boxed_number(e, payload);
}
@end
"""),
    "mixed": ("sizeof(mixed)", BYTES[0] + "\n" + TEXT + floats(64) + IFACE + MIXED_TYPES,
              "{.size = sizeof(mixed), .ptrdata = sizeof(mixed), .align = PtrSize, .kind = kindStruct, .equal = structequal,\n"
              "    .fields = fields, .nfields = sizeof fields / sizeof fields[0],\n"
              "    .name = \"struct { a bool; b int; c *int; d [2]string; _ [120]uint8; e interface {} }\"}", MIXED),
    "padded": ("PtrSize + 8", "static const rtype uint8_type = " + NUMBER % (1, "1", "kindUint8", "uint8") + ";\n"
               "static const rtype uint64_type = " + NUMBER % (8, "PtrSize", "kindUint64", "uint64") + ";\n"
               "static const structfield fields[] = {{.typ = &uint8_type, .offset = 0}, {.typ = &uint64_type, .offset = PtrSize}};\n",
               "{.size = PtrSize + 8, .align = PtrSize, .kind = kindStruct, .equal = structequal, .fields = fields,\n"
               "    .nfields = 2, .name = \"struct { a uint8; b uint64 }\"}", """\
// struct { a uint8; b uint64 }; the copy fills what is between them.
static void key_make(unsigned n, unsigned copy, void *out)
{
    unsigned char *b = out;
    uint64_t v = n * UINT64_C(0x0001000100010001);
    b[0] = (unsigned char)n;
    for (unsigned i = 1; i < PtrSize; i++) {
        b[i] = (unsigned char)(1 + (copy % 255 + i) % 255);
    }
    memcpy(b + PtrSize, &v, sizeof v);
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    uint64_t v;
    (void)payload;
    memcpy(&v, (const unsigned char *)p + PtrSize, sizeof v);
    return (int)(v & 65535);
}
@end
"""),
    "pointer": ("PtrSize", "", POINTER, """\
static void key_make(unsigned n, unsigned copy, void *out)
{
    uintptr_t address = 0x10000 + 16 * (uintptr_t)n;
    (void)copy;
    memcpy(out, &address, sizeof address);
}

@if iter NUMBER
static int key_number(const void *p, unsigned *payload)
{
    uintptr_t address;
    (void)payload;
    memcpy(&address, p, sizeof address);
    address = (address - 0x10000) / 16;
    return address < 65536 ? (int)address : -1;
}
@end
"""),
}
for size in (16, 127, 128, 129, 1000):
    KEYS["bytes%d" % size] = (str(size), BYTES[0], BYTES[1] % (size, size, size), array(size))

# Which numbers are NaN, and which stand for the same key: (condition, number that stands for n).
SAME = {"int8": ("false", "n % 256"), "zero": ("false", "0")}
for kind in ("float32", "float64", "complex64", "complex128"):
    SAME[kind] = ("n >= 0xc000", "n == 1 ? 0 : n")
for kind in ("iface", "mixed"):
    SAME[kind] = ("n >= 0xb000 && n < 0xc000", "n == 0x8001 ? 0x8000 : n >= 0xe000 ? 0xe000 + n % 4 : n")

ELEMS = {"int64": ("8", "", NUMBER % (8, "PtrSize", "kindInt64", "int64")), "zero": ("0", "", EMPTY),
         "int8": ("1", "", NUMBER % (1, "1", "kindInt8", "int8")), "pointer": ("PtrSize", "", POINTER)}
for size in (128, 129, 1025):
    ELEMS["bytes%d" % size] = (str(size), BYTES[0], BYTES[1] % (size, size, size))

NO_ELEM = """\
static void elem_make(uint64_t of, void *out)
{
    (void)of;
    (void)out;
}
"""
ELEM_MAKE = """\
// The stamp's bytes, again and again: never nil, never followed.
static void elem_make(uint64_t of, void *out)
{
    unsigned char *b = out;
    for (unsigned i = 0; i < %s; i++) {
        b[i] = (unsigned char)(of >> i %% 8 * 8 | (i == 0));
    }
}
"""

SPREAD = """\
static uintptr_t spread(uint64_t x, uintptr_t seed)
{
    x = (x ^ seed) * UINT64_C(0x9e3779b97f4a7c15);
    return (uintptr_t)(x ^ x >> 32);
}

"""
TOP = "(base & (UINTPTR_MAX >> 8)) | (uintptr_t)(%s) << (8 * PtrSize - 8)"
TYPEHASH = ("real", "aes")  # what MapOf installs
HASHES = {"identity": "is_nan(n) ? typehash(type, p, seed) : number", "constant": "is_nan(n) ? typehash(type, p, seed) : 0",
          "random": "!is_nan(n) ? typehash(type, p, seed) : PtrSize == 8 ? (uintptr_t)fastrand64() : fastrand()",
          "lowbits": "(base & ~(uintptr_t)0xff) | (number & 1)", "tophash": TOP % "0x80", "mintop": TOP % "number % 5"}


def hash_code(kind, key):
    if kind in TYPEHASH:
        return ""
    based = "base" in HASHES[kind]
    return "\n" + (SPREAD if based else "") + """\
static uintptr_t hasher(const rtype *type, const void *p, uintptr_t seed)
{
    unsigned payload = 0;
    int known = key_number(p, &payload);
    unsigned n = (unsigned)known;
    if (known < 0%s) {
        return typehash(type, p, seed);
    }
%s    return %s;
}
""" % (" || n >= first_bad" if key in ("iface", "mixed") else "",
       ("    uintptr_t number = is_nan(n) ? payload : id(n);\n" if "number" in HASHES[kind] else "")
       + ("    uintptr_t base = is_nan(n) ? typehash(type, p, seed) : spread(id(n), seed);\n" if based else ""), HASHES[kind])
