# SPDX-License-Identifier: BSD-3-Clause
"""Reads a map of go1.19 from outside, by ref/layout.json: the two procedures of the chapter "Layout for tools that read memory".

Nothing else of the map is known here. ci/test_layout.py tries it on the maps of
another process, ci/layout_maps.go, of 64 and of 32 bits.
"""


class Reader:
    """memory(address, size) gives bytes; layout is one part, "64" or "32", of layout.json."""

    def __init__(self, memory, layout, maptype):
        self.memory, self.layout = memory, layout
        self.word = layout["pointer_size"]
        self.type = {name: self.field("maptype", maptype, name) for name in
                     ("key", "elem", "keysize", "elemsize", "bucketsize", "flags")}
        flags = layout["maptype_flags"]
        self.indirectkey = self.type["flags"] & flags["indirectkey"] != 0
        self.indirectelem = self.type["flags"] & flags["indirectelem"] != 0
        self.keybytes = self.field("_type", self.type["key"], "size")
        self.elembytes = self.field("_type", self.type["elem"], "size")

    def number(self, address, size):
        return int.from_bytes(self.memory(address, size), "little")

    def field(self, struct, address, name):
        found = next(f for f in self.layout["structs"][struct]["fields"] if f["name"] == name)
        return self.number(address + found["offset"], found["size"])

    def chain(self, bucket):
        """The slots of a bucket and of its overflow buckets that have an entry: (tophash, key, elem), as bytes."""
        count, start = self.layout["constants"]["bucketCnt"], self.layout["constants"]["dataOffset"]
        while bucket != 0:
            for i, top in enumerate(self.memory(bucket, count)):
                if top == self.layout["tophash"]["emptyRest"]:
                    return
                if top >= self.layout["tophash"]["minTopHash"]:
                    key = bucket + start + i * self.type["keysize"]
                    elem = bucket + start + count * self.type["keysize"] + i * self.type["elemsize"]
                    if self.indirectkey:
                        key = self.number(key, self.word)
                    if self.indirectelem:
                        elem = self.number(elem, self.word)
                    yield top, self.memory(key, self.keybytes), self.memory(elem, self.elembytes)
            bucket = self.number(bucket + self.type["bucketsize"] - self.word, self.word)

    def evacuated(self, bucket):
        """Has the content of this old bucket been moved?"""
        states = self.layout["tophash"]
        return states["emptyOne"] < self.number(bucket, 1) < states["minTopHash"]

    def arrays(self, hmap):
        """(address, number of buckets) of buckets and of oldbuckets; address 0: there is none."""
        flags, B = self.field("hmap", hmap, "flags"), self.field("hmap", hmap, "B")
        old = 1 << B if flags & self.layout["flags"]["sameSizeGrow"] else 1 << B >> 1
        return (self.field("hmap", hmap, "buckets"), 1 << B), (self.field("hmap", hmap, "oldbuckets"), old)

    def walk(self, hmap):
        """All entries: those of both arrays, for the slots of an evacuated bucket say that they have none."""
        if hmap == 0:
            return
        for array, count in self.arrays(hmap):
            for i in range(count if array != 0 else 0):
                yield from self.chain(array + i * self.type["bucketsize"])

    def find(self, hmap, hash_of_key, equal):
        """The elem of the key with that hash for which equal(key) is true, or None."""
        if hmap == 0 or self.field("hmap", hmap, "buckets") == 0:
            return None
        (new, count), (old, old_count) = self.arrays(hmap)
        bucket = new + hash_of_key % count * self.type["bucketsize"]
        if old != 0:
            before = old + hash_of_key % old_count * self.type["bucketsize"]
            if not self.evacuated(before):
                bucket = before
        wanted = hash_of_key >> (8 * self.word - 8)
        if wanted < self.layout["tophash"]["minTopHash"]:
            wanted += self.layout["tophash"]["minTopHash"]
        return next((elem for top, key, elem in self.chain(bucket) if top == wanted and equal(key)), None)
