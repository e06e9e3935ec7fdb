// SPDX-License-Identifier: BSD-3-Clause
//
// hash_go asks the real runtime; main.go says how to run it.
module hash_go

go 1.19
