/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Answers by an order of acmems-orderd. */

#include "sign/reply.h"

/* Has the certificate ordered, and answers with it, or with why there is none. Returns false: it is
 * the last step. */
bool sign_order(Sign *sign);
