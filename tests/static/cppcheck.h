/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Included by cppcheck in front of each file, after base/macro.h: what it does not understand. */

/* Blocks that are expressions. */
#undef TAKE_PTR
#undef TAKE_FD
#define TAKE_PTR(ptr) (ptr)
#define TAKE_FD(fd)   (fd)
