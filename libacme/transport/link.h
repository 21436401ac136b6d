/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Link headers (RFC 8288 §3). */

#include <stddef.h>

/**
 * link_add_targets() - add the URLs of a header that have a relation
 * @header: value of one header: "<https://ca.example/1>;rel=\"alternate\", <…>; rel=index"
 * @relation: "alternate"
 * @max: maximum number of strings in @urls
 * @urls: string vector to add to
 *
 * Only absolute https:// URLs are added. Parsing ends at the first text that is no link. 0 or
 * -ENOMEM.
 */
int link_add_targets(const char *header, const char *relation, size_t max, char ***urls);
