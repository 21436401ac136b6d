/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* OpenSSL sets up at first use what csr_parse() needs, which takes longer than all the rest of an
 * answer from the cache. A parent that calls this before it forks spares each child that. */
void csr_preload(void);
