/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Texts that come from outside, made fit for a terminal and the journal. */

/* In place: control characters become blanks, bytes that are not UTF-8 question marks. */
void text_flatten(char *text);
