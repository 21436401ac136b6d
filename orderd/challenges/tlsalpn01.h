/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* tls-alpn-01 (RFC 8737): writes a certificate that acmems-tlsalpn01 presents. A server name has
 * one at a time: the next order waits until the current one is removed. */

#include <systemd/sd-event.h>

#include "challenges/solver.h"

extern const Solver tlsalpn01_solver;

/* @fd: directory of the challenge files, borrowed */
int tlsalpn01_new(sd_event *event, int fd, TlsAlpn01 **ret);
TlsAlpn01 *tlsalpn01_free(TlsAlpn01 *tlsalpn01); /* always returns NULL */

DEFINE_CLEANUP_FUNC(TlsAlpn01 *, tlsalpn01_free)
