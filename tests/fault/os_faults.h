/* SPDX-License-Identifier: MIT */
/* System calls of the preload that fail on purpose, for make check-fault: os_syscall.h asks if built with MP_FAULTS. */
#ifndef MP_OS_FAULTS_H
#define MP_OS_FAULTS_H

/* What system call NR has to answer, a negative errno value; 0: it may go on to the kernel. Context: any. */
long os_fault(long nr);

#endif
