/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Makes the URL of a contact (RFC 8555 §7.3) from an e-mail address: "mailto:you@example.org", of
 * one address without header fields (RFC 6068). @ret: a new string. Returns 0; -EINVAL: this is no
 * such address; -ENOMEM. */
int email_to_url(const char *address, char **ret);
