// SPDX-License-Identifier: BSD-3-Clause
//
// stub.s is empty: a package with assembler may declare functions without a
// body (runtime.go).
