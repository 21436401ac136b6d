/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* What is checked of a request before the cache is used, in this order. Each function either
 * answers the request and returns false, or returns true: the next step follows. */

#include "sign/reply.h"

bool sign_check_origin(Sign *sign); /* no web page may ask through a browser */
bool sign_check_config(Sign *sign);
bool sign_check_head(Sign *sign); /* whether an auth block could permit it, whatever its body is */
bool sign_read_body(Sign *sign);
bool sign_check_client(Sign *sign); /* address and HMAC */
bool sign_parse_csr(Sign *sign);
bool sign_check_policy(Sign *sign); /* chooses the auth block */
bool sign_check_key(Sign *sign);    /* that it is not known as compromised */
