/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Where acmems-tlsalpn01 passes other connections on to. */

#include "loading/values/loader.h"

/* Reports a passthrough without a listener, one that differs from an earlier one, and one that
 * leads back to a listener; such a passthrough is dropped from its block. 0 or -ENOMEM. */
int config_check_passthroughs(Loader *l);
