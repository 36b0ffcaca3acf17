/* SPDX-License-Identifier: MIT */
/* The list of C++ allocation functions, shared by the C part and the assembly stubs. */
#ifndef MP_NEW_HOOKS_H
#define MP_NEW_HOOKS_H

/*
 * X(symbol): Itanium C++ ABI names of the replaceable operator new and delete, for 64-bit size_t (m).
 * Zn new, Za new[], Zdl delete, Zda delete[]; m size, St11align_val_t alignment, RKSt9nothrow_t nothrow.
 */
#define NEW_FUNCTIONS(X)                      \
	X(_Znwm)                              \
	X(_Znam)                              \
	X(_ZnwmRKSt9nothrow_t)                \
	X(_ZnamRKSt9nothrow_t)                \
	X(_ZnwmSt11align_val_t)               \
	X(_ZnamSt11align_val_t)               \
	X(_ZnwmSt11align_val_tRKSt9nothrow_t) \
	X(_ZnamSt11align_val_tRKSt9nothrow_t)

#define DELETE_FUNCTIONS(X)                    \
	X(_ZdlPv)                              \
	X(_ZdaPv)                              \
	X(_ZdlPvm)                             \
	X(_ZdaPvm)                             \
	X(_ZdlPvRKSt9nothrow_t)                \
	X(_ZdaPvRKSt9nothrow_t)                \
	X(_ZdlPvSt11align_val_t)               \
	X(_ZdaPvSt11align_val_t)               \
	X(_ZdlPvmSt11align_val_t)              \
	X(_ZdaPvmSt11align_val_t)              \
	X(_ZdlPvSt11align_val_tRKSt9nothrow_t) \
	X(_ZdaPvSt11align_val_tRKSt9nothrow_t)

#endif
