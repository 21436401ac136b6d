/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* http-01 (RFC 8555 §8.3): writes a file that acmems-http01 serves. */

#include "challenges/solver.h"

extern const Solver http01_solver;
