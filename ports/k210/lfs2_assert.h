/*
 * SPDX-License-Identifier: MIT
 *
 * littlefs leaves misuse (writing to a file opened for reading) and states that only a damaged file
 * system can have to its assertions. Without them it would go on and write nonsense to flash; here they
 * end in an OSError. Included on the command line when littlefs is compiled.
 */
#ifndef K210_LFS2_ASSERT_H
#define K210_LFS2_ASSERT_H

#undef LFS2_NO_ASSERT // set by extmod.mk; it also leaves out functions that only assertions use

__attribute__((noreturn)) void k210_lfs2_assert_failed(void);

#define LFS2_ASSERT(test) ((test) ? (void)0 : k210_lfs2_assert_failed())

#endif
