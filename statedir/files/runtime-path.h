/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Where things are below the runtime directory. Each gives a new string, NULL when out of memory.
 */

char *runtime_socket_path(const char *runtime_directory);     /* of orderd */
char *runtime_challenges_path(const char *runtime_directory); /* all kinds of challenges */
char *runtime_challenge_path(const char *runtime_directory, const char *kind); /* "http-01" */
