/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The files of CA certificates that verify servers. */

/* Checks that libcurl can verify a server with the file. @ret_why: after -EBADMSG the reason, a
 * clause about the file. Returns 0; -EBADMSG: it has no usable certificate; other -errno: it cannot
 * be read. */
int ca_file_check(const char *path, const char **ret_why);
