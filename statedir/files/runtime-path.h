/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Paths below the runtime directory. Each function returns a new string; NULL: out of memory. */

char *runtime_socket_path(const char *runtime_directory);     /* the socket of acmems-orderd */
char *runtime_challenges_path(const char *runtime_directory); /* of all types */
char *runtime_challenge_path(const char *runtime_directory, const char *kind); /* "http-01", … */
