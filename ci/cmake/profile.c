/* SPDX-License-Identifier: BSD-3-Clause
 *
 * profile.c: linked into every program of the preset coverage.  A program that
 * ends by _Exit or abort would leave no profile: the linker puts these in
 * their places (--wrap), which write it first.
 */
#include <stdlib.h>

int __llvm_profile_write_file(void);
_Noreturn void __real__Exit(int status);
_Noreturn void __real_abort(void);
_Noreturn void __wrap__Exit(int status);
_Noreturn void __wrap_abort(void);

void __wrap__Exit(int status)
{
    __llvm_profile_write_file();
    __real__Exit(status);
}

void __wrap_abort(void)
{
    __llvm_profile_write_file();
    __real_abort();
}
