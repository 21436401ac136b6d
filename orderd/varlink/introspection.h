/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* org.varlink.service, by which a service describes its interface and itself. */

#include "varlink/interface.h"

/* Answers a call of org.varlink.service. False: @method is none of it. */
bool introspection_call(const VarlinkInterface *interface, const char *method, VarlinkCall *call,
                        const json_t *parameters);
