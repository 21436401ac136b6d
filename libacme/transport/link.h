/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Link headers (RFC 8288 §3). */

#include <stddef.h>

/**
 * link_add_targets() - the URLs that a header links to by a relation
 * @header: value of one header: "<https://ca.example/1>;rel=\"alternate\", <…>; rel=index"
 * @relation: "alternate"
 * @max: no more than so many in @urls
 * @urls: string vector that they are added to
 *
 * Only absolute https:// URLs count; what comes behind something that is no link is passed over.
 * 0 or -ENOMEM.
 */
int link_add_targets(const char *header, const char *relation, size_t max, char ***urls);
