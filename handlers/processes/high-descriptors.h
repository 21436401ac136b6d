/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* The descriptors of connections lie above all others, so that the process of a connection can
 * close thousands of them at once. */

#include <stdbool.h>

typedef struct HighDescriptors {
    int first;    /* they begin here, … */
    bool has_low; /* … unless there was no free one */
} HighDescriptors;

/* Takes @fd over. Returns its new number. */
int high_descriptors_move(HighDescriptors *high, int fd);

/* Closes all of them. Returns false if that is not possible: then they must be closed one by one.
 */
bool high_descriptors_close(const HighDescriptors *high);
