#!/bin/bash -eu
# SPDX-License-Identifier: BSD-3-Clause
#
# build.sh: builds every target of fuzz/targets.def for OSS-Fuzz and
# ClusterFuzzLite.  Their image calls it with this tree in SRC/gomap, the
# compilers in CC and CXX, all flags in CFLAGS and CXXFLAGS, the engine in
# LIB_FUZZING_ENGINE, and the folders WORK and OUT.  At home ci/oss-fuzz/check
# calls it in the same way.
#
# In OUT there are then, for each target T that must find nothing:
#   fuzz_T                  the program
#   fuzz_T_seed_corpus.zip  corpus/T, its seeds compiled to bytes
#   fuzz_T.options          what libFuzzer has to know
# The real go1.19 is no judge there: a target starts no other program.
cd "$SRC/gomap"
targets=$(sed -nE 's/^TARGET\(([a-z0-9_]+), .*/\1/p' fuzz/targets.def)

cmake -S . -B "$WORK/gomap" -G Ninja -DGOMAP_ENGINE=custom -DGOMAP_GO119=OFF
cmake --build "$WORK/gomap" --target $(printf 'fuzz_%s\n' $targets)

# The seeds are compiled by a replay that runs here, without any of those flags.
plain=(env -u CFLAGS -u CXXFLAGS -u LDFLAGS -u LIB_FUZZING_ENGINE AFL_NOOPT=1)
"${plain[@]}" cmake -S . -B "$WORK/plain" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DGOMAP_WERROR=OFF -DGOMAP_GO119=OFF
"${plain[@]}" cmake --build "$WORK/plain" --target corpus

for target in $targets; do
    cp "$WORK/gomap/fuzz_$target" "$OUT/"
    rm -f "$OUT/fuzz_${target}_seed_corpus.zip"
    zip -q -j -X "$OUT/fuzz_${target}_seed_corpus.zip" "$WORK/plain/corpus/$target"/*
    # The longest trace there is, and far more seconds than one input may take.
    printf '[libfuzzer]\nmax_len = 4096\ntimeout = 10\n' >"$OUT/fuzz_$target.options"
done
