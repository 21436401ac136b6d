/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The sections that config_load() knows, and their keys. */

#include "loading/values/loader.h"

extern const Section config_sections[SECTION_MAX];
