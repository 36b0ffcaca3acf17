/* SPDX-License-Identifier: MIT */
/* Attributes and small macros used everywhere in the preload. */
#ifndef MP_COMPILER_H
#define MP_COMPILER_H

#define MP_EXPORT     __attribute__((visibility("default")))
#define MP_HOT        __attribute__((hot))
#define MP_COLD       __attribute__((cold, noinline))
#define MP_NOINLINE   __attribute__((noinline))
#define MP_TLS        __thread __attribute__((tls_model("initial-exec")))
#define MP_ALIGNED(n) __attribute__((aligned(n)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
