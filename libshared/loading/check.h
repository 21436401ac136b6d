/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What config_load() checks when a block or all files were read, and the defaults it sets then. */

#include "loading/values/loader.h"

/* Check a block at its end; config_finish() checks the rest when all files are read. Return 0 or
 * -ENOMEM. */
int config_finish_account(Loader *l);
int config_finish_verification(Loader *l);
int config_finish_storage(Loader *l);
int config_finish_auth(Loader *l);
int config_finish(Loader *l);
