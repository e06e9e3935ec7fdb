// SPDX-License-Identifier: BSD-3-Clause
//
// stub.s: empty on purpose.  A package with an assembly file may declare
// functions without a body, which runtime.go does to reach the runtime's.
