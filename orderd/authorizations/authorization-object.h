/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The authorization object of a CA, and the challenges in it (RFC 8555 §7.1.4, §8). Whether it is
 * for a name of the order: identifier.h. */

#include <jansson.h>
#include <stdbool.h>

#include "libacme/failure.h"

/* The name or address as the CA wrote it, without "*.", safe to print. New string; NULL: the object
 * has none, or one that is longer than a DNS name, or out of memory. */
char *authorization_object_name(const json_t *object);

/* Sets why the authorization is invalid: the error in the first challenge that has one.
 * @challenges: of the object; @name: begins the reason. */
void authorization_object_set_invalid(const json_t *challenges, const char *name, Failure *ret);

/* The first challenge of this type in a list of challenges; NULL: there is none. Borrowed. */
const json_t *challenge_object_find(const json_t *challenges, const char *type);

/* Returns what is needed to answer a challenge; both are borrowed. False: it is not valid. */
bool challenge_object_read(const json_t *challenge, const char **ret_token, const char **ret_url);

/* Whether the CA has not been told to validate, or has not begun. */
bool challenge_object_is_pending(const json_t *challenge);

/* Whether the CA has given up. Some CAs leave the authorization pending all the same. */
bool challenge_object_is_invalid(const json_t *challenge);

/* Whether the CA is still validating. */
bool challenge_object_is_processing(const json_t *challenge);

/* Whether an attempt to validate has failed. The challenge may be pending or processing all the
 * same (§8.2). */
bool challenge_object_has_error(const json_t *challenge);
