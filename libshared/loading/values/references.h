/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Names of blocks in the values of keys, looked up when all files are read. */

#include "loading/values/loader.h"

/* Parsers of ConfigKey: one name, or a list of names with commas. The default keys of [mgmt] may be
 * empty, which means no block. */
ConfigParser config_parse_reference, config_parse_references, config_parse_default,
    config_parse_defaults;

/* Looks up the blocks of all references of [mgmt] (@defaults), or of all others, and reports those
 * that are missing. 0 or -ENOMEM. */
int config_resolve(Loader *l, bool defaults);

/* Whether a block that a reference names is missing. */
bool config_is_unresolved(const Loader *l);
