/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

/* Makes text from outside safe for a terminal and the journal. */

/* In place: control characters become blanks, and bytes that are not UTF-8 become question marks.
 */
void text_flatten(char *text);
