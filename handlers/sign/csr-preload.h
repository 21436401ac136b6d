/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Initializes what csr_parse() needs in OpenSSL. That takes longer than all other work for an
 * answer from the cache. A parent calls this before it forks, so that no child has to. */
void csr_preload(void);
