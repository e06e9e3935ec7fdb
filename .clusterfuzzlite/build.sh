#!/bin/bash -eu
# SPDX-License-Identifier: BSD-3-Clause
#
# ClusterFuzzLite builds what OSS-Fuzz builds.
exec bash -eu "$SRC/gomap/ci/oss-fuzz/build.sh"
